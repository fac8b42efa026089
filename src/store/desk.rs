//! People's orders in the store: appended, ended, never changed otherwise, so that who ordered what and when can be read for ever.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Row, params};

use super::errors::sql;
use super::lock::Lock;
use crate::domain::arming::{Arming, Order, WatchedThing};
use crate::domain::detection::ObjectClass;
use crate::domain::geometry::BBox;
use crate::domain::ids::{CameraId, RuleId};
use crate::domain::time::Timestamp;
use crate::pipeline::desk::{ArmingOrder, Desk, DeskStore, WatchOrder};
use crate::pipeline::ports::StoreError;

/// The orders of a store.
#[derive(Debug)]
pub struct StoredDesk {
    connection: Mutex<Connection>,
    _lock: Arc<Lock>,
}

impl StoredDesk {
    pub(super) fn new(connection: Connection, lock: Arc<Lock>) -> Self {
        Self { connection: Mutex::new(connection), _lock: lock }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Each call is one statement or one transaction: a panic leaves nothing half done.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeskStore for StoredDesk {
    fn desk(&self, now: Timestamp) -> Result<Desk, StoreError> {
        let connection = self.connection();
        let read = || -> rusqlite::Result<Desk> {
            let arming = connection
                .prepare_cached(
                    "SELECT camera, rule, state, until_at, given_at, given_by FROM arming_orders
                     WHERE ended_at IS NULL AND (until_at IS NULL OR until_at > ?1) ORDER BY id",
                )?
                .query_map([now.as_nanos()], arming)?
                .collect::<Result<Vec<_>, _>>()?;
            let watched = connection
                .prepare_cached(
                    "SELECT id, camera, class, x, y, w, h, given_at, given_by FROM watch_orders
                     WHERE ended_at IS NULL ORDER BY id",
                )?
                .query_map([], watched)?
                .collect::<Result<Vec<_>, _>>()?;
            // What this program cannot read (a hand's work on the file) cannot hold either.
            Ok(Desk {
                arming: arming.into_iter().flatten().collect(),
                watched: watched.into_iter().flatten().collect(),
            })
        };
        read().map_err(|e| sql(&e))
    }

    fn arm(&self, given: &ArmingOrder) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let mut write = || -> rusqlite::Result<()> {
            let tx = connection.transaction()?;
            let (camera, rule) =
                (given.camera.as_ref().map(CameraId::as_str), given.order.rule.as_ref().map(RuleId::as_str));
            let given_at = given.given_at.as_nanos();
            if given.order.until.is_none() {
                tx.execute(
                    "UPDATE arming_orders SET ended_at = ?3 WHERE ended_at IS NULL
                     AND (?1 IS NULL OR camera = ?1) AND (?2 IS NULL OR rule = ?2)",
                    params![camera, rule, given_at],
                )?;
            }
            tx.execute(
                "INSERT INTO arming_orders (camera, rule, state, until_at, given_at, given_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    camera,
                    rule,
                    given.order.state.as_str(),
                    given.order.until.map(Timestamp::as_nanos),
                    given_at,
                    given.given_by
                ],
            )?;
            tx.commit()
        };
        write().map_err(|e| sql(&e))
    }

    fn watch(&self, order: &WatchOrder) -> Result<i64, StoreError> {
        let connection = self.connection();
        let b = order.thing.bbox;
        connection
            .execute(
                "INSERT INTO watch_orders (camera, class, x, y, w, h, given_at, given_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    order.camera.as_str(),
                    order.thing.class.as_str(),
                    b.x,
                    b.y,
                    b.w,
                    b.h,
                    order.given_at.as_nanos(),
                    order.given_by
                ],
            )
            .map(|_| connection.last_insert_rowid())
            .map_err(|e| sql(&e))
    }

    fn unwatch(&self, id: i64, at: Timestamp, by: &str) -> Result<bool, StoreError> {
        self.connection()
            .execute(
                "UPDATE watch_orders SET ended_at = ?2, ended_by = ?3 WHERE id = ?1 AND ended_at IS NULL",
                params![id, at.as_nanos(), by],
            )
            .map(|rows| rows > 0)
            .map_err(|e| sql(&e))
    }
}

/// The alert that an order to watch was good for has come.
pub(super) fn spend(tx: &Connection, order: i64, alert: [u8; 16], at: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE watch_orders SET ended_at = ?2, alert_id = ?3 WHERE id = ?1 AND ended_at IS NULL")?
        .execute(params![order, at.as_nanos(), alert])
        .map(|_| ())
}

fn arming(row: &Row<'_>) -> rusqlite::Result<Option<ArmingOrder>> {
    let (camera, rule): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
    let state: String = row.get(2)?;
    let until: Option<i64> = row.get(3)?;
    let camera = camera.map(|id| CameraId::parse(&id)).transpose();
    let rule = rule.map(|id| RuleId::parse(&id)).transpose();
    let (Ok(camera), Ok(rule), Some(state)) = (camera, rule, Arming::from_word(&state)) else { return Ok(None) };
    Ok(Some(ArmingOrder {
        camera,
        order: Order { rule, state, until: until.map(Timestamp::from_nanos) },
        given_at: Timestamp::from_nanos(row.get(4)?),
        given_by: row.get(5)?,
    }))
}

fn watched(row: &Row<'_>) -> rusqlite::Result<Option<WatchOrder>> {
    let (camera, class): (String, String) = (row.get(1)?, row.get(2)?);
    let (Ok(camera), Some(class)) = (CameraId::parse(&camera), ObjectClass::from_name(&class)) else { return Ok(None) };
    let bbox = BBox::new(row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
    Ok(Some(WatchOrder {
        camera,
        thing: WatchedThing { id: row.get(0)?, class, bbox },
        given_at: Timestamp::from_nanos(row.get(7)?),
        given_by: row.get(8)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Options, Store};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
    }

    fn order(camera: Option<&str>, rule: Option<&str>, state: Arming, until: Option<i64>, given: i64) -> ArmingOrder {
        let order = Order { rule: rule.map(|id| RuleId::parse(id).unwrap()), state, until: until.map(at) };
        let camera = camera.map(|id| CameraId::parse(id).unwrap());
        ArmingOrder { camera, order, given_at: at(given), given_by: "anna".to_owned() }
    }

    #[test]
    fn orders_survive_a_restart_and_end_when_others_take_their_place() {
        let dir = tempfile::tempdir().unwrap();
        let gate = CameraId::parse("gate").unwrap();
        let given = [
            order(Some("gate"), Some("in"), Arming::Armed, None, 1),
            order(None, None, Arming::Disarmed, Some(100), 2),
            order(Some("hall"), None, Arming::Armed, None, 3),
        ];
        {
            let desk = Store::open(dir.path(), Options::default()).unwrap().desk().unwrap();
            for order in &given {
                desk.arm(order).unwrap();
            }
        }
        let desk = Store::open(dir.path(), Options::default()).unwrap().desk().unwrap();
        assert_eq!(desk.desk(at(50)).unwrap().arming, given, "as they were given, with who and when");
        let of_gate: Vec<Arming> = desk.desk(at(50)).unwrap().orders(&gate).iter().map(|o| o.state).collect();
        assert_eq!(of_gate, [Arming::Armed, Arming::Disarmed], "those about other cameras are not its own");
        assert_eq!(desk.desk(at(100)).unwrap().arming.len(), 2, "one has run out");
        desk.arm(&order(Some("gate"), None, Arming::AsConfigured, None, 200)).unwrap();
        let left = desk.desk(at(201)).unwrap().arming;
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(
            left.iter().all(|o| o.order.rule.is_none()),
            "the order about a rule of the gate was taken back: {left:?}"
        );
        let kept: i64 =
            desk.connection().query_row("SELECT count(*) FROM arming_orders", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 4, "what ended is still on record");
    }

    #[test]
    fn a_watched_thing_survives_a_restart_and_is_good_for_once() {
        let dir = tempfile::tempdir().unwrap();
        let thing = WatchedThing { id: 0, class: ObjectClass::Bicycle, bbox: BBox::new(0.25, 0.5, 0.125, 0.25) };
        let camera = CameraId::parse("gate").unwrap();
        let order = WatchOrder { camera: camera.clone(), thing, given_at: at(1), given_by: "bert".to_owned() };
        let (first, second) = {
            let desk = Store::open(dir.path(), Options::default()).unwrap().desk().unwrap();
            (desk.watch(&order).unwrap(), desk.watch(&order).unwrap())
        };
        let desk = Store::open(dir.path(), Options::default()).unwrap().desk().unwrap();
        let things = desk.desk(at(2)).unwrap().things(&camera);
        assert_eq!(things.iter().map(|t| t.id).collect::<Vec<_>>(), [first, second]);
        assert_eq!((things[0].class, things[0].bbox), (order.thing.class, order.thing.bbox));
        spend(&desk.connection(), first, [7; 16], at(3)).unwrap();
        assert!(desk.unwatch(second, at(4), "bert").unwrap() && !desk.unwatch(second, at(5), "bert").unwrap());
        assert_eq!(desk.desk(at(6)).unwrap().watched, []);
    }
}
