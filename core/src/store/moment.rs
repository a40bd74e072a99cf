use crate::log::Position;

/// A record as it is: reads are as fresh as [the store says](crate::Freshness), and it can be written.
#[derive(Clone, Copy, Debug)]
pub struct Live;

/// A record as of a position: reads answer the same for ever, and nothing can be written.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    pub(crate) at: Position,
}

/// When a record is looked at: [`Live`] or [`Past`].
pub trait Moment: sealed::Sealed + Copy + Send + Sync + 'static {
    #[doc(hidden)]
    fn fixed(self) -> Option<Position>;
}

impl Moment for Live {
    fn fixed(self) -> Option<Position> {
        None
    }
}

impl Moment for Past {
    fn fixed(self) -> Option<Position> {
        Some(self.at)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Live {}
    impl Sealed for super::Past {}
}
