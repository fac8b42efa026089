//! Every version of the store that was released is brought forward with all that is in it. `tests/stores/` has one of each, frozen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lightbar::domain::ids::AlertId;
use lightbar::domain::lifecycle::State;
use lightbar::pipeline::answers::AnswerStore as _;
use lightbar::pipeline::desk::DeskStore as _;
use lightbar::pipeline::lifecycle::LifecycleStore as _;
use lightbar::pipeline::ports::{FactStore as _, Outbox as _};
use lightbar::store::{self, BlindQuery, Options, Store};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::support::facts::{EIGHT, camera, opened, site};

fn dumps() -> Vec<(usize, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores");
    (1..1000)
        .map(|version| (version, folder.join(format!("v{version}.sql"))))
        .take_while(|(_, path)| path.exists())
        .collect()
}

/// Every table's rows, in the columns that it had before.
fn content(connection: &Connection, columns: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<Vec<Value>>> {
    let rows = |(table, columns): (&String, &Vec<String>)| {
        let mut select =
            connection.prepare(&format!("SELECT {} FROM {table} ORDER BY 1, 2", columns.join(", "))).unwrap();
        let rows = select.query_map([], |row| (0..columns.len()).map(|n| row.get(n)).collect()).unwrap();
        (table.clone(), rows.collect::<Result<Vec<Vec<Value>>, _>>().unwrap())
    };
    columns.iter().map(rows).collect()
}

fn columns(connection: &Connection) -> BTreeMap<String, Vec<String>> {
    let mut select = connection
        .prepare("SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> 'sqlite_sequence' ORDER BY m.name, c.cid")
        .unwrap();
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    for (table, column) in rows.map(Result::unwrap) {
        columns.entry(table).or_default().push(column);
    }
    columns
}

#[test]
fn every_released_version_can_be_repaired_and_what_was_sent_is_known_to_be() {
    for (version, dump) in dumps() {
        let dir = tempfile::tempdir().unwrap();
        let connection = Connection::open(dir.path().join("lightbar.db")).unwrap();
        connection.execute_batch(&std::fs::read_to_string(&dump).unwrap()).unwrap();
        drop(connection);
        store::repair(dir.path(), site(), EIGHT).unwrap();
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let unsent: Vec<i64> = store.outbox().unwrap().unsent(0, 10).unwrap().iter().map(|record| record.row).collect();
        assert_eq!(unsent, [52, 53], "version {version}");
        assert_eq!(store::info(dir.path()).unwrap().records, (3, 2), "version {version}");
    }
}

#[test]
fn every_released_version_is_brought_forward_with_all_that_is_in_it() {
    let dumps = dumps();
    let count = dumps.len();
    assert!(count >= 4, "{dumps:?}");
    let mut newest = 0;
    for (version, dump) in dumps {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lightbar.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&std::fs::read_to_string(&dump).unwrap()).unwrap();
        let columns = columns(&connection);
        let before = content(&connection, &columns);
        assert!(before.values().all(|rows| !rows.is_empty()), "version {version} has an empty table: {before:?}");
        drop(connection);
        assert_eq!(store::info(dir.path()).unwrap().version, version, "an old one can be asked, and stays old");

        let store = Store::open(dir.path(), Options::default()).unwrap();
        let connection = Connection::open(&path).unwrap();
        assert_eq!(content(&connection, &columns), before, "version {version}");
        newest = store::info(dir.path()).unwrap().version;
        assert!(newest >= version);
        let unsent: Vec<i64> = store.outbox().unwrap().unsent(0, 10).unwrap().iter().map(|record| record.row).collect();
        assert_eq!(unsent, [52, 53]);
        let reader = store.reader().unwrap();
        assert_eq!(reader.blind_intervals(&BlindQuery::default()).unwrap().len(), 2);
        assert_eq!(reader.last_row().unwrap(), 43);
        if version >= 3 {
            let desk = store.desk().unwrap().desk(EIGHT).unwrap();
            assert_eq!((desk.arming.len(), desk.things(&camera("gate-north")).len()), (1, 1));
        }
        if version >= 4 {
            let lifecycles = store.lifecycles(site(), Arc::default()).unwrap();
            let id = AlertId::parse("019ca0c3-a800-7000-8000-000000000001").unwrap();
            let standing = lifecycles.standing(id).unwrap().unwrap();
            assert_eq!((standing.life.state(), standing.life.escalations().len()), (State::Acknowledged, 1));
            assert_eq!((standing.incident, lifecycles.last_change().unwrap()), (Some(id), 62));
            let mut answers = store.answers(site(), Arc::default()).unwrap();
            assert_eq!(answers.offsets("lightbar.dispatch-status.v1").unwrap().get(&0), Some(&17));
        }
        // It goes on where it was: rows, epoch and sequences.
        let mut writer = store.writer(site()).unwrap();
        assert_eq!(writer.record(&[opened("gate-north", 9)], EIGHT).unwrap()[0].row, 44);
        let sent = store.outbox().unwrap().unsent(53, 10).unwrap();
        let header = |name: &str| sent[0].headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!(header("ce_sequence"), "00000000000000000008");
        assert_eq!(header("ce_epoch"), "0123456789abcdef0123456789abcdef");
    }
    assert!(
        count + 1 >= newest,
        "the store is of version {newest}: add a store of the version before it to tests/stores/"
    );
}
