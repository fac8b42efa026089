//! People's orders over HTTP: rules armed and disarmed, things watched. The only writing there is here.
//!
//! There is no log-in yet: who orders is who he says he is, and the door is the loopback address. A page of another site cannot
//! order anything: only JSON is taken, for which a browser asks first, and nobody here answers that question.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::problem::Problem;
use super::{WebState, wire};
use crate::domain::arming::{Arming, Order, WatchedThing};
use crate::domain::ids::{CameraId, RuleId};
use crate::domain::rules::Deliver;
use crate::domain::scene::SceneObject;
use crate::domain::time::Timestamp;
use crate::pipeline::desk::{ArmingOrder, Desk, DeskStore, WatchOrder};
use crate::pipeline::ports::StoreError;

/// A name may be so long.
const BY_MAX: usize = 64;
const FOR_MAX_S: f64 = 31.0 * 86_400.0;

/// Where orders are kept, and who is told of them.
#[derive(Clone)]
pub struct DeskDoor {
    /// Keeps them.
    pub store: Arc<dyn DeskStore>,
    /// Tells the cameras.
    pub tell: watch::Sender<Arc<Desk>>,
}

impl WebState {
    /// Does something at the desk where it may block, then tells the cameras what holds.
    async fn at_desk<T, F>(&self, what: F) -> Result<(T, Arc<Desk>), Problem>
    where
        T: Send + 'static,
        F: FnOnce(&dyn DeskStore) -> Result<T, StoreError> + Send + 'static,
    {
        let Some(door) = self.desk.clone() else {
            return Err(Problem::unavailable("no orders are taken here"));
        };
        let now = self.clock.now();
        let done = tokio::task::spawn_blocking(move || {
            let value = what(door.store.as_ref())?;
            let desk = Arc::new(door.store.desk(now)?);
            door.tell.send_replace(Arc::clone(&desk));
            Ok((value, desk))
        });
        match done.await {
            Ok(done) => done.map_err(|error| Problem::store(&error)),
            Err(error) => Err(Problem::internal(&format!("the desk broke down: {error}"))),
        }
    }

    fn known_camera(&self, id: &str) -> Result<CameraId, Problem> {
        let cameras = self.board.cameras(self.clock.now());
        cameras
            .into_iter()
            .map(|camera| camera.id)
            .find(|known| known.as_str() == id)
            .ok_or_else(|| Problem::not_found(format!("there is no camera {id:?}; GET /api/v1/cameras lists them")))
    }
}

/// `GET /api/v1/arming`: orders that hold or may hold again, and how each rule stands.
pub(super) async fn arming(State(state): State<WebState>) -> Result<Response, Problem> {
    let ((), desk) = state.at_desk(|_| Ok(())).await?;
    Ok(wire::json(shown(&state, &desk).to_string()))
}

fn shown(state: &WebState, desk: &Desk) -> Value {
    let orders: Vec<Value> = desk
        .arming
        .iter()
        .map(|given| {
            json!({
                "camera": given.camera.as_ref().map(CameraId::as_str),
                "rule": given.order.rule.as_ref().map(RuleId::as_str),
                "state": given.order.state.as_str(),
                "until": given.order.until.map(wire::rfc3339),
                "given_at": wire::rfc3339(given.given_at),
                "given_by": given.given_by,
            })
        })
        .collect();
    let rules: Vec<Value> = state
        .board
        .scenes()
        .into_iter()
        .flat_map(|(camera, scene)| {
            scene.rules.into_iter().map(move |rule| {
                json!({
                    "camera": camera.as_str(),
                    "rule": rule.rule.as_str(),
                    "watches": rule.watches,
                    "armed": rule.watches && rule.deliver == Deliver::Alert,
                    "ordered": rule.ordered.as_str(),
                    "next_change": rule.next_change.map(wire::rfc3339),
                })
            })
        })
        .collect();
    json!({ "orders": orders, "rules": rules })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArmingBody {
    state: String,
    camera: Option<String>,
    rule: Option<String>,
    for_s: Option<f64>,
    by: Option<String>,
}

/// `PUT /api/v1/arming`: `{"state": "armed" | "disarmed" | "as_configured", "camera"?, "rule"?, "for_s"?, "by"?}`.
pub(super) async fn arm(
    State(state): State<WebState>,
    body: Result<Json<ArmingBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let Some(wanted) = Arming::from_word(&body.state) else {
        return Err(Problem::bad_request(format!("state is armed, disarmed or as_configured, got {:?}", body.state)));
    };
    let camera = body.camera.as_deref().map(|id| state.known_camera(id)).transpose()?;
    let rule = body.rule.as_deref().map(RuleId::parse).transpose();
    let rule = rule.map_err(|error| Problem::bad_request(format!("rule: {error}")))?;
    if let Some(rule) = &rule {
        let mut scenes = state.board.scenes().into_iter().filter(|(id, _)| camera.as_ref().is_none_or(|c| c == id));
        if !scenes.any(|(_, scene)| scene.rules.iter().any(|known| known.rule == *rule)) {
            return Err(Problem::not_found(format!(
                "no running camera that is meant has a rule {rule}; GET /api/v1/arming lists them"
            )));
        }
    }
    let now = state.clock.now();
    let until = body.for_s.map(|seconds| until(now, seconds)).transpose()?;
    let given = ArmingOrder {
        camera,
        order: Order { rule, state: wanted, until },
        given_at: now,
        given_by: by(body.by.as_deref())?,
    };
    tracing::info!(order = wanted.as_str(), by = %given.given_by, "rules ordered");
    let ((), desk) = state.at_desk(move |store| store.arm(&given)).await?;
    Ok(wire::json(shown(&state, &desk).to_string()))
}

fn until(now: Timestamp, seconds: f64) -> Result<Timestamp, Problem> {
    if (1.0..=FOR_MAX_S).contains(&seconds) {
        Ok(now.plus(Duration::from_secs_f64(seconds)))
    } else {
        Err(Problem::bad_request(format!("for_s is 1 to {FOR_MAX_S} seconds, got {seconds}")))
    }
}

fn by(name: Option<&str>) -> Result<String, Problem> {
    let name = name.unwrap_or("unknown").trim();
    if name.is_empty() || name.chars().count() > BY_MAX || name.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!("by is a name of 1 to {BY_MAX} characters")));
    }
    Ok(name.to_owned())
}

/// `GET /api/v1/watched`: the things that are watched, and those that could be.
pub(super) async fn watched(State(state): State<WebState>) -> Result<Response, Problem> {
    let ((), desk) = state.at_desk(|_| Ok(())).await?;
    let standing: Vec<Value> = state
        .board
        .scenes()
        .into_iter()
        .flat_map(|(camera, scene)| {
            scene.objects.into_iter().filter(|object| object.stationary).map(move |object| {
                json!({ "camera": camera.as_str(), "track": object.track.to_string(), "class": object.class.as_str(), "bbox": bbox(&object.bbox) })
            })
        })
        .collect();
    let orders: Vec<Value> = desk.watched.iter().map(order).collect();
    Ok(wire::json(json!({ "watched": orders, "standing": standing }).to_string()))
}

fn bbox(b: &crate::domain::geometry::BBox) -> Value {
    let round = |v: f64| (v * 1e4).round() / 1e4;
    json!({ "x": round(b.x), "y": round(b.y), "w": round(b.w), "h": round(b.h) })
}

fn order(order: &WatchOrder) -> Value {
    json!({
        "id": order.thing.id,
        "camera": order.camera.as_str(),
        "class": order.thing.class.as_str(),
        "bbox": bbox(&order.thing.bbox),
        "given_at": wire::rfc3339(order.given_at),
        "given_by": order.given_by,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchBody {
    camera: String,
    track: Option<String>,
    at: Option<[f64; 2]>,
    by: Option<String>,
}

/// `POST /api/v1/watched`: `{"camera", "track" or "at": [x, y], "by"?}`.
pub(super) async fn watch(
    State(state): State<WebState>,
    body: Result<Json<WatchBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let camera = state.known_camera(&body.camera)?;
    let scene = state.board.scenes().remove(&camera).unwrap_or_default();
    if scene.removals.is_empty() {
        return Err(Problem::bad_request(format!(
            "camera {camera} has no rule of kind object_removed: nobody would notice that it is gone"
        )));
    }
    let thing = wanted(&scene.objects, &body)?;
    let thing = WatchedThing { id: 0, class: thing.class, bbox: thing.bbox };
    let given = WatchOrder { camera, thing, given_at: state.clock.now(), given_by: by(body.by.as_deref())? };
    tracing::info!(camera = %given.camera, by = %given.given_by, "a standing thing is watched");
    let (id, desk) = state.at_desk(move |store| store.watch(&given)).await?;
    let kept = desk.watched.iter().find(|order| order.thing.id == id);
    Ok(wire::json(kept.map_or(Value::Null, order).to_string()))
}

/// The standing object that is meant.
fn wanted<'a>(objects: &'a [SceneObject], body: &WatchBody) -> Result<&'a SceneObject, Problem> {
    let named = match (&body.track, body.at) {
        (Some(track), None) => {
            objects.iter().find(|o| o.track.to_string() == *track || o.track.0.to_string() == *track)
        }
        (None, Some([x, y])) => {
            let area = |o: &&SceneObject| o.bbox.w * o.bbox.h;
            let around = |o: &&SceneObject| {
                let b = o.bbox;
                o.stationary && (b.x..=b.x + b.w).contains(&x) && (b.y..=b.y + b.h).contains(&y)
            };
            objects.iter().filter(around).min_by(|a, b| area(a).total_cmp(&area(b)))
        }
        _ => return Err(Problem::bad_request("say which thing is meant: either track, or at: [x, y]")),
    };
    let found = named
        .ok_or_else(|| Problem::not_found("nothing stands there; GET /api/v1/watched lists what could be watched"))?;
    if found.stationary {
        Ok(found)
    } else {
        Err(Problem::bad_request("it moves: only what stands can be watched; wait until it has come to rest"))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct UnwatchQuery {
    by: Option<String>,
}

/// `DELETE /api/v1/watched/{id}?by=`.
pub(super) async fn unwatch(
    State(state): State<WebState>,
    Path(id): Path<i64>,
    Query(query): Query<UnwatchQuery>,
) -> Result<Response, Problem> {
    let (now, by) = (state.clock.now(), by(query.by.as_deref())?);
    let (was, _) = state.at_desk(move |store| store.unwatch(id, now, &by)).await?;
    if was { Ok(wire::json("{}".to_owned())) } else { Err(Problem::not_found(format!("no order {id} is open"))) }
}
