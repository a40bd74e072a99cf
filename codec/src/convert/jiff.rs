//! Conversions for the `jiff` crate.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Zoned, civil};

use crate::convert::whole_micros;
use crate::{Date, DateTime, Duration, Error, OffsetTimestamp, Time, Timestamp};

const RANGE: Error = Error::OutOfRange { what: "a time that jiff can hold" };

impl TryFrom<jiff::Timestamp> for Timestamp {
    type Error = Error;

    /// Returns the instant, if it is one of whole microseconds.
    fn try_from(theirs: jiff::Timestamp) -> Result<Self, Error> {
        Self::from_micros(whole_micros(theirs.as_nanosecond())?)
    }
}

impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = Error;

    /// Returns the instant, unless it is within two days of our bounds.
    fn try_from(ours: Timestamp) -> Result<Self, Error> {
        Self::from_microsecond(ours.as_micros()).map_err(|_| RANGE)
    }
}

impl TryFrom<Zoned> for OffsetTimestamp {
    type Error = Error;

    /// Returns instant and offset, unless the zone is more than a fixed offset, and its name would be lost.
    fn try_from(theirs: Zoned) -> Result<Self, Error> {
        let offset = theirs.time_zone().to_fixed_offset();
        let offset = offset.map_err(|_| Error::OutOfRange { what: "a fixed offset" })?;
        Self::new(theirs.timestamp().try_into()?, offset.seconds())
    }
}

impl TryFrom<OffsetTimestamp> for Zoned {
    type Error = Error;

    /// Returns the instant in the zone of its fixed offset, unless it is within two days of our bounds.
    fn try_from(ours: OffsetTimestamp) -> Result<Self, Error> {
        let offset = Offset::from_seconds(ours.offset_seconds()).map_err(|_| RANGE)?;
        Ok(jiff::Timestamp::try_from(ours.instant())?.to_zoned(TimeZone::fixed(offset)))
    }
}

impl TryFrom<civil::Date> for Date {
    type Error = Error;

    fn try_from(theirs: civil::Date) -> Result<Self, Error> {
        Self::new(theirs.year().into(), positive(theirs.month()), positive(theirs.day()))
    }
}

impl TryFrom<Date> for civil::Date {
    type Error = Error;

    fn try_from(ours: Date) -> Result<Self, Error> {
        let (year, month, day) = ours.year_month_day();
        let narrow = || Some((year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?));
        let (year, month, day) = narrow().ok_or(RANGE)?;
        Self::new(year, month, day).map_err(|_| RANGE)
    }
}

impl TryFrom<civil::Time> for Time {
    type Error = Error;

    /// Returns the time, if it is one of whole microseconds.
    fn try_from(theirs: civil::Time) -> Result<Self, Error> {
        let (hour, minute, second) = (theirs.hour(), theirs.minute(), theirs.second());
        let micros = whole_micros(theirs.subsec_nanosecond().into())?;
        let micros = u32::try_from(micros).map_err(|_| RANGE)?;
        Self::new(positive(hour), positive(minute), positive(second), micros)
    }
}

impl TryFrom<Time> for civil::Time {
    type Error = Error;

    fn try_from(ours: Time) -> Result<Self, Error> {
        Self::midnight().checked_add(SignedDuration::from_micros(ours.as_micros())).map_err(|_| RANGE)
    }
}

impl TryFrom<civil::DateTime> for DateTime {
    type Error = Error;

    /// Returns the date and time, if it is one of whole microseconds.
    fn try_from(theirs: civil::DateTime) -> Result<Self, Error> {
        Ok(Self::new(theirs.date().try_into()?, theirs.time().try_into()?))
    }
}

impl TryFrom<DateTime> for civil::DateTime {
    type Error = Error;

    fn try_from(ours: DateTime) -> Result<Self, Error> {
        Ok(Self::from_parts(ours.date().try_into()?, ours.time().try_into()?))
    }
}

impl TryFrom<SignedDuration> for Duration {
    type Error = Error;

    /// Returns the span, if it is one of whole microseconds in 64 bits.
    fn try_from(theirs: SignedDuration) -> Result<Self, Error> {
        whole_micros(theirs.as_nanos()).map(Self::from_micros)
    }
}

impl From<Duration> for SignedDuration {
    fn from(ours: Duration) -> Self {
        Self::from_micros(ours.as_micros())
    }
}

/// jiff counts months, days and hours in signed numbers that are never negative.
fn positive(number: i8) -> u32 {
    number.unsigned_abs().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_place_goes_both_ways() {
        let text = "2026-04-08T07:53:44.000001+02:00";
        let ours: OffsetTimestamp = text.parse().unwrap();
        let zoned = Zoned::try_from(ours).unwrap();
        assert_eq!(zoned.to_string(), "2026-04-08T07:53:44.000001+02:00[+02:00]");
        assert_eq!(OffsetTimestamp::try_from(zoned), Ok(ours));
        let instant = jiff::Timestamp::try_from(ours.instant()).unwrap();
        assert_eq!(instant.to_string(), "2026-04-08T05:53:44.000001Z");
        assert_eq!(Timestamp::try_from(instant), Ok(ours.instant()));
        let local = civil::DateTime::try_from(ours.local()).unwrap();
        assert_eq!(local.to_string(), "2026-04-08T07:53:44.000001");
        assert_eq!(DateTime::try_from(local), Ok(ours.local()));
        let span = Duration::from_micros(-1_500_000);
        assert_eq!(SignedDuration::from(span), SignedDuration::from_millis(-1_500));
        assert_eq!(Duration::try_from(SignedDuration::from(span)), Ok(span));
    }

    #[test]
    fn the_bounds_are_the_same_but_for_instants() {
        let first = Date::new(-9999, 1, 1).unwrap();
        assert_eq!(Date::try_from(civil::Date::MIN), Ok(first));
        assert_eq!(civil::Date::try_from(first), Ok(civil::Date::MIN));
        assert!(jiff::Timestamp::try_from(Timestamp::MAX).is_err());
        assert!(Timestamp::try_from(jiff::Timestamp::MIN).is_ok());
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        assert!(Timestamp::try_from(jiff::Timestamp::from_nanosecond(1).unwrap()).is_err());
        assert!(Time::try_from(civil::time(1, 2, 3, 4)).is_err());
        assert!(Duration::try_from(SignedDuration::MAX).is_err());
    }
}
