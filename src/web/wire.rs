//! Texts of this API: moments, ids, JSON answers.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::contract::time::parse_rfc3339;
pub(super) use crate::contract::time::rfc3339;
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::Channel;

/// Parses RFC 3339 with any offset; `name` is the parameter's.
pub(super) fn parse_time(name: &str, text: &str) -> Result<Timestamp, Problem> {
    parse_rfc3339(text)
        .ok_or_else(|| Problem::bad_request(format!("{name} is a moment such as 2026-03-01T08:00:00Z, got {text:?}")))
}

/// Parses an alert's id as the contract writes it.
pub(super) fn parse_alert_id(text: &str) -> Result<AlertId, Problem> {
    AlertId::parse(text)
        .ok_or_else(|| Problem::bad_request(format!("an alert's id is a UUID in lower case, got {text:?}")))
}

/// Which channel is asked for: that of people where nothing is said, none for all.
pub(super) fn parse_channels(word: Option<&str>) -> Result<Option<Channel>, Problem> {
    match word {
        None => Ok(Some(Channel::Alert)),
        Some("all") => Ok(None),
        Some(word) => Channel::from_word(word)
            .map(Some)
            .ok_or_else(|| Problem::bad_request(format!("deliver is alert, record, shadow or all, got {word:?}"))),
    }
}

/// An answer in JSON.
pub(super) fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_go_there_and_back() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(rfc3339(at), "2023-11-14T22:13:20.123Z");
        assert_eq!(parse_time("from", "2023-11-15T06:13:20.123+08:00").unwrap(), at);
        assert!(parse_time("from", "yesterday").is_err());
    }

    #[test]
    fn only_a_uuid_is_an_alert_id() {
        let id = AlertId::new(Timestamp::from_millis(1_700_000_000_123), 42);
        assert_eq!(parse_alert_id(&id.to_string()).unwrap(), id);
        for bad in ["", "1", "0189-0000", "ZZ", &id.to_string().to_uppercase(), &id.to_string().replace('-', "")] {
            assert!(parse_alert_id(bad).is_err(), "{bad}");
        }
    }
}
