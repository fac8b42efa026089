//! Reading what can be read of a damaged store, table by table: SQLite refuses whatever touches a damaged page, so a table is read in
//! pieces, and the pieces that are refused row by row.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params};

/// Rows read in one go while nothing is damaged.
const PIECE: i64 = 256;

/// A table as this version knows it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    has_rowid: bool,
    key: String,
}

/// How much of a table was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Rows read.
    pub rows: u64,
    /// Places that could not be read: at most so many rows, or in a table that is ordered by its key, one for each break.
    pub lost: u64,
}

/// The tables of a sound store.
pub(super) fn tables(sound: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut list = sound.prepare(
        "SELECT l.name, l.wr FROM pragma_table_list l WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite_%'
         ORDER BY l.name",
    )?;
    let named: Vec<(String, bool)> =
        list.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    named.into_iter().map(|(name, without_rowid)| table(sound, name, !without_rowid)).collect()
}

fn table(sound: &Connection, name: String, has_rowid: bool) -> rusqlite::Result<Table> {
    let mut info = sound.prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")?;
    let columns: Vec<(String, i64)> =
        info.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut key: Vec<&(String, i64)> = columns.iter().filter(|(_, pk)| *pk > 0).collect();
    key.sort_by_key(|(_, pk)| *pk);
    let key = key.iter().map(|(column, _)| column.as_str()).collect::<Vec<_>>().join(", ");
    Ok(Table { name, key, has_rowid, columns: columns.into_iter().map(|(column, _)| column).collect() })
}

impl Table {
    /// The columns that the other store has as well; an older one lacks some.
    pub(super) fn shared_with(&self, other: &Connection) -> rusqlite::Result<Self> {
        let there = table(other, self.name.clone(), self.has_rowid)?.columns;
        let columns = self.columns.iter().filter(|column| there.contains(column)).cloned().collect();
        Ok(Self { columns, ..self.clone() })
    }

    /// Hands out every row that can be read, in order where nothing is damaged; a row may come twice. An error is the receiver's.
    pub(super) fn read(
        &self,
        from: &Connection,
        mut take: impl FnMut(&[Value]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Salvaged> {
        let mut done = Salvaged::default();
        if self.columns.is_empty() {
            return Ok(done);
        }
        if self.has_rowid {
            self.by_rowid(from, &mut take, &mut done)?;
        } else {
            self.by_key(from, &mut take, &mut done)?;
        }
        Ok(done)
    }

    fn by_rowid(
        &self,
        from: &Connection,
        take: &mut dyn FnMut(&[Value]) -> rusqlite::Result<()>,
        done: &mut Salvaged,
    ) -> rusqlite::Result<()> {
        let Some((mut next, last)) = self.bounds(from) else {
            done.lost += 1;
            return Ok(());
        };
        let select = format!("SELECT {} FROM {} WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid", self.list(), self.name);
        while next <= last {
            let end = next.saturating_add(PIECE - 1).min(last);
            if let Ok(rows) = self.some(from, &select, (next, end)) {
                for row in &rows {
                    take(row)?;
                }
                done.rows += rows.len() as u64;
            } else {
                for row in next..=end {
                    match self.some(from, &select, (row, row)) {
                        Ok(rows) => {
                            for row in &rows {
                                take(row)?;
                            }
                            done.rows += rows.len() as u64;
                        }
                        Err(_damaged) => done.lost += 1,
                    }
                }
            }
            let Some(following) = end.checked_add(1) else { break };
            next = following;
        }
        Ok(())
    }

    fn some(&self, from: &Connection, select: &str, (first, last): (i64, i64)) -> rusqlite::Result<Vec<Vec<Value>>> {
        from.prepare_cached(select)?.query_map(params![first, last], |row| self.values(row))?.collect()
    }

    /// From one end until it breaks, then from the other.
    fn by_key(
        &self,
        from: &Connection,
        take: &mut dyn FnMut(&[Value]) -> rusqlite::Result<()>,
        done: &mut Salvaged,
    ) -> rusqlite::Result<()> {
        for order in ["ASC", "DESC"] {
            let key = self.key.split(", ").map(|column| format!("{column} {order}")).collect::<Vec<_>>().join(", ");
            let select = format!("SELECT {} FROM {} ORDER BY {key}", self.list(), self.name);
            let Ok(mut statement) = from.prepare(&select) else {
                done.lost += 1;
                return Ok(());
            };
            let mut rows = statement.query([])?;
            let broke = loop {
                match rows.next().and_then(|row| row.map(|row| self.values(row)).transpose()) {
                    Ok(Some(row)) => {
                        take(&row)?;
                        done.rows += 1;
                    }
                    Ok(None) => break false,
                    Err(_damaged) => break true,
                }
            };
            if !broke {
                break;
            }
            done.lost += 1;
        }
        Ok(())
    }

    /// The first and the last row there may be.
    fn bounds(&self, from: &Connection) -> Option<(i64, i64)> {
        let ask = |select: &str| from.query_row(select, [], |row| row.get::<_, Option<i64>>(0));
        let first = ask(&format!("SELECT min(rowid) FROM {}", self.name));
        let last = ask(&format!("SELECT max(rowid) FROM {}", self.name));
        match (first, last) {
            (Ok(first), Ok(last)) => Some((first.unwrap_or(1), last.unwrap_or(0))),
            (first, last) => {
                // One of the ends is damaged: SQLite's own note of the last row says how far there is to look.
                let noted =
                    from.query_row("SELECT seq FROM sqlite_sequence WHERE name = ?1", [&self.name], |row| row.get(0));
                let last = last.ok().flatten().or(noted.ok())?;
                Some((first.ok().flatten().unwrap_or(1), last))
            }
        }
    }

    fn list(&self) -> String {
        self.columns.join(", ")
    }

    fn values(&self, row: &Row<'_>) -> rusqlite::Result<Vec<Value>> {
        (0..self.columns.len())
            .map(|column| match row.get_ref(column)? {
                // Text that is none was overwritten.
                ValueRef::Text(bytes) => {
                    std::str::from_utf8(bytes).map(|text| Value::Text(text.to_owned())).map_err(|e| {
                        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e))
                    })
                }
                other => Value::try_from(other)
                    .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, other.data_type(), Box::new(e))),
            })
            .collect()
    }
}
