use std::fmt;

use annals_core::Error;

/// The name of the schema that the tables stand in: the one name that becomes part of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaName(String);

impl SchemaName {
    /// PostgreSQL cuts longer names without a word.
    const BYTES_MAX: usize = 63;

    pub(crate) fn annals() -> SchemaName {
        SchemaName("annals".into())
    }

    pub(crate) fn new(name: &str) -> Result<SchemaName, Error> {
        let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let goes_on = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if begins && goes_on && name.len() <= Self::BYTES_MAX && !name.starts_with("pg_") {
            return Ok(SchemaName(name.to_owned()));
        }
        Err(Error::Invalid(
            "a schema is named by at most 63 of a-z 0-9 _, not beginning with a digit or `pg_`".into(),
        ))
    }

    /// Returns a statement that is written for the schema `"annals"` as one for this schema.
    pub(crate) fn applied_to(&self, sql: &str) -> String {
        sql.replace("\"annals\".", &format!("\"{self}\"."))
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_part_of_a_statement() {
        for name in ["a", "_", "annals", "a1_b", &"x".repeat(63)] {
            assert_eq!(SchemaName::new(name).unwrap().to_string(), name);
        }
        let hostile = ["", "A", "1a", "a\"", "a b", "a;b", "a\0", "größe", "pg_catalog", &"x".repeat(64)];
        for name in hostile {
            assert!(SchemaName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_statement_names_the_schema_that_was_asked_for() {
        let sql = SchemaName::new("mine").unwrap().applied_to("SELECT \"annals\".x FROM \"annals\".y");
        assert_eq!(sql, "SELECT \"mine\".x FROM \"mine\".y");
    }
}
