use std::fmt;

/// The place of an entry in its log: 1, 2, 3, … without a gap; 0 is "before everything".
///
/// Positions are the only order there is; times follow them, never the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first entry.
    pub const START: Position = Position(0);
    /// The greatest position a log can reach: 2^63 − 1, what a signed 64-bit column holds.
    pub const MAX: Position = Position(i64::MAX as u64);

    /// Returns the position `number`, or `None` above [`Position::MAX`].
    ///
    /// ```
    /// use annals_core::Position;
    /// assert_eq!(Position::new(418).unwrap().to_string(), "@418");
    /// assert_eq!(Position::new(u64::MAX), None);
    /// ```
    #[must_use]
    pub const fn new(number: u64) -> Option<Position> {
        if number > Self::MAX.0 { None } else { Some(Position(number)) }
    }

    /// Returns the number, 0 ..= 2^63 − 1.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the position as a signed integer, for columns that know no other.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "a position never exceeds i64::MAX")]
    pub const fn to_i64(self) -> i64 {
        self.0 as i64
    }

    /// Returns the position that a signed column holds, or `None` if it is negative.
    #[must_use]
    pub fn from_i64(number: i64) -> Option<Position> {
        u64::try_from(number).ok().map(Position)
    }

    /// Returns the position `count` further on, stopping at [`Position::MAX`].
    #[must_use]
    pub const fn plus(self, count: u64) -> Position {
        let sum = self.0.saturating_add(count);
        if sum > Self::MAX.0 { Self::MAX } else { Position(sum) }
    }

    /// Returns the position just before this one, stopping at [`Position::START`].
    #[must_use]
    pub const fn before(self) -> Position {
        Position(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// The positions after `after` up to and including `through`; none where `after` is not the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PositionRange {
    /// The last position that is *not* in the range.
    pub after: Position,
    /// The last position that is.
    pub through: Position,
}

impl PositionRange {
    /// Every position there is or will be.
    pub const ALL: PositionRange = PositionRange { after: Position::START, through: Position::MAX };

    /// Returns the range of all positions up to and including `through`.
    #[must_use]
    pub const fn through(through: Position) -> PositionRange {
        PositionRange { after: Position::START, through }
    }

    /// Returns the range of all positions after `after`.
    #[must_use]
    pub const fn after(after: Position) -> PositionRange {
        PositionRange { after, through: Position::MAX }
    }

    /// Returns whether `position` lies in the range.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        self.after < position && position <= self.through
    }
}

/// The direction in which a read walks the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// From the smallest position upwards.
    OldestFirst,
    /// From the greatest position downwards.
    NewestFirst,
}
