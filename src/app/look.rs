//! A short look at cameras, for `lightbar check --probe`: one connection for each stream, and what was found.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::camera_line::rtsp_settings;
use crate::camera::{Probe, probe};
use crate::clock::SystemClock;
use crate::config::CameraSettings;
use crate::pipeline::packet::StreamRole;

/// Most cameras send their first RTCP time within 3 s, and a key picture within 2.
const LOOK: Duration = Duration::from_secs(6);

/// What a look at one stream gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which: `camera gate-north main rtsp://...`, without credentials.
    pub stream: String,
    /// What it sends, or why nothing was seen.
    pub seen: Result<String, String>,
}

/// Looks at all streams of the enabled cameras at once.
pub fn look_at(cameras: &[CameraSettings]) -> io::Result<Vec<Look>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut running = Vec::new();
        for camera in cameras.iter().filter(|camera| camera.enabled) {
            let urls =
                [(StreamRole::Main, Some(&camera.stream.url)), (StreamRole::Sub, camera.stream.sub_url.as_ref())];
            for (role, url) in urls.into_iter().filter_map(|(role, url)| Some((role, url?))) {
                let stream = format!("camera {} {} {url}", camera.id(), role.as_str());
                let looking = probe(rtsp_settings(url, camera), LOOK, Arc::new(SystemClock));
                running.push((stream, tokio::spawn(looking)));
            }
        }
        let mut looks = Vec::new();
        for (stream, looking) in running {
            let seen = match looking.await {
                Ok(found) => found.map(|probe| words(&probe)).map_err(|error| error.to_string()),
                Err(error) => Err(format!("the look itself failed: {error}")),
            };
            looks.push(Look { stream, seen });
        }
        Ok(looks)
    })
}

fn words(probe: &Probe) -> String {
    let picture = format!("{} {}x{}", probe.codec.as_str(), probe.width, probe.height);
    let rate = probe.fps.map(|fps| format!("{fps:.1} frames/s"));
    let keys = probe.key_interval_s.map(|interval| format!("a key picture each {interval:.1} s"));
    let time = match probe.clock_offset_ms {
        Some(offset) => format!("sends its time ({offset:+.0} ms)"),
        None => "sends no time (arrival is taken)".to_owned(),
    };
    [Some(picture), rate, keys, Some(time)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
