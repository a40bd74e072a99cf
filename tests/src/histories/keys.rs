/// The keys of a round, by number: two fields of a record, and one of another.
pub(super) const KEYS: [(&str, &str); 3] = [("a", "x"), ("a", "y"), ("b", "x")];

/// Those of them that make up a record.
pub(super) const RECORD: [usize; 2] = [0, 1];

/// The names of the keys, which differ from round to round.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    /// Where the log ended before the round: no key was written at or before it.
    pub(super) begin: u64,
}

impl Keys {
    pub(super) fn namespace(self, key: usize) -> String {
        format!("after/{}/{}", self.begin, KEYS[key].0)
    }
}

pub(super) fn field(key: usize) -> &'static str {
    KEYS[key].1
}
