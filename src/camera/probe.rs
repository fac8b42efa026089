//! A short look at a camera: what it sends, before it is configured or when it does not work.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::access_unit::lock;
use super::rtsp::{RtspSettings, RtspSource};
use crate::domain::scene::BlindCause;
use crate::pipeline::packet::Codec;
use crate::pipeline::ports::{Clock, SourceError};

/// What a camera sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Video codec.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames a second: measured over what was seen, or as declared where too little was.
    pub fps: Option<f64>,
    /// Whether its RTCP sender reports came within the time of the look (most take 1 to 3 s).
    pub has_rtcp_time: bool,
    /// Its clock minus ours, in milliseconds, where it sends its time.
    pub clock_offset_ms: Option<f64>,
    /// Seconds between key pictures, where two came.
    pub key_interval_s: Option<f64>,
    /// Every track it offers, in words.
    pub tracks: Vec<String>,
}

/// Looks at a camera until all is known, at most for `timeout`.
pub async fn probe(settings: RtspSettings, timeout: Duration, clock: Arc<dyn Clock>) -> Result<Probe, SourceError> {
    let url = settings.url().to_owned();
    let (mut stream, facts) = RtspSource::new(settings, clock).open_with_facts()?;
    let mut times = BTreeSet::new();
    let mut keys = BTreeSet::new();
    let mut offset_ms = None;
    let look = async {
        while let Some(next) = stream.packets.recv().await {
            let packet = next?;
            times.insert(packet.pts);
            if packet.key {
                keys.insert(packet.pts);
            }
            offset_ms = packet.clock.offset_ms.or(offset_ms);
            if offset_ms.is_some() && keys.len() >= 2 && times.len() >= 25 {
                break;
            }
        }
        Ok::<(), SourceError>(())
    };
    // Running out of time is how a look at a camera without RTCP ends.
    if let Ok(ended) = tokio::time::timeout(timeout, look).await {
        ended?;
    }
    let found = lock(&facts).clone();
    let silent = || SourceError {
        cause: BlindCause::Stalled,
        message: format!("{url}: no picture within {:.0} s", timeout.as_secs_f64()),
    };
    let ((width, height), codec) = found.size.zip(found.codec).filter(|_| !times.is_empty()).ok_or_else(silent)?;
    Ok(Probe {
        codec,
        width,
        height,
        fps: interval(&times).filter(|_| times.len() >= 10).map(|seconds| 1.0 / seconds).or(found.declared_fps),
        has_rtcp_time: offset_ms.is_some(),
        clock_offset_ms: offset_ms,
        key_interval_s: interval(&keys),
        tracks: found.offered,
    })
}

/// Mean seconds between times, where there are two.
fn interval(times: &BTreeSet<Duration>) -> Option<f64> {
    let span = times.last()?.saturating_sub(*times.first()?);
    (times.len() >= 2).then(|| span.as_secs_f64() / (times.len() - 1) as f64)
}
