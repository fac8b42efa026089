//! One thing that several cameras see: alerts of the same kind, in places that are known to be neighbours, shortly one after the
//! other. Each stays an alert of its own; the incident only says that they belong together.

use std::time::Duration;

use crate::domain::alert::AlertKind;
use crate::domain::ids::{AlertId, CameraId, ZoneId};
use crate::domain::time::Timestamp;

/// A camera, or one zone of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which camera.
    pub camera: CameraId,
    /// Which zone; none: anywhere before it.
    pub zone: Option<ZoneId>,
}

/// Places between which one walks, and how long that takes at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Two or more places.
    pub places: Vec<Place>,
    /// An alert in one of them that begins within so long after one in another is about the same thing.
    pub within: Duration,
}

/// All that is known of neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjacency(pub Vec<Neighbours>);

/// What an incident needs to know of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which.
    pub alert: AlertId,
    /// Where.
    pub place: Place,
    /// What.
    pub kind: AlertKind,
    /// When it was opened, capture time.
    pub at: Timestamp,
}

impl Place {
    /// Whether this describes where a sighting was.
    fn holds(&self, seen: &Self) -> bool {
        self.camera == seen.camera && (self.zone.is_none() || self.zone == seen.zone)
    }
}

impl Adjacency {
    /// The longest time that any two neighbours are apart: who looks for earlier sightings need look back no further.
    pub fn longest(&self) -> Duration {
        self.0.iter().map(|neighbours| neighbours.within).max().unwrap_or_default()
    }

    /// Whether two sightings are of one thing.
    pub fn joins(&self, one: &Sighting, other: &Sighting) -> bool {
        let apart = one.at.since(other.at).max(other.at.since(one.at));
        one.alert != other.alert
            && one.kind == other.kind
            && one.place.camera != other.place.camera
            && self.0.iter().any(|neighbours| {
                let within = |seen: &Sighting| neighbours.places.iter().any(|place| place.holds(&seen.place));
                apart <= neighbours.within && within(one) && within(other)
            })
    }

    /// Of earlier sightings, the nearest in time that is of the same thing.
    pub fn same_as<'a>(&self, seen: &Sighting, earlier: &'a [Sighting]) -> Option<&'a Sighting> {
        let apart = |other: &&Sighting| seen.at.since(other.at).max(other.at.since(seen.at));
        earlier.iter().filter(|other| self.joins(seen, other)).min_by_key(apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(camera: &str, zone: Option<&str>) -> Place {
        Place { camera: CameraId::parse(camera).unwrap(), zone: zone.map(|id| ZoneId::parse(id).unwrap()) }
    }

    fn seen(n: u128, at_s: i64, place: Place, kind: AlertKind) -> Sighting {
        let at = Timestamp::from_millis(at_s * 1000);
        Sighting { alert: AlertId::new(at, n), place, kind, at }
    }

    #[test]
    fn neighbours_make_one_thing_of_what_is_near_in_place_and_time() {
        let known = Adjacency(vec![Neighbours {
            places: vec![place("gate", Some("yard")), place("lane", None)],
            within: Duration::from_secs(30),
        }]);
        let first = seen(1, 100, place("gate", Some("yard")), AlertKind::Loitering);
        let same = seen(2, 125, place("lane", Some("kerb")), AlertKind::Loitering);
        assert_eq!(known.same_as(&same, std::slice::from_ref(&first)), Some(&first));
        for (other, why) in [
            (seen(3, 131, place("lane", None), AlertKind::Loitering), "too late"),
            (seen(4, 110, place("lane", None), AlertKind::Crowd), "another kind"),
            (seen(5, 110, place("hall", None), AlertKind::Loitering), "no neighbour"),
            (
                seen(6, 110, place("gate", Some("yard")), AlertKind::Loitering),
                "the same camera has its own rules for that",
            ),
        ] {
            assert_eq!(known.same_as(&other, std::slice::from_ref(&first)), None, "{why}");
        }
        let elsewhere = seen(7, 100, place("gate", Some("roof")), AlertKind::Loitering);
        assert!(!known.joins(&elsewhere, &same), "another zone of the same camera");
    }
}
