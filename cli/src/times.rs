//! Times as people read them.

use std::time::SystemTime;

use annals::codec::Timestamp;
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::failure::Failure;

/// The present moment, in the zone that times are shown and read in.
#[derive(Clone, Debug)]
pub(crate) struct Present(Zoned);

impl Present {
    /// Returns the present in the zone called `zone`: `local`, `utc`, or a name such as
    /// `Europe/Berlin`.
    pub(crate) fn in_zone(zone: &str) -> Result<Present, Failure> {
        let zone = match zone {
            "local" => TimeZone::system(),
            "utc" | "UTC" => TimeZone::UTC,
            name => TimeZone::get(name).map_err(|error| {
                Failure::usage("`--tz` names no time zone")
                    .because(&error)
                    .help("write `local`, `utc` or a name such as `Europe/Berlin`")
            })?,
        };
        Ok(Present::at(SystemTime::now(), zone))
    }

    /// Returns the present by a clock that may show any time; the calendar ends with the year 9999.
    fn at(clock: SystemTime, zone: TimeZone) -> Present {
        let latest = jiff::Timestamp::MAX;
        Present(jiff::Timestamp::try_from(clock).unwrap_or(latest).to_zoned(zone))
    }

    #[cfg(test)]
    pub(crate) fn fixed(text: &str) -> Present {
        Present(text.parse().unwrap())
    }

    pub(crate) fn zoned(&self) -> &Zoned {
        &self.0
    }

    /// Returns date and time of day in the zone, to the second; microseconds are left out.
    pub(crate) fn local(&self, time: Timestamp) -> String {
        match jiff::Timestamp::from_microsecond(time.as_micros()) {
            Ok(instant) => {
                instant.to_zoned(self.0.time_zone().clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
            }
            // Only the outermost day of either end of the calendar.
            Err(_) => time.to_string(),
        }
    }

    /// Returns how long ago `time` was: `2 min ago`, `in 3 h`.
    pub(crate) fn age(&self, time: Timestamp) -> String {
        let seconds = (self.0.timestamp().as_microsecond() - time.as_micros()) / 1_000_000;
        let text = roughly(seconds.unsigned_abs());
        match seconds {
            // The moment was taken when the command began, so what it wrote itself is later.
            -4..5 => "now".to_owned(),
            5.. => format!("{text} ago"),
            _ => format!("in {text}"),
        }
    }
}

fn roughly(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(365 * 86_400, "years"), (30 * 86_400, "months"), (86_400, "days"), (3_600, "h"), (60, "min")];
    let unit = UNITS.iter().find(|(size, _)| seconds >= *size);
    let (count, name) = unit.map_or((seconds, "s"), |(size, name)| (seconds / size, *name));
    match name.strip_suffix('s').filter(|singular| count == 1 && !singular.is_empty()) {
        Some(singular) => format!("1 {singular}"),
        None => format!("{count} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn ages_are_rough() {
        let present = Present::fixed("2026-11-22T10:00:00+00:00[UTC]");
        let age = |text| present.age(time(text));
        assert_eq!(age("2026-11-22T09:59:57Z"), "now");
        assert_eq!(age("2026-11-22T09:59:20Z"), "40 s ago");
        assert_eq!(age("2026-11-22T09:58:00Z"), "2 min ago");
        assert_eq!(age("2026-11-22T08:30:00Z"), "1 h ago");
        assert_eq!(age("2026-11-21T09:00:00Z"), "1 day ago");
        assert_eq!(age("2024-01-01T09:00:00Z"), "2 years ago");
        assert_eq!(age("2026-11-22T10:00:01.5Z"), "now");
        assert_eq!(age("2026-11-22T13:00:00Z"), "in 3 h");
        assert_eq!(present.age(Timestamp::MIN), "12033 years ago");
    }

    #[test]
    fn a_clock_at_the_end_of_the_calendar_is_read() {
        let seconds = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        for clock in [seconds(253_402_300_799), seconds(1 << 40)] {
            let present = Present::at(clock, TimeZone::UTC);
            assert_eq!(present.zoned().year(), 9999);
            assert_eq!(present.age(Timestamp::MAX), "in 1 day");
        }
        let clock = seconds(1_700_000_000);
        assert_eq!(Present::at(clock, TimeZone::UTC).zoned().timestamp().as_second(), 1_700_000_000);
    }

    #[test]
    fn times_are_shown_in_the_zone() {
        let present = Present::fixed("2026-11-22T10:00:00+01:00[Europe/Berlin]");
        assert_eq!(present.local(time("2026-07-01T12:00:00.25Z")), "2026-07-01 14:00:00");
        assert_eq!(present.local(Timestamp::MAX), "9999-12-31T23:59:59.999999Z");
    }
}
