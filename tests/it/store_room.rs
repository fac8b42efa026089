//! The store's room with a real SQLite on a real disk that fills up: what goes, what never goes, and the reserve.

use std::sync::Arc;
use std::time::Duration;

use lightbar::domain::ids::AlertId;
use lightbar::domain::scene::BlindCause;
use lightbar::domain::time::Timestamp;
use lightbar::pipeline::ports::{Fact, FactStore, Outbox, StoreError};
use lightbar::pipeline::upkeep::StoreUpkeep as _;
use lightbar::store::{BlindQuery, Options, Store};

use crate::support::disk::Disk;
use crate::support::facts::{EIGHT, alert_id, camera, ended, opened, site};

const DAY: Duration = Duration::from_hours(24);

fn day(n: u32) -> Timestamp {
    EIGHT.plus(DAY * n)
}

fn alerts(store: &Store) -> Vec<AlertId> {
    store.reader().unwrap().alerts(None, 1000, None).unwrap().into_iter().map(|alert| alert.id).collect()
}

#[test]
fn what_is_over_long_enough_goes_and_what_is_open_or_unsent_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { retention: 10 * DAY, ..Options::default() }).unwrap();
    let (mut writer, mut outbox, mut upkeep) =
        (store.writer(site()).unwrap(), store.outbox().unwrap(), store.upkeep().unwrap());
    let over = |n| Fact::Alert(Box::new(ended("gate", n, Duration::from_secs(5))));
    // 0 to 249 are over; of these 7 ended later, and of 8 a record is unsent; 250 is open.
    let all: Vec<Fact> = (0..=250).map(|n| opened("gate", n)).chain((0..250).filter(|n| *n != 7).map(over)).collect();
    writer.record(&all, day(0)).unwrap();
    writer.record(&[Fact::Alert(Box::new(ended("gate", 7, 5 * DAY)))], day(5)).unwrap();
    let unsent = outbox.unsent(0, 10_000).unwrap();
    let of_eight = alert_id(8).to_string();
    let is_of_eight = |headers: &[(String, String)]| headers.iter().any(|(_, value)| *value == of_eight);
    let rows: Vec<i64> = unsent.iter().filter(|record| !is_of_eight(&record.headers)).map(|r| r.row).collect();
    outbox.mark_sent(&rows, day(5)).unwrap();
    let (from, to) = (day(0), day(1));
    let blind = Fact::BlindSince { camera: camera("gate"), from, cause: BlindCause::Stalled };
    writer.record(&[blind, Fact::SightedSince { camera: camera("gate"), at: to }], to).unwrap();
    let last = store.reader().unwrap().last_row().unwrap();

    let mut sweep = |now| {
        let mut gone = 0;
        loop {
            let pruned = upkeep.prune(now, false).unwrap();
            gone += pruned.alerts;
            if !pruned.more {
                return gone;
            }
        }
    };
    assert_eq!(sweep(day(9)), 0);
    assert_eq!(store.reader().unwrap().blind_intervals(&BlindQuery::default()).unwrap().len(), 1);
    assert_eq!(sweep(day(12)), 248);
    assert_eq!(alerts(&store), [250, 8, 7].map(alert_id));
    assert_eq!(store.reader().unwrap().revisions(alert_id(3)).unwrap().len(), 0);
    assert_eq!(store.reader().unwrap().blind_intervals(&BlindQuery::default()).unwrap().len(), 0);
    assert_eq!(sweep(day(400)), 1);
    assert_eq!(alerts(&store), [250, 8].map(alert_id));
    let rows: Vec<i64> = outbox.unsent(0, 10).unwrap().iter().map(|record| record.row).collect();
    outbox.mark_sent(&rows, day(400)).unwrap();
    assert_eq!(sweep(day(400)), 1);
    assert_eq!(alerts(&store), [alert_id(250)]);
    assert_eq!(store.reader().unwrap().last_row().unwrap(), last, "rows that are gone are not used again");
}

/// Each camera says for how long what it saw may be kept; the store's own retention is the longest of all.
#[test]
fn an_alerts_own_retention_is_kept_where_it_is_shorter() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options { retention: 60 * DAY, ..Options::default() }).unwrap();
    let (mut writer, mut outbox, mut upkeep) =
        (store.writer(site()).unwrap(), store.outbox().unwrap(), store.upkeep().unwrap());
    let kept_for = |n: u64, days: u16| {
        let mut over = ended("gate", n, Duration::from_secs(5));
        let mut card = (*over.camera).clone();
        card.privacy.retention_days = days;
        over.camera = Arc::new(card);
        [opened("gate", n), Fact::Alert(Box::new(over))]
    };
    // 0: 2 days, unsent; 1: open; 2: 100 days; 3 to 1502: 2 days, more than one step takes.
    let mut all: Vec<Fact> = kept_for(0, 2).into_iter().chain([opened("gate", 1)]).chain(kept_for(2, 100)).collect();
    all.extend((3..1503).flat_map(|n| kept_for(n, 2)));
    writer.record(&all, day(0)).unwrap();
    let of_zero = alert_id(0).to_string();
    let mut unsent = outbox.unsent(0, 10_000).unwrap();
    unsent.retain(|record| !record.headers.iter().any(|(_, value)| *value == of_zero));
    let rows: Vec<i64> = unsent.iter().map(|record| record.row).collect();
    outbox.mark_sent(&rows, day(0)).unwrap();

    // As the service does it: a sweep goes on while there is more, and there is one a minute.
    let mut sweeps = |now, times: u32| {
        let mut gone = 0;
        for _ in 0..times {
            loop {
                let pruned = upkeep.prune(now, false).unwrap();
                gone += pruned.alerts;
                if !pruned.more {
                    break;
                }
            }
        }
        gone
    };
    assert_eq!(sweeps(day(1).plus(DAY / 2), 4), 0, "its time is not over");
    assert_eq!(sweeps(day(3), 4), 1500);
    assert_eq!(alerts(&store), [2, 1, 0].map(alert_id));
    let rows: Vec<i64> = outbox.unsent(0, 10).unwrap().iter().map(|record| record.row).collect();
    outbox.mark_sent(&rows, day(3)).unwrap();
    assert_eq!(sweeps(day(3), 2), 1, "what was unsent goes when it is sent");
    assert_eq!(sweeps(day(59), 2), 0);
    assert_eq!(sweeps(day(61), 2), 1, "the store's own retention is the shorter one");
    assert_eq!(alerts(&store), [alert_id(1)], "what is open stays");
}

/// Records alerts until the store takes no more; gives how many it took.
fn record_until_full(writer: &mut impl FactStore, from: u64) -> u64 {
    for n in from.. {
        match writer.record(&[opened("gate", n)], EIGHT) {
            Ok(_) => {}
            Err(StoreError::Full(_)) => return n - from,
            Err(other) => panic!("{other}"),
        }
        assert!(n - from < 50_000, "it is never full");
    }
    unreachable!()
}

#[test]
fn a_disk_that_others_have_filled_takes_as_much_as_the_reserve_holds() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(&dir.path().join("data"), "size=16m") else { return };
    let data = dir.path().join("data");
    let store = Store::open(&data, Options { reserve_bytes: 2 << 20, ..Options::default() }).unwrap();
    let (mut writer, mut upkeep) = (store.writer(site()).unwrap(), store.upkeep().unwrap());
    writer.record(&[opened("gate", 0)], EIGHT).unwrap();
    let room = upkeep.room().unwrap();
    assert_eq!((room.held_bytes, room.shortage(false)), (2 << 20, None));

    disk.fill();
    assert!(upkeep.room().unwrap().shortage(false).is_some_and(|why| why.contains("nearly full")));
    let taken = record_until_full(&mut writer, 1);
    assert!(taken > 20, "the reserve took {taken} alerts");
    let room = upkeep.room().unwrap();
    assert_eq!(room.held_bytes, 0);
    assert!(room.shortage(false).is_some_and(|why| why.contains("reserve")));

    disk.free();
    writer.record(&[opened("gate", 90_000)], EIGHT).unwrap();
    let room = upkeep.room().unwrap();
    assert_eq!((room.held_bytes, room.shortage(true)), (2 << 20, None));
    assert_eq!(store.outbox().unwrap().backlog().unwrap().depth, taken + 2, "all that was promised is there");
}

#[test]
fn the_last_of_a_quota_is_the_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { quota_bytes: Some(3 << 20), reserve_bytes: 1 << 20, ..Options::default() };
    let store = Store::open(dir.path(), options).unwrap();
    let (mut writer, mut upkeep) = (store.writer(site()).unwrap(), store.upkeep().unwrap());
    assert_eq!(upkeep.room().unwrap().held_bytes, 1 << 20);
    let written = record_until_full(&mut writer, 0);
    assert_eq!(upkeep.room().unwrap().held_bytes, 0, "it gave way");
    let size = std::fs::metadata(dir.path().join("lightbar.db")).unwrap().len();
    assert!(size <= 3 << 20, "{size} bytes");
    assert_eq!(store.outbox().unwrap().backlog().unwrap().depth, written);
    let mut outbox = store.outbox().unwrap();
    let rows: Vec<i64> = outbox.unsent(0, 10_000).unwrap().iter().map(|record| record.row).collect();
    outbox.mark_sent(&rows, EIGHT).unwrap();
    while upkeep.prune(EIGHT.plus(DAY), true).unwrap().more {}
    assert_eq!(upkeep.room().unwrap().held_bytes, 0, "alerts take more than a third of the quota");
    assert!(record_until_full(&mut writer, 60_000) > 10, "what was sent has made room");
}

#[test]
fn what_a_run_left_is_put_in_order_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let Some(disk) = Disk::mount(&data, "size=8m") else { return };
    {
        let store = Store::open(&data, Options::default()).unwrap();
        let mut writer = store.writer(site()).unwrap();
        writer.recover(day(0), &[]).unwrap();
        writer.record(&[opened("gate", 1)], day(0)).unwrap();
    }
    let store = Store::open(&data, Options::default()).unwrap();
    let mut writer = store.writer(site()).unwrap();
    disk.fill();
    let found = writer.recover(day(1), &[]).unwrap();
    assert!(found.postponed.is_some() && found.ended.is_empty());
    assert!(matches!(writer.record(&[opened("gate", 2)], day(1)), Err(StoreError::Full(_))));
    assert!(writer.heartbeat(day(1)).is_err());
    disk.free();
    let recorded = writer.record(&[opened("gate", 2)], day(1)).unwrap();
    assert_eq!(recorded.iter().map(|r| r.alert).collect::<Vec<_>>(), [alert_id(1), alert_id(2)], "first what was left");
    assert!(recorded[0].json.contains("\"restart\""), "{}", recorded[0].json);
}
