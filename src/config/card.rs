//! What alerts say of a camera: place, codes, privacy.

use super::defaults::CameraDefaults;
use super::table::Table;
use crate::domain::camera::{CameraCard, Datum, Position, Privacy};
use crate::domain::ids::CameraId;

pub(super) const POSITION_KEYS: &[&str] = &["lat", "lon", "datum"];

/// Reads the card from a `[[camera]]`; `shared` has been read from it already.
pub(super) fn read(table: &Table<'_>, shared: &CameraDefaults, dispatch: bool) -> Option<CameraCard> {
    let id = table.parsed("id", CameraId::parse);
    if id.is_none() {
        table.missing::<()>("id", "a slug that is unique among cameras, such as \"gate-north\"");
    }
    let digits = |key, least: usize, most: usize| table.parsed(key, |text| checked_digits(text, least, most));
    let (address, position) =
        (table.owned("address"), table.table("position", POSITION_KEYS).and_then(|t| read_position(&t)));
    if dispatch && !table.has("address") && !table.has("position") {
        table.missing::<()>("address", "an address or a position, since patrols are sent there (dispatch = true)");
    }
    let card = CameraCard {
        id: id?,
        name: table.owned("name"),
        address,
        position,
        gb_id: digits("gb_id", 20, 20),
        place_code: digits("place_code", 6, 6),
        org_code: digits("org_code", 12, 12),
        grid_code: digits("grid_code", 12, 18),
        site_id: shared.site_id.clone(),
        playback_url: table.parsed("playback_url", checked_playback),
        privacy: Privacy {
            purpose: shared.purpose,
            basis: shared.basis.clone(),
            mask_rev: 0,
            retention_days: shared.retention_days,
        },
    };
    Some(card)
}

fn read_position(table: &Table<'_>) -> Option<Position> {
    let datums = [("wgs84", Datum::Wgs84), ("cgcs2000", Datum::Cgcs2000), ("gcj02", Datum::Gcj02)];
    let lat = table.number("lat", -90.0..=90.0).or_else(|| table.missing("lat", "degrees from -90 to 90"));
    let lon = table.number("lon", -180.0..=180.0).or_else(|| table.missing("lon", "degrees from -180 to 180"));
    // No default: GCJ-02 taken for WGS 84 sends a patrol half a kilometre astray.
    let datum = table.choice("datum", &datums).or_else(|| table.missing("datum", "one of wgs84, cgcs2000, gcj02"));
    Some(Position { lat: lat?, lon: lon?, datum: datum? })
}

fn checked_digits(text: &str, least: usize, most: usize) -> Result<String, String> {
    if (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    let count = if least == most { format!("{least}") } else { format!("{least} to {most}") };
    Err(format!("got {text:?}, wants {count} digits"))
}

/// A template with `{start}` and `{end}`.
fn checked_playback(text: &str) -> Result<String, String> {
    let Some((_, rest)) = text.split_once("://") else {
        return Err(format!("got {text:?}, wants an address with {{start}} and {{end}} in it"));
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err("the address holds credentials; it is quoted in every alert, so it wants none".to_owned());
    }
    if !text.contains("{start}") {
        return Err(format!("got {text:?}, wants {{start}} in it, where the time of the alert goes"));
    }
    Ok(text.to_owned())
}
