//! The cameras of the demo: what they see, how they are served, what is watched for.
//!
//! Each tells one story of a minute, over and over. At the seam everything is where it was: who moves is out of the picture, and
//! what was taken has been brought back.

use super::scene::Scene;
use super::stories;
use super::watch::Watch;

/// After so many seconds each camera's story begins again.
pub const PERIOD_S: f32 = 60.0;
/// Pictures per second.
pub const FPS: u32 = 10;
/// The account of the guarded camera.
pub const USER: &str = "viewer";
/// The variable with its password.
pub const PASSWORD_ENV: &str = "LIGHTBAR_STREET_PASSWORD";

/// A camera of the demo.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoCamera {
    /// Its id, and its main stream's path.
    pub id: &'static str,
    /// Its name, English and Chinese.
    pub name: &'static str,
    /// What it sees.
    pub scene: Scene,
    /// What is watched for.
    pub watch: Watch,
    /// Its streams, the main one first.
    pub streams: Vec<Stream>,
    /// Whether it wants a password.
    pub guarded: bool,
    /// From when to when in each period it cannot be reached.
    pub outage_s: Option<[f32; 2]>,
}

/// A stream of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its path on the server, without the slash.
    pub path: &'static str,
    /// How it is encoded.
    pub codec: StreamCodec,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Kilobits per second.
    pub kbps: u32,
    /// Pictures that refer to later ones, between two that do not.
    pub b_frames: u32,
}

/// How a stream is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamCodec {
    /// H.264.
    H264,
    /// H.265.
    H265,
}

/// All cameras, in the order of the configuration.
pub fn all() -> Vec<DemoCamera> {
    told(0)
}

/// The same cameras in another telling of their stories: other times, paces, places, clothes and light. 0 is the demo's own.
pub fn told(telling: u64) -> Vec<DemoCamera> {
    vec![street_east(telling), yard(telling), corridor(telling), gate(telling), square(telling), forecourt(telling)]
}

/// A camera before which nothing happens; another place for each seed.
pub fn quiet(seed: u64) -> DemoCamera {
    let (scene, watch) = stories::quiet(seed);
    DemoCamera {
        id: "quiet",
        name: "Quiet place 安静的地方",
        scene,
        watch,
        streams: vec![stream("quiet", StreamCodec::H264, 0)],
        guarded: false,
        outage_s: None,
    }
}

const fn stream(path: &'static str, codec: StreamCodec, b_frames: u32) -> Stream {
    Stream { path, codec, width: 960, height: 540, kbps: 1000, b_frames }
}

fn street_east(telling: u64) -> DemoCamera {
    let (scene, watch) = stories::street_east(telling);
    let streams = vec![stream("street-east", StreamCodec::H264, 0)];
    DemoCamera {
        id: "street-east",
        name: "Street, east side 东街",
        scene,
        watch,
        streams,
        guarded: false,
        outage_s: None,
    }
}

fn yard(telling: u64) -> DemoCamera {
    let (scene, watch) = stories::yard(telling);
    let streams = vec![stream("yard", StreamCodec::H265, 0)];
    DemoCamera { id: "yard", name: "Courtyard 庭院", scene, watch, streams, guarded: false, outage_s: None }
}

fn corridor(telling: u64) -> DemoCamera {
    let (scene, watch) = stories::corridor(telling);
    let streams = vec![stream("corridor", StreamCodec::H264, 2)];
    DemoCamera {
        id: "corridor",
        name: "Corridor, block 2 二栋走廊",
        scene,
        watch,
        streams,
        guarded: false,
        outage_s: None,
    }
}

fn gate(telling: u64) -> DemoCamera {
    let (scene, watch) = stories::gate(telling);
    let main = Stream { width: 1280, height: 720, kbps: 1800, ..stream("gate", StreamCodec::H264, 0) };
    let sub = Stream { width: 640, height: 360, kbps: 500, ..stream("gate-sub", StreamCodec::H264, 0) };
    DemoCamera {
        id: "gate", name: "Gate 大门", scene, watch, streams: vec![main, sub], guarded: true, outage_s: None
    }
}

fn square(telling: u64) -> DemoCamera {
    let (scene, watch) = stories::square(telling);
    let streams = vec![stream("square", StreamCodec::H264, 0)];
    DemoCamera {
        id: "square",
        name: "Square 广场",
        scene,
        watch,
        streams,
        guarded: false,
        outage_s: Some([35.0, 45.0]),
    }
}

fn forecourt(telling: u64) -> DemoCamera {
    let (scene, watch) = stories::forecourt(telling);
    let streams = vec![stream("forecourt", StreamCodec::H264, 0)];
    DemoCamera {
        id: "forecourt",
        name: "Station forecourt 站前广场",
        scene,
        watch,
        streams,
        guarded: false,
        outage_s: None,
    }
}
