use std::sync::Arc;

use annals_core::ErrorKind;
use postgres::Row;

use crate::failure::Failure;
use crate::known_keys::KnownKeys;
use crate::log_name::LogName;
use crate::parameter::Parameter;
use crate::pool::Pool;
use crate::sql::Statements;

/// Where one log is: a database, and the number that its rows begin with.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) pool: Pool,
    pub(crate) sql: Arc<Statements>,
    pub(crate) log: i64,
    pub(crate) name: LogName,
    pub(crate) keys: KnownKeys,
}

impl Place {
    /// Asks a question about this log, whose number is `$1`.
    pub(crate) fn read(&self, sql: &Arc<str>, parameters: &[Parameter]) -> Result<Vec<Row>, Failure> {
        self.pool.read(sql, self.parameters(parameters))
    }

    /// Returns the number of the log, and then the other parameters of a statement.
    pub(crate) fn parameters(&self, others: &[Parameter]) -> Vec<Parameter> {
        let log = Parameter::number(self.log);
        std::iter::once(log).chain(others.iter().cloned()).collect()
    }

    pub(crate) fn no_log(&self) -> Failure {
        Failure::Refused(ErrorKind::Missing, format!("the database has no log `{}`", self.name))
    }
}
