/// The format of the place where a log lives, before and after it was brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The version that was found.
    pub before: u32,
    /// The version that is there now, the newest that this program knows.
    pub after: u32,
}
