//! The connection of `lightbar feed`: server-sent events over HTTP, for ever, resumed at the last id.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{SendError, SyncSender};
use std::time::Duration;

use serde_json::Value;

use crate::backoff::Backoff;
use crate::domain::time::Timestamp;

/// The service speaks every five seconds; four times nothing is a dead connection.
const SILENCE: Duration = Duration::from_secs(20);
/// An event is at most so many bytes; what sends more is no feed.
const EVENT_MAX: usize = 4 << 20;

/// What is asked for.
pub(super) struct Wanted {
    pub(super) base: String,
    pub(super) since: Option<Timestamp>,
    /// Also what is only recorded, and what is on trial.
    pub(super) all: bool,
}

/// What came over the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Connected, for the first time or again.
    Up,
    /// An alert change: its JSON.
    Alert(String),
    /// Nothing new, but the connection lives.
    Alive,
    /// The service's store begins anew: ids from before mean nothing there.
    Restored,
    /// Not connected; it is tried again.
    Down(String),
    /// The service will not serve this request, whenever it is tried.
    Refused(String),
}

/// One try's end.
enum Ended {
    /// Nobody listens to us any more.
    Unheard,
    Lost(String),
    Refused(String),
}

impl From<SendError<Heard>> for Ended {
    fn from(_nobody: SendError<Heard>) -> Self {
        Self::Unheard
    }
}

/// Listens until nobody hears us.
pub(super) fn listen(wanted: &Wanted, tell: &SyncSender<Heard>) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(5)))
        .timeout_per_read(Some(SILENCE))
        .build()
        .into();
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15));
    let mut last = None;
    // Nothing is ever sent here: waiting for it waits, and only waits.
    let (_pause, waits) = std::sync::mpsc::sync_channel::<()>(0);
    loop {
        let told = match once(&agent, wanted, &mut last, &mut backoff, tell) {
            Ended::Unheard => return,
            Ended::Refused(why) => {
                tell.send(Heard::Refused(why)).ok();
                return;
            }
            Ended::Lost(why) => tell.send(Heard::Down(why)),
        };
        if told.is_err() {
            return;
        }
        waits.recv_timeout(backoff.failed()).ok();
    }
}

fn once(
    agent: &ureq::Agent,
    wanted: &Wanted,
    last: &mut Option<i64>,
    backoff: &mut Backoff,
    tell: &SyncSender<Heard>,
) -> Ended {
    let base = &wanted.base;
    let mut url = format!("{base}/api/v1/feed?deliver={}", if wanted.all { "all" } else { "alert" });
    if let (None, Some(since)) = (*last, wanted.since) {
        let since = jiff::Timestamp::from_millisecond(since.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        url = format!("{url}&since={since:.3}");
    }
    let mut request = agent.get(&url);
    if let Some(row) = *last {
        request = request.header("Last-Event-ID", row.to_string());
    }
    let mut response = match request.header("Accept", "text/event-stream").call() {
        Ok(response) => response,
        Err(error) => return Ended::Lost(error.to_string()),
    };
    let status = response.status();
    if !status.is_success() {
        let body = response.body_mut().with_config().limit(64 * 1024).read_to_string().unwrap_or_default();
        let detail =
            serde_json::from_str::<Value>(&body).ok().and_then(|body| Some(body.get("detail")?.as_str()?.to_owned()));
        let why = format!("{base} answered {status}: {}", detail.as_deref().unwrap_or("no reason given"));
        return if status.is_client_error() { Ended::Refused(why) } else { Ended::Lost(why) };
    }
    let is_feed =
        response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !is_feed {
        return Ended::Refused(format!("{url} is no feed of lightbar; check --url"));
    }
    let up = tell.send(Heard::Up).map_err(Ended::from);
    match up.and_then(|()| read(BufReader::new(response.body_mut().as_reader()), last, backoff, tell)) {
        Ok(()) => Ended::Lost("the service ended the feed".to_owned()),
        Err(ended) => ended,
    }
}

/// Reads events until the stream ends.
fn read(
    mut from: impl BufRead,
    last: &mut Option<i64>,
    backoff: &mut Backoff,
    tell: &SyncSender<Heard>,
) -> Result<(), Ended> {
    let (mut id, mut name, mut data) = (None, String::new(), String::new());
    let mut line = String::new();
    loop {
        line.clear();
        if from.read_line(&mut line).map_err(|error| Ended::Lost(error.to_string()))? == 0 {
            return Ok(());
        }
        let text = line.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            backoff.succeeded();
            if let Some(heard) = event(&name, &data, id.take(), last) {
                tell.send(heard)?;
            }
            name.clear();
            data.clear();
            continue;
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => id = value.parse().ok(),
            "event" => value.clone_into(&mut name),
            "data" => data.push_str(value),
            _ => {}
        }
        if data.len() > EVENT_MAX {
            return Err(Ended::Refused(format!(
                "an event of more than {EVENT_MAX} bytes came: this is no feed of lightbar"
            )));
        }
    }
}

fn event(name: &str, data: &str, id: Option<i64>, last: &mut Option<i64>) -> Option<Heard> {
    let said = || serde_json::from_str::<Value>(data).ok();
    match name {
        "alert" => {
            *last = id.or(*last);
            Some(Heard::Alert(data.to_owned()))
        }
        // Shown at once, though the store has no room for it: it comes again with its row.
        "unrecorded" => Some(Heard::Alert(data.to_owned())),
        "alive" => {
            // Says where the feed stands before the first alert, so that coming back misses nothing then either.
            *last = said().and_then(|said| said.get("last")?.as_i64()).or(*last);
            Some(Heard::Alive)
        }
        "reload" => {
            let said = said()?;
            let restored = said.get("reason")?.as_str()? == "store_restored";
            if restored {
                *last = said.get("last").and_then(Value::as_i64);
            }
            restored.then_some(Heard::Restored)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_events_and_remembers_where_it_is() {
        let (tell, heard) = std::sync::mpsc::sync_channel(16);
        let stream = ": lightbar feed\nretry: 2000\n\n: keep-alive\nevent: alive\ndata: {\"now\":\"x\",\"last\":7}\n\n\
                      id: 8\nevent: alert\ndata: {\"kind\":\"loitering\"}\r\n\r\nevent: from_the_future\ndata: 1\n\nid: 9\nevent: alert\n";
        let mut last = None;
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(2));
        backoff.failed();
        assert!(read(stream.as_bytes(), &mut last, &mut backoff, &tell).is_ok());
        drop(tell);
        let got: Vec<Heard> = heard.iter().collect();
        assert_eq!(got, [Heard::Alive, Heard::Alert("{\"kind\":\"loitering\"}".into())]);
        assert_eq!((last, backoff.failures()), (Some(8), 0), "half an event is no event");
    }

    #[test]
    fn a_restored_store_sets_the_place_back() {
        let mut last = Some(100);
        let heard = event("reload", "{\"last\":3,\"reason\":\"store_restored\"}", None, &mut last);
        assert_eq!((heard, last), (Some(Heard::Restored), Some(3)));
        assert_eq!(event("reload", "{\"last\":3,\"reason\":\"too_slow\"}", None, &mut last), None);
    }
}
