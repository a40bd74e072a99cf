//! Days to year, month and day, and back, in the proleptic Gregorian calendar.
//!
//! The arithmetic counts years from March, so that the leap day is the last day of a year, and in eras of 400
//! years, which all have the same number of days (E. G. Richards' algorithm, in the form that C++'s `chrono` uses).

pub(crate) const YEAR_MIN: i32 = -9999;
pub(crate) const YEAR_MAX: i32 = 9999;
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// −9999-01-01 in days since 1970-01-01.
pub(crate) const DAYS_MIN: i32 = days_from_date(YEAR_MIN, 1, 1);
/// 9999-12-31 in days since 1970-01-01.
pub(crate) const DAYS_MAX: i32 = days_from_date(YEAR_MAX, 12, 31);

/// −9999-01-01T00:00:00 in microseconds since 1970-01-01T00:00:00.
pub(crate) const MICROS_MIN: i64 = DAYS_MIN as i64 * DAY_MICROS;
/// 9999-12-31T23:59:59.999999 in microseconds since 1970-01-01T00:00:00.
pub(crate) const MICROS_MAX: i64 = (DAYS_MAX as i64 + 1) * DAY_MICROS - 1;

const ERA_DAYS: i32 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_468;

/// Returns the days from 1970-01-01 to a date that exists.
pub(crate) const fn days_from_date(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

/// Returns the year, month and day that stand `days` after 1970-01-01.
pub(crate) const fn date_from_days(days: i32) -> (i32, i32, i32) {
    let days = days + EPOCH_DAYS;
    let era = days.div_euclid(ERA_DAYS);
    let day_of_era = days.rem_euclid(ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Returns whether the calendar has this date, within the years that we hold.
pub(crate) fn exists(year: i32, month: i32, day: i32) -> bool {
    (YEAR_MIN..=YEAR_MAX).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && date_from_days(days_from_date(year, month, day)) == (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = (YEAR_MIN, 1, 1);
        for days in DAYS_MIN..=DAYS_MAX {
            let (year, month, day) = date_from_days(days);
            assert_eq!((year, month, day), expected);
            assert_eq!(days_from_date(year, month, day), days);
            expected = following(expected);
        }
        assert_eq!(expected, (YEAR_MAX + 1, 1, 1));
        assert_eq!(days_from_date(1970, 1, 1), 0);
    }

    fn following((year, month, day): (i32, i32, i32)) -> (i32, i32, i32) {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + i32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        match (month, day) {
            (12, 31) => (year + 1, 1, 1),
            (_, day) if day == last => (year, month + 1, 1),
            _ => (year, month, day + 1),
        }
    }

    #[test]
    fn dates_that_the_calendar_lacks_do_not_exist() {
        assert!(exists(2024, 2, 29));
        for (year, month, day) in
            [(2023, 2, 29), (1900, 2, 29), (2024, 4, 31), (2024, 0, 1), (2024, 13, 1), (10_000, 1, 1)]
        {
            assert!(!exists(year, month, day));
        }
    }
}
