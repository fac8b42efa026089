//! What an alert says of the camera that saw it. How the camera is reached is the configuration's and `camera/`'s matter.

use super::ids::CameraId;

/// A camera as the outside knows it; checked by `config/`, quoted by `contract/`.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraCard {
    /// The slug chosen by the user.
    pub id: CameraId,
    /// A name for people.
    pub name: Option<String>,
    /// Where it hangs, for those who go there.
    pub address: Option<String>,
    /// Where it hangs, for maps.
    pub position: Option<Position>,
    /// 20-digit GB/T 28181 id.
    pub gb_id: Option<String>,
    /// 6-digit administrative division code.
    pub place_code: Option<String>,
    /// 12-digit organisation code.
    pub org_code: Option<String>,
    /// 12- to 18-digit grid code.
    pub grid_code: Option<String>,
    /// The site, as others name it.
    pub site_id: Option<String>,
    /// A template that links a time span to the site's own recorder.
    pub playback_url: Option<String>,
    /// Why this camera may look at all, and for how long what it saw is kept.
    pub privacy: Privacy,
}

/// A position in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Latitude, -90 to 90.
    pub lat: f64,
    /// Longitude, -180 to 180.
    pub lon: f64,
    /// The datum of both.
    pub datum: Datum,
}

/// Geodetic datums in use; GCJ-02 is the obfuscated one of Chinese map services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datum {
    /// World Geodetic System 1984.
    Wgs84,
    /// China Geodetic Coordinate System 2000.
    Cgcs2000,
    /// GCJ-02.
    Gcj02,
}

/// The privacy part of every alert. Identification is always none, so it is no field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privacy {
    /// Why.
    pub purpose: Purpose,
    /// The legal basis, in the site's words.
    pub basis: Option<String>,
    /// Counts up when the masks change; 0 where there are none.
    pub mask_rev: u32,
    /// Days until what an alert refers to must be gone.
    pub retention_days: u16,
}

/// Purposes an alert may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the contract's own words")]
pub enum Purpose {
    PublicOrder,
    TrafficSafety,
    KeyAreaProtection,
    Rescue,
    FacilitySafety,
    CriminalInvestigation,
    SystemTest,
}
