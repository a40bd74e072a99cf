//! Conversions for the `chrono` crate.

use chrono::{
    DateTime as Dated, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc,
};

use crate::convert::whole_micros;
use crate::{Date, DateTime, Duration, Error, OffsetTimestamp, Time, Timestamp};

const RANGE: Error = Error::OutOfRange { what: "a time that chrono can hold" };

impl TryFrom<Dated<Utc>> for Timestamp {
    type Error = Error;

    /// Returns the instant, if it is one of whole microseconds in the years −9999 to 9999.
    fn try_from(theirs: Dated<Utc>) -> Result<Self, Error> {
        DateTime::try_from(theirs.naive_utc()).and_then(|utc| Self::from_micros(utc.as_micros()))
    }
}

impl From<Timestamp> for Dated<Utc> {
    fn from(ours: Timestamp) -> Self {
        Self::from_timestamp_micros(ours.as_micros()).expect("chrono holds the years -9999 to 9999")
    }
}

impl TryFrom<Dated<FixedOffset>> for OffsetTimestamp {
    type Error = Error;

    /// Returns instant and offset, if the instant is one of whole microseconds in the years −9999 to 9999.
    fn try_from(theirs: Dated<FixedOffset>) -> Result<Self, Error> {
        Self::new(theirs.to_utc().try_into()?, theirs.offset().local_minus_utc())
    }
}

impl TryFrom<OffsetTimestamp> for Dated<FixedOffset> {
    type Error = Error;

    fn try_from(ours: OffsetTimestamp) -> Result<Self, Error> {
        let offset = FixedOffset::east_opt(ours.offset_seconds()).ok_or(RANGE)?;
        Ok(Dated::<Utc>::from(ours.instant()).with_timezone(&offset))
    }
}

impl TryFrom<NaiveDate> for Date {
    type Error = Error;

    /// Returns the date, if it is in the years −9999 to 9999.
    fn try_from(theirs: NaiveDate) -> Result<Self, Error> {
        Self::new(theirs.year(), theirs.month(), theirs.day())
    }
}

impl From<Date> for NaiveDate {
    fn from(ours: Date) -> Self {
        let (year, month, day) = ours.year_month_day();
        Self::from_ymd_opt(year, month, day).expect("chrono has the same calendar, and more years")
    }
}

impl TryFrom<NaiveTime> for Time {
    type Error = Error;

    /// Returns the time, if it is one of whole microseconds and not within a leap second.
    fn try_from(theirs: NaiveTime) -> Result<Self, Error> {
        let micros = u32::try_from(whole_micros(theirs.nanosecond().into())?).map_err(|_| RANGE)?;
        Self::new(theirs.hour(), theirs.minute(), theirs.second(), micros)
    }
}

impl TryFrom<Time> for NaiveTime {
    type Error = Error;

    fn try_from(ours: Time) -> Result<Self, Error> {
        Ok(Self::MIN.overflowing_add_signed(TimeDelta::microseconds(ours.as_micros())).0)
    }
}

impl TryFrom<NaiveDateTime> for DateTime {
    type Error = Error;

    /// Returns the date and time, if it is one of whole microseconds in the years −9999 to 9999.
    fn try_from(theirs: NaiveDateTime) -> Result<Self, Error> {
        Ok(Self::new(theirs.date().try_into()?, theirs.time().try_into()?))
    }
}

impl From<DateTime> for NaiveDateTime {
    fn from(ours: DateTime) -> Self {
        let utc =
            Dated::from_timestamp_micros(ours.as_micros()).expect("chrono holds the years -9999 to 9999");
        utc.naive_utc()
    }
}

impl TryFrom<TimeDelta> for Duration {
    type Error = Error;

    /// Returns the span, if it is one of whole microseconds in 64 bits.
    fn try_from(theirs: TimeDelta) -> Result<Self, Error> {
        let nanos = i128::from(theirs.num_seconds()) * 1_000_000_000 + i128::from(theirs.subsec_nanos());
        whole_micros(nanos).map(Self::from_micros)
    }
}

impl From<Duration> for TimeDelta {
    fn from(ours: Duration) -> Self {
        Self::microseconds(ours.as_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_place_goes_both_ways() {
        let ours: OffsetTimestamp = "2026-04-08T07:53:44.000001+02:00".parse().unwrap();
        let dated = Dated::<FixedOffset>::try_from(ours).unwrap();
        assert_eq!(dated.to_string(), "2026-04-08 07:53:44.000001 +02:00");
        assert_eq!(OffsetTimestamp::try_from(dated), Ok(ours));
        assert_eq!(Timestamp::try_from(Dated::<Utc>::from(ours.instant())), Ok(ours.instant()));
        for bound in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(Timestamp::try_from(Dated::<Utc>::from(bound)), Ok(bound));
        }
        let local = NaiveDateTime::from(ours.local());
        assert_eq!(local.to_string(), "2026-04-08 07:53:44.000001");
        assert_eq!(DateTime::try_from(local), Ok(ours.local()));
        assert_eq!(NaiveTime::try_from(ours.local().time()), Ok(local.time()));
        assert_eq!(Date::try_from(NaiveDate::from(ours.local().date())), Ok(ours.local().date()));
        let span = Duration::from_micros(-1_500_000);
        assert_eq!(TimeDelta::from(span), TimeDelta::milliseconds(-1_500));
        assert_eq!(Duration::try_from(TimeDelta::from(span)), Ok(span));
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let nano = NaiveTime::from_hms_nano_opt(1, 2, 3, 4).unwrap();
        let leap = NaiveTime::from_hms_micro_opt(23, 59, 59, 1_500_000).unwrap();
        assert!(Time::try_from(nano).is_err());
        assert!(Time::try_from(leap).is_err());
        assert!(Date::try_from(NaiveDate::MAX).is_err());
        assert!(Timestamp::try_from(Dated::<Utc>::MIN_UTC).is_err());
        assert!(Duration::try_from(TimeDelta::MAX).is_err());
    }
}
