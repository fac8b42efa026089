//! When the sun rises and sets, by NREL's algorithm. Where it does not, the nearest that is true: as a polar night comes, sunrise
//! and sunset meet at noon; as a polar day comes, they meet at midnight; so they are said to be there.

use solar_positioning::{Horizon, HorizonState, Location, SolarEvents};

use super::mark::Event;

const DAY_S: f64 = 86_400.0;
/// The Julian date of the Unix epoch.
const EPOCH: f64 = 2_440_587.5;
/// Terrestrial time is so many seconds ahead; a few more or less make no second of difference here.
const DELTA_T: f64 = 69.2;

/// When the sun does it, in Unix seconds, on the day around the civil noon `noon_s` at a place.
pub(super) fn moment(event: Event, noon_s: i64, latitude: f64, longitude: f64) -> i64 {
    let place = Location { latitude, longitude };
    let horizon = match event {
        Event::Dawn | Event::Dusk => Horizon::CivilTwilight,
        Event::Sunrise | Event::Sunset => Horizon::SunriseSunset,
    };
    let noon = noon_s as f64 / DAY_S + EPOCH;
    let sun = SolarEvents::new();
    // Without an answer (a date thousands of years away) the clock's noon stands for the sun's.
    let transit =
        sun.next_transit_from_julian(noon - 0.5, noon + 0.51, longitude, DELTA_T).ok().flatten().unwrap_or(noon);
    let rises = matches!(event, Event::Dawn | Event::Sunrise);
    let (from, to, polar_day) =
        if rises { (transit - 0.5, transit, transit - 0.5) } else { (transit, transit + 0.5, transit + 0.5) };
    let found = sun.for_interval_from_julian(from, to, place, DELTA_T, horizon).ok();
    let at = found.map_or(transit, |day| {
        let crossing = if rises { day.rises.last() } else { day.sets.first() };
        let always_up = day.state_at_start == HorizonState::Above;
        crossing.copied().unwrap_or(if always_up { polar_day } else { transit })
    });
    ((at - EPOCH) * DAY_S).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    /// Almanac times, given to the minute.
    #[test]
    fn agrees_with_almanacs() {
        let cases = [
            // Hangzhou, 2026-03-20.
            (Event::Sunrise, "2026-03-20T04:00:00Z", 30.25, 120.17, "2026-03-19T22:05:00Z"),
            (Event::Sunset, "2026-03-20T04:00:00Z", 30.25, 120.17, "2026-03-20T10:10:00Z"),
            // London, midsummer and midwinter.
            (Event::Sunrise, "2026-06-21T11:00:00Z", 51.5, -0.13, "2026-06-21T03:43:00Z"),
            (Event::Sunset, "2026-06-21T11:00:00Z", 51.5, -0.13, "2026-06-21T20:21:00Z"),
            (Event::Sunset, "2026-12-21T12:00:00Z", 51.5, -0.13, "2026-12-21T15:53:00Z"),
            // Sydney: seasons the other way round.
            (Event::Sunrise, "2026-12-21T01:00:00Z", -33.87, 151.21, "2026-12-20T18:41:00Z"),
        ];
        for (event, noon, lat, lon, wanted) in cases {
            let off = moment(event, at(noon), lat, lon) - at(wanted);
            assert!(off.abs() <= 90, "{event:?} of {noon} is {off} s off");
        }
    }

    #[test]
    fn polar_night_meets_at_noon_and_polar_day_at_midnight() {
        let tromso = |event, noon| moment(event, at(noon), 69.65, 18.96);
        let dark = "2026-12-21T11:00:00Z";
        assert_eq!(tromso(Event::Sunrise, dark), tromso(Event::Sunset, dark));
        assert!((tromso(Event::Sunset, dark) - at("2026-12-21T10:42:00Z")).abs() < 300, "the sun's noon");
        let light = "2026-06-21T11:00:00Z";
        assert_eq!(tromso(Event::Sunset, light) - tromso(Event::Sunrise, light), 86_400);
    }
}
