//! Times as text: RFC 3339, UTC, always three digits of a second.

use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;

/// `2026-03-01T08:15:30.250Z`. Milliseconds are rounded down, so that no event seems to come from the future.
pub fn rfc3339(at: Timestamp) -> String {
    // Every i64 of nanoseconds (years 1677 to 2262) lies within what jiff knows.
    let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let utc = TimeZone::UTC.to_datetime(moment);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.millisecond()
    )
}

/// Reads any RFC 3339 time.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(moment.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

/// A local, human form for tables: `2026-03-01 08:15:30` in the machine's time zone.
pub fn local(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_always_and_down() {
        assert_eq!(rfc3339(Timestamp::from_nanos(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp::from_nanos(1_700_000_000_129_999_999)), "2023-11-14T22:13:20.129Z");
        assert_eq!(rfc3339(Timestamp::from_nanos(i64::MAX)), "2262-04-11T23:47:16.854Z");
        assert_eq!(rfc3339(Timestamp::from_nanos(i64::MIN)), "1677-09-21T00:12:43.145Z");
    }

    #[test]
    fn reads_back_what_it_writes() {
        let at = Timestamp::from_millis(1_700_000_000_129);
        assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at));
        assert_eq!(parse_rfc3339("2023-11-14T23:13:20.129+01:00"), Some(at));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
