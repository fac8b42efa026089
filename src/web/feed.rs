//! The feed: every recorded alert change over server-sent events, without gaps and without duplicates.
//!
//! First what the client missed, from the store; then what is recorded now, live. A client that is too slow loses nothing: it
//! gets `reload` with the last row it was sent, and the store serves it again from there. The `id` of an event is its row,
//! so a client that comes back says with `Last-Event-ID` where it was.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::problem::Problem;
use super::{WebState, wire};
use crate::pipeline::ports::{Channel, Recorded};

/// How many changes are read from the store at once.
const PAGE: usize = 200;
/// Events that wait for the socket; small, so that a slow client is noticed at the broadcast, where it can be served again.
const OUT_QUEUE: usize = 16;
/// A client that hears nothing for three of these knows that the feed is dead.
const ALIVE_EVERY: Duration = Duration::from_secs(5);
/// How long a browser waits before it comes back.
const COME_BACK_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedQuery {
    after: Option<i64>,
    since: Option<String>,
    deliver: Option<String>,
    states_after: Option<i64>,
}

/// `GET /api/v1/feed`: from `Last-Event-ID`, else `?after=ROW`, else `?since=MOMENT`, else from now on. Of the channel
/// `?deliver=` (`alert` where nothing is said), or of all; rows of others are passed over, so ids may jump. With
/// `?states_after=ROW` changes of alerts' states come too, as events `state` that have a row of their own in their data.
pub(super) async fn feed(
    State(state): State<WebState>,
    headers: HeaderMap,
    query: Result<Query<FeedQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let only = wire::parse_channels(query.deliver.as_deref())?;
    let Ok(seat) = Arc::clone(&state.seats).try_acquire_owned() else {
        state.metrics.web.feed_refused.inc();
        return Err(Problem::unavailable("all places at the feed are taken; close one, or try again later"));
    };
    // Subscribed before the store is read: what is committed in between is in both, and rows tell it apart.
    let live = state.live.subscribe();
    let states = match (&state.lifecycle, query.states_after) {
        (Some(door), Some(after)) => Some(States { told: door.states.subscribe(), last: after.max(0) }),
        _ => None,
    };
    let start = start(&state, &headers, query).await?;
    let (out, events) = mpsc::channel(OUT_QUEUE);
    let mut stop = state.stop.clone();
    let client = Client { state, live, out, last: start.row, only, states, _seat: seat };
    tokio::spawn(async move {
        let clients = client.state.metrics.web.feed_clients.clone();
        clients.inc();
        tokio::select! {
            _gone = client.run(start.restored) => {}
            _stopped = stop.wait_for(|stopped| *stopped) => {}
        }
        clients.dec();
    });
    Ok(Sse::new(ReceiverStream::new(events).map(Ok::<_, std::convert::Infallible>)).into_response())
}

struct Start {
    row: i64,
    /// The client knows rows that this store does not have.
    restored: bool,
}

async fn start(state: &WebState, headers: &HeaderMap, query: FeedQuery) -> Result<Start, Problem> {
    let resumed =
        headers
            .get("last-event-id")
            .map(|value| {
                value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).ok_or_else(|| {
                    Problem::bad_request("Last-Event-ID is the id of an event of this feed: a whole number")
                })
            })
            .transpose()?;
    let since = query.since.as_deref().map(|text| wire::parse_time("since", text)).transpose()?;
    let asked = resumed.or(query.after);
    let (last, wanted) = state
        .read(move |reader| {
            let last = reader.last_row()?;
            let wanted = match (asked, since) {
                (Some(row), _) => row,
                (None, Some(at)) => reader.last_row_before(at)?,
                (None, None) => last,
            };
            Ok((last, wanted))
        })
        .await?;
    // A store that was restored from a copy begins at smaller rows; waiting for its rows to grow would be a silent feed.
    Ok(Start { row: wanted.clamp(0, last), restored: wanted > last })
}

struct Client {
    state: WebState,
    live: broadcast::Receiver<Recorded>,
    out: mpsc::Sender<Event>,
    last: i64,
    only: Option<Channel>,
    states: Option<States>,
    _seat: OwnedSemaphorePermit,
}

/// How far a client is with changes of states.
struct States {
    told: watch::Receiver<i64>,
    last: i64,
}

/// The client hung up, or must be hung up on.
struct Gone;

impl Client {
    async fn run(mut self, restored: bool) -> Result<(), Gone> {
        self.send(Event::default().retry(COME_BACK_AFTER).comment("lightbar feed")).await?;
        if restored {
            self.send_reload("store_restored").await?;
        }
        self.catch_up().await?;
        self.catch_up_states().await?;
        let mut alive = tokio::time::interval(ALIVE_EVERY);
        loop {
            tokio::select! {
                () = self.out.closed() => return Err(Gone),
                _ = alive.tick() => self.send_alive().await?,
                () = changed(&mut self.states) => self.catch_up_states().await?,
                got = self.live.recv() => match got {
                    Ok(recorded) if recorded.row == Recorded::NO_ROW => self.send_unrecorded(&recorded).await?,
                    Ok(recorded) if recorded.row == self.last + 1 => self.send_alert(&recorded).await?,
                    Ok(recorded) if recorded.row <= self.last => {}
                    Ok(_after_a_hole) => self.catch_up().await?,
                    Err(RecvError::Lagged(_)) => {
                        self.state.metrics.web.feed_reloads.inc();
                        self.send_reload("too_slow").await?;
                        self.catch_up().await?;
                    }
                    Err(RecvError::Closed) => return Err(Gone),
                },
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), Gone> {
        loop {
            let after = self.last;
            // On an error the client is hung up on (the error is logged where it is made): it comes back with its last id.
            let missed =
                self.state.read(move |reader| reader.changes_after(after, PAGE)).await.map_err(|_problem| Gone)?;
            for recorded in &missed {
                self.send_alert(recorded).await?;
            }
            if missed.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// States are read from the store, live too: few change, and so none is missed or repeated.
    async fn catch_up_states(&mut self) -> Result<(), Gone> {
        while let Some(states) = &mut self.states {
            states.told.borrow_and_update();
            let after = states.last;
            let missed = self
                .state
                .at_lifecycle(move |store| store.changes_after(after, PAGE))
                .await
                .map_err(|_problem| Gone)?;
            for change in &missed {
                let data = format!("{{\"row\":{},\"state\":{}}}", change.row, change.json);
                self.send(Event::default().event("state").data(data)).await?;
                states_at(&mut self.states, change.row);
            }
            if missed.len() < PAGE {
                break;
            }
        }
        Ok(())
    }

    async fn send_alert(&mut self, recorded: &Recorded) -> Result<(), Gone> {
        if self.only.is_none_or(|only| only == recorded.channel) {
            self.send(Event::default().id(recorded.row.to_string()).event("alert").data(&*recorded.json)).await?;
            self.state.metrics.web.feed_sent.inc();
        }
        self.last = recorded.row;
        Ok(())
    }

    /// The store has no room for it now: it has no row, and comes again when it has.
    async fn send_unrecorded(&self, change: &Recorded) -> Result<(), Gone> {
        if self.only.is_none_or(|only| only == change.channel) {
            self.send(Event::default().event("unrecorded").data(&*change.json)).await?;
            self.state.metrics.web.feed_sent.inc();
        }
        Ok(())
    }

    async fn send_reload(&self, reason: &str) -> Result<(), Gone> {
        let data = json!({ "last": self.last, "reason": reason });
        self.send(Event::default().event("reload").data(data.to_string())).await
    }

    /// A comment keeps proxies from hanging up; the event is for pages, which cannot see comments and must be able to tell a
    /// quiet feed from a dead one.
    async fn send_alive(&self) -> Result<(), Gone> {
        let data = json!({ "now": wire::rfc3339(self.state.clock.now()), "last": self.last });
        self.send(Event::default().comment("keep-alive").event("alive").data(data.to_string())).await
    }

    async fn send(&self, event: Event) -> Result<(), Gone> {
        self.out.send(event).await.map_err(|_closed| Gone)
    }
}

fn states_at(states: &mut Option<States>, row: i64) {
    if let Some(states) = states {
        states.last = row;
    }
}

/// Returns when a state has changed; never for who did not ask.
async fn changed(states: &mut Option<States>) {
    if let Some(states) = states
        && states.told.changed().await.is_ok()
    {
        return;
    }
    // Who did not ask is never told, and a door that is gone tells nothing any more.
    std::future::pending::<()>().await;
}
