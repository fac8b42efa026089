//! What is drawn on a camera's picture: zones and lines, and how tracks are made.

use super::hours::KnownHours;
use super::rule;
use super::table::Table;
use crate::domain::cues::CueConfig;
use crate::domain::geometry::zone::InvalidZone;
use crate::domain::geometry::{GroundPlane, GroundPoint, Line, Point, Zone, ZoneShape};
use crate::domain::ids::{CameraId, ZoneId};
use crate::domain::scene::{NamedLine, SceneConfig, SightConfig};
use crate::domain::tracking::TrackerConfig;

pub(super) const ZONE_KEYS: &[&str] = &["id", "rev", "name", "category", "points", "polygons", "holes"];
pub(super) const LINE_KEYS: &[&str] = &["id", "rev", "name", "points"];
pub(super) const GROUND_KEYS: &[&str] = &["points"];
pub(super) const CUES_KEYS: &[&str] = &["watch_view", "relearn_view_s"];
pub(super) const TRACKING_KEYS: &[&str] = &["confirm_confidence", "keep_confidence", "lost_after_s"];

/// Reads the scene of a `[[camera]]`; `None` without a camera, but not before all that is wrong with it was noted.
pub(super) fn read(
    table: &Table<'_>,
    camera: Option<CameraId>,
    sight: SightConfig,
    hours: KnownHours<'_>,
) -> Option<SceneConfig> {
    let (zone_tables, line_tables) = (table.tables("zone", ZONE_KEYS), table.tables("line", LINE_KEYS));
    let rule_tables = table.tables("rule", rule::KEYS);
    note_repeated_ids(&zone_tables, "two zones of this camera have this id");
    note_repeated_ids(&line_tables, "two lines of this camera have this id");
    note_repeated_ids(&rule_tables, "two rules of this camera have this id");
    let ground_table = table.table("ground", GROUND_KEYS);
    // Names as written: a rule on a zone that is there but wrong is not wrong itself.
    let names = rule::Names {
        zones: zone_tables.iter().filter_map(Table::id).collect(),
        lines: line_tables.iter().filter_map(Table::id).collect(),
        has_ground: ground_table.is_some(),
        hours,
    };
    let zones = zone_tables.iter().filter_map(read_zone).collect();
    let lines = line_tables.iter().filter_map(read_line).collect();
    let rules = rule_tables.iter().filter_map(|rule| rule::read(rule, &names)).collect();
    let tracker = table.table("tracking", TRACKING_KEYS).map_or_else(TrackerConfig::default, |t| read_tracker(&t));
    let cues = table.table("cues", CUES_KEYS).map_or_else(CueConfig::default, |t| read_cues(&t));
    let ground = ground_table.and_then(|table| read_ground(&table));
    Some(SceneConfig { zones, lines, rules, tracker, sight, cues, ground, ..SceneConfig::new(camera?) })
}

fn note_repeated_ids(tables: &[Table<'_>], message: &str) {
    for (i, table) in tables.iter().enumerate() {
        if table.id().is_some() && tables[..i].iter().any(|other| other.id() == table.id()) {
            table.wrong::<()>("id", message);
        }
    }
}

/// The id of a zone or line.
fn read_id(table: &Table<'_>, wants: &str) -> Option<ZoneId> {
    let id = table.parsed("id", ZoneId::parse);
    if id.is_none() {
        table.missing::<()>("id", wants);
    }
    id
}

fn read_zone(table: &Table<'_>) -> Option<Zone> {
    let id = read_id(table, "a slug that is unique among the camera's zones");
    let shape = read_shape(table);
    let rev = table.whole("rev", 1..=u32::MAX).unwrap_or(1);
    Some(Zone { id: id?, rev, name: table.owned("name"), category: table.owned("category"), shape: shape? })
}

/// One polygon in `points`, or several in `polygons`; less `holes`.
fn read_shape(table: &Table<'_>) -> Option<ZoneShape> {
    if table.has("points") && table.has("polygons") {
        return table.wrong("polygons", "got polygons beside points, wants one of them: put all into polygons");
    }
    let key = if table.has("polygons") { "polygons" } else { "points" };
    let polygons = if key == "polygons" {
        table.point_lists("polygons")
    } else {
        let points = table.points("points").map(|points| vec![points]);
        points.or_else(|| table.missing("points", "a list of at least 3 points [x, y], 0..1"))
    };
    let holes = if table.has("holes") { table.point_lists("holes") } else { Some(Vec::new()) };
    ZoneShape::of_parts(polygons?, holes?).map_err(|e| table.wrong::<()>(blamed(&e, key), &e.to_string())).ok()
}

const fn blamed(error: &InvalidZone, polygons: &'static str) -> &'static str {
    match error {
        InvalidZone::Hole { .. } | InvalidZone::HoleOutside { .. } | InvalidZone::NothingLeft => "holes",
        InvalidZone::NoPolygon | InvalidZone::TooManyParts { .. } | InvalidZone::Polygon { .. } => polygons,
    }
}

fn read_line(table: &Table<'_>) -> Option<NamedLine> {
    let id = read_id(table, "a slug that is unique among the camera's lines");
    let points = table.points("points").or_else(|| table.missing("points", "a list of at least 2 points [x, y], 0..1"));
    let line = points.and_then(|points| match Line::new(points) {
        Ok(line) => Some(line),
        Err(e) => table.wrong("points", &e.to_string()),
    });
    let rev = table.whole("rev", 1..=u32::MAX).unwrap_or(1);
    Some(NamedLine { id: id?, rev, name: table.owned("name"), line: line? })
}

fn read_ground(table: &Table<'_>) -> Option<GroundPlane> {
    const WANTS: &str = "at least 4 points [x, y, X, Y]: 0..1 of width and height, and metres on the ground";
    let rows = table.rows::<4>("points", WANTS).or_else(|| table.missing("points", WANTS))?;
    let measured = |&[x, y, east, north]: &[f64; 4]| GroundPoint { seen: Point::new(x, y), metres: [east, north] };
    let points: Vec<GroundPoint> = rows.iter().map(measured).collect();
    GroundPlane::new(&points).map_err(|e| table.wrong::<()>("points", &e.to_string())).ok()
}

fn read_cues(table: &Table<'_>) -> CueConfig {
    CueConfig {
        watch_view: table.flag("watch_view").unwrap_or(true),
        relearn_view: table.seconds("relearn_view_s", 5.0..=86_400.0),
    }
}

fn read_tracker(table: &Table<'_>) -> TrackerConfig {
    let mut tracker = TrackerConfig::default();
    if let Some(confirm) = table.number("confirm_confidence", 0.0..=1.0) {
        tracker.confirm_confidence = confirm as f32;
    }
    if let Some(keep) = table.number("keep_confidence", 0.0..=1.0) {
        tracker.keep_confidence = keep as f32;
    }
    if let Some(lost_after) = table.seconds("lost_after_s", 0.2..=60.0) {
        tracker.lost_after = lost_after;
    }
    if tracker.keep_confidence > tracker.confirm_confidence {
        let (keep, confirm) = (tracker.keep_confidence, tracker.confirm_confidence);
        table.itself_wrong(&format!(
            "got keep_confidence {keep} above confirm_confidence {confirm}, wants it at most equal, since a track is easier kept than begun"
        ));
    }
    tracker
}
