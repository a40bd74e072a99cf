use annals_codec::Timestamp;

/// Where the time of recording comes from: a seam, so that tests can turn the clock back.
pub trait Clock: Send + Sync {
    /// Returns the present time. It may fall; the log sees to it that recorded times do not.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
