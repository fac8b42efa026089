//! How alerts are handled: deadlines, whose answers are taken, which places are neighbours.

use std::time::Duration;

use super::camera::CameraSettings;
use super::secret::{self, Secret};
use super::table::Table;
use crate::domain::ids::{CameraId, NodeId, ZoneId};
use crate::domain::lifecycle::{Adjacency, Deadlines, Neighbours, Place, Role, UNDO_DEFAULT};

pub(super) const KEYS: &[&str] = &["acknowledge_s", "accept_s", "arrive_s", "resolve_s", "expire", "undo_s"];
pub(super) const DISPATCH_KEYS: &[&str] = &["id", "roles", "token_file"];
pub(super) const ADJACENT_KEYS: &[&str] = &["places", "within_s"];

/// `[lifecycle]`, `[[dispatch]]` and `[[adjacent]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleSettings {
    /// How long steps may take.
    pub deadlines: Deadlines,
    /// How long who dismissed an alert can take it back.
    pub undo_within: Duration,
    /// Dispatch systems whose answers are taken.
    pub systems: Vec<DispatchSettings>,
    /// Which places are neighbours.
    pub adjacency: Adjacency,
}

/// A `[[dispatch]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchSettings {
    /// How it calls itself.
    pub id: String,
    /// For whom it may speak.
    pub roles: Vec<Role>,
    /// What it has to show over HTTP; none: it answers there from this machine only.
    pub token: Option<Secret>,
}

impl Default for LifecycleSettings {
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            undo_within: UNDO_DEFAULT,
            systems: Vec::new(),
            adjacency: Adjacency::default(),
        }
    }
}

impl LifecycleSettings {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let base = Deadlines::default();
        Self {
            deadlines: Deadlines {
                acknowledge: deadline(table, "acknowledge_s").unwrap_or(base.acknowledge),
                accept: deadline(table, "accept_s").unwrap_or(base.accept),
                arrive: deadline(table, "arrive_s").unwrap_or(base.arrive),
                resolve: deadline(table, "resolve_s").unwrap_or(base.resolve),
                expire: table.flag("expire").unwrap_or(base.expire),
            },
            undo_within: table.seconds("undo_s", 0.0..=86_400.0).unwrap_or(UNDO_DEFAULT),
            ..Self::default()
        }
    }

    /// The same with the tokens of `other`: what a running service can take over. A system that `other` does not have keeps its own.
    #[must_use]
    pub fn with_tokens_of(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        for system in &mut merged.systems {
            if let Some(now) = other.systems.iter().find(|now| now.id == system.id) {
                system.token.clone_from(&now.token);
            }
        }
        merged
    }

    /// Each system that has a token, with it.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, &str)> {
        self.systems.iter().filter_map(|system| Some((system.id.as_str(), system.token.as_ref()?.expose())))
    }
}

/// Four numbers, one per priority; 0: none.
fn deadline(table: &Table<'_>, key: &str) -> Option<[Option<Duration>; 4]> {
    let numbers = table.numbers::<4>(key, "4 numbers of seconds, for priority 1 to 4; 0: no deadline")?;
    if let Some(wrong) = numbers.iter().find(|n| !(0.0..=604_800.0).contains(*n)) {
        return table.wrong(key, &format!("got {wrong}, wants 0 (no deadline) to 604800 seconds"));
    }
    Some(numbers.map(|n| (n > 0.0).then(|| Duration::from_secs_f64(n))))
}

/// Reads the `[[dispatch]]` tables.
pub(super) fn read_systems(tables: &[Table<'_>]) -> Vec<DispatchSettings> {
    let role = |text: &str| match Role::from_word(text) {
        Some(role @ (Role::Patrol | Role::Dispatcher)) => Ok(role),
        _ => Err(format!("got {text:?}, wants \"patrol\" or \"dispatcher\"")),
    };
    let mut systems: Vec<DispatchSettings> = Vec::new();
    for table in tables {
        // A system is as a node: a slug that stands in URNs.
        let Some(id) = table.parsed("id", NodeId::parse) else {
            table.missing::<()>("id", "a slug: what the system calls itself in its answers");
            continue;
        };
        if systems.iter().any(|known| known.id == id.as_str()) {
            table.wrong::<()>("id", "two dispatch systems have this id");
        }
        let roles = table.list("roles", role).unwrap_or_else(|| vec![Role::Patrol]);
        let token = secret::read_token(table, "token_file");
        if let Some(other) = systems.iter().find(|known| token.is_some() && known.token == token) {
            let message = format!("dispatch system {} has the same token: each could speak as the other", other.id);
            table.wrong::<()>("token_file", &message);
        }
        systems.push(DispatchSettings { id: id.to_string(), roles, token });
    }
    systems
}

/// Reads the `[[adjacent]]` tables; places that are not there are errors.
pub(super) fn read_adjacent(tables: &[Table<'_>], cameras: &[CameraSettings]) -> Adjacency {
    let read = |table: &Table<'_>| {
        let places = table.list("places", |text| place(text, cameras));
        if places.is_none() {
            table.missing::<()>("places", "a list of two or more \"camera/zone\" or \"camera\"");
        }
        let within = table.seconds("within_s", 1.0..=3600.0).unwrap_or(Duration::from_secs(30));
        let places = places?;
        if places.len() < 2 {
            return table.wrong("places", &format!("got {}, wants two or more places", places.len()));
        }
        Some(Neighbours { places, within })
    };
    Adjacency(tables.iter().filter_map(read).collect())
}

fn place(text: &str, cameras: &[CameraSettings]) -> Result<Place, String> {
    let (camera, zone) = text.split_once('/').map_or((text, None), |(camera, zone)| (camera, Some(zone)));
    let camera = CameraId::parse(camera).map_err(|e| e.to_string())?;
    let zone = zone.map(ZoneId::parse).transpose().map_err(|e| e.to_string())?;
    let Some(known) = cameras.iter().find(|known| *known.id() == camera) else {
        return Err(format!("got {text:?}, but no camera {camera} is configured"));
    };
    if let Some(zone) = &zone
        && !known.scene.zones.iter().any(|known| known.id == *zone)
    {
        return Err(format!("got {text:?}, but camera {camera} has no zone {zone}"));
    }
    Ok(Place { camera, zone })
}
