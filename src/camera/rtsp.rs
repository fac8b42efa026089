//! A camera over RTSP: the video track alone, as access units with capture times.
//!
//! `buffer-mode=none`: the default buffer mode rewrites presentation times and damages those of streams with B-frames.
//! Audio, metadata and back channels are not even set up.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::gst::glib;
use tokio::sync::mpsc;

use super::access_unit::{CHANNEL, PacketSender, SharedFacts, Stamper, attach_sink, lock};
use super::address::{Credentials, split_credentials};
use super::opening::LiveStamper;
use super::session::Session;
use super::timeline::Timeline;
use crate::domain::scene::BlindCause;
use crate::pipeline::packet::Codec;
use crate::pipeline::ports::{Clock, PacketSource, PacketStream, SourceError};

/// How packets travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Within the RTSP connection.
    #[default]
    Tcp,
    /// RTP over UDP.
    Udp,
    /// Within an RTSP connection over TLS (`rtsps://`).
    Tls,
}

/// How a camera is reached.
#[derive(Clone, Debug)]
pub struct RtspSettings {
    url: String,
    credentials: Option<Credentials>,
    /// How packets travel.
    pub transport: Transport,
    /// Whether a TLS certificate must be valid. Only for cameras on a network of their own is the answer no.
    pub verify_tls: bool,
    /// The authorities that are trusted instead of the system's, in PEM; read anew at each connect.
    pub ca_file: Option<PathBuf>,
    /// How long the camera may take to answer a request.
    pub answer_timeout: Duration,
    /// How far the camera's clock may be off to be believed.
    pub max_clock_offset: Duration,
}

impl RtspSettings {
    /// TCP (TLS for `rtsps://`) and defaults. Credentials in the URL are split off; those given go first.
    pub fn new(url: &str, credentials: Option<Credentials>) -> Self {
        let (url, found) = split_credentials(url);
        let transport = if url.starts_with("rtsps://") { Transport::Tls } else { Transport::Tcp };
        Self {
            url,
            credentials: credentials.or(found),
            transport,
            verify_tls: true,
            ca_file: None,
            answer_timeout: Duration::from_secs(8),
            max_clock_offset: Duration::from_secs(10),
        }
    }

    /// The address without credentials.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A camera over RTSP. Keeps the camera's timeline across connections.
pub struct RtspSource {
    settings: RtspSettings,
    timeline: Arc<Mutex<Timeline>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for RtspSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RtspSource({} over {:?})", self.settings.url, self.settings.transport)
    }
}

impl RtspSource {
    /// A source for this camera.
    pub fn new(settings: RtspSettings, clock: Arc<dyn Clock>) -> Self {
        let timeline = Arc::new(Mutex::new(Timeline::new(settings.max_clock_offset)));
        Self { settings, timeline, clock }
    }

    /// Like `open`, with what is found out about the stream.
    pub(super) fn open_with_facts(&self) -> Result<(PacketStream, SharedFacts), SourceError> {
        super::init()?;
        let (sender, packets) = mpsc::channel(CHANNEL);
        let facts = SharedFacts::default();
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner).reconnected();
        let pipeline = gst::Pipeline::new();
        let rtspsrc = rtspsrc(&self.settings).map_err(|e| unusable(format!("cannot set up rtspsrc: {e}")))?;
        trust(&rtspsrc, &self.settings)?;
        pipeline.add(&rtspsrc).map_err(|e| unusable(e.to_string()))?;
        select_video(&rtspsrc, Arc::clone(&facts));
        self.link_video(&pipeline, &rtspsrc, sender.clone(), &facts);
        let (settings, judged) = (self.settings.clone(), Arc::clone(&facts));
        let session =
            Session::start(pipeline, sender, Box::new(move |message| judge(message, &settings, &judged)), None)?;
        Ok((PacketStream { packets, guard: Box::new(session) }, facts))
    }

    fn link_video(&self, pipeline: &gst::Pipeline, rtspsrc: &gst::Element, sender: PacketSender, facts: &SharedFacts) {
        let (weak, facts) = (pipeline.downgrade(), Arc::clone(facts));
        let (timeline, clock) = (Arc::clone(&self.timeline), Arc::clone(&self.clock));
        // The only sender besides the session's: when it is used, none is left here to keep the channel open.
        let sender = Mutex::new(Some(sender));
        rtspsrc.connect_pad_added(move |rtspsrc, pad| {
            let Some((pipeline, codec)) = weak.upgrade().zip(video_codec(pad)) else { return };
            let Some(sender) = sender.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
            let stamper = Box::new(LiveStamper::new(Arc::clone(&timeline), Arc::clone(&clock)));
            if let Err(e) = attach(&pipeline, pad, codec, (sender, Arc::clone(&facts), stamper)) {
                gst::element_error!(rtspsrc, gst::CoreError::Failed, ("cannot link the video track: {e}"));
            }
        });
    }
}

impl PacketSource for RtspSource {
    fn open(&self) -> Result<PacketStream, SourceError> {
        self.open_with_facts().map(|(stream, _)| stream)
    }
}

fn rtspsrc(settings: &RtspSettings) -> Result<gst::Element, glib::BoolError> {
    // UDP packets may come out of order: wait for a late one a little. In TCP they cannot.
    let (protocols, latency_ms) = match settings.transport {
        Transport::Tcp => ("tcp", 0u32),
        Transport::Udp => ("udp", 200),
        Transport::Tls => ("tcp+tls", 0),
    };
    let answer_us = u64::try_from(settings.answer_timeout.as_micros()).unwrap_or(u64::MAX);
    let source = gst::ElementFactory::make("rtspsrc")
        .property("location", &settings.url)
        .property_from_str("protocols", protocols)
        .property_from_str("buffer-mode", "none")
        .property("latency", latency_ms)
        .property("add-reference-timestamp-meta", true)
        .property("tcp-timeout", answer_us)
        .property("timeout", answer_us)
        .property("user-agent", concat!("lightbar/", env!("CARGO_PKG_VERSION")))
        .build()?;
    if let Some(credentials) = &settings.credentials {
        source.set_property("user-id", credentials.user());
        source.set_property("user-pw", credentials.password());
    }
    if !settings.verify_tls {
        source.set_property_from_str("tls-validation-flags", "no-flags");
    }
    Ok(source)
}

/// Says whose certificates are good, where it is not the system's list that says so.
fn trust(rtspsrc: &gst::Element, settings: &RtspSettings) -> Result<(), SourceError> {
    let Some(path) = settings.ca_file.as_ref().filter(|_| settings.transport == Transport::Tls) else { return Ok(()) };
    let authorities = gio::TlsFileDatabase::new(path)
        .map_err(|e| unusable(format!("{}: cannot read the authorities in {}: {e}", settings.url, path.display())))?;
    rtspsrc.set_property("tls-database", authorities);
    Ok(())
}

/// Sets up the first video track with a codec that is understood, and no other.
fn select_video(rtspsrc: &gst::Element, facts: SharedFacts) {
    rtspsrc.connect("select-stream", false, move |args| {
        let caps: gst::Caps = args.get(2)?.get().ok()?;
        let structure = caps.structure(0)?;
        let field = |name| structure.get::<String>(name).unwrap_or_default();
        let (media, encoding) = (field("media"), field("encoding-name"));
        let codec = codec_of(&media, &encoding);
        let mut facts = lock(&facts);
        let taken = codec.is_some() && facts.codec.is_none();
        if taken {
            facts.codec = codec;
        }
        facts.offered.push(format!("{media} {encoding}"));
        Some(taken.to_value())
    });
}

fn codec_of(media: &str, encoding: &str) -> Option<Codec> {
    match (media, encoding) {
        ("video", "H264") => Some(Codec::H264),
        ("video", "H265") => Some(Codec::H265),
        _ => None,
    }
}

fn video_codec(pad: &gst::Pad) -> Option<Codec> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let structure = caps.structure(0)?;
    codec_of(&structure.get::<String>("media").ok()?, &structure.get::<String>("encoding-name").ok()?)
}

fn attach(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    codec: Codec,
    sink: (PacketSender, SharedFacts, Box<dyn Stamper>),
) -> Result<(), glib::BoolError> {
    let depay = match codec {
        Codec::H264 => "rtph264depay",
        Codec::H265 => "rtph265depay",
    };
    let depay = gst::ElementFactory::make(depay).build()?;
    pipeline.add(&depay)?;
    let (sender, facts, stamper) = sink;
    let parser = attach_sink(pipeline, codec, sender, facts, stamper, false)?;
    depay.link(&parser)?;
    depay.sync_state_with_parent()?;
    let input = depay.static_pad("sink").ok_or_else(|| glib::bool_error!("the depayloader has no sink pad"))?;
    pad.link(&input).map_err(|e| glib::bool_error!("{e}"))?;
    Ok(())
}

/// What a message on the bus means for the camera.
fn judge(
    message: &gst::MessageView<'_>,
    settings: &RtspSettings,
    facts: &SharedFacts,
) -> Option<Result<(), SourceError>> {
    let url = settings.url();
    match message {
        gst::MessageView::Error(error) => Some(Err(understood(error, settings, facts))),
        gst::MessageView::Eos(_) => Some(Err(SourceError {
            cause: BlindCause::Unreachable,
            message: format!("{url}: the camera ended the stream"),
        })),
        gst::MessageView::Warning(warning) => {
            tracing::debug!(url, warning = %warning.error(), "the camera's stream");
            None
        }
        _ => None,
    }
}

fn understood(message: &gst::message::Error, settings: &RtspSettings, facts: &SharedFacts) -> SourceError {
    let url = settings.url();
    let error = message.error();
    let status = message.details().and_then(|details| details.get::<u32>("rtsp-status-code").ok());
    let facts = lock(facts);
    if facts.codec.is_none() && !facts.offered.is_empty() {
        return unusable(format!(
            "{url}: the camera offers {}; a video track in H264 or H265 is needed (set it in the camera)",
            facts.offered.join(", ")
        ));
    }
    let failed = |cause, what: String| SourceError { cause, message: format!("{url}: {what}") };
    match (status, error.kind::<gst::ResourceError>()) {
        (Some(status @ (401 | 403)), _) => {
            failed(BlindCause::Unauthorized, format!("the camera refused user name or password (status {status})"))
        }
        (_, Some(gst::ResourceError::NotAuthorized)) => {
            failed(BlindCause::Unauthorized, "the camera refused user name or password".to_owned())
        }
        (Some(404), _) | (_, Some(gst::ResourceError::NotFound)) => {
            failed(BlindCause::Unreachable, "the camera has no such stream (status 404); check the path".to_owned())
        }
        (Some(status), _) => {
            failed(BlindCause::Unreachable, format!("the camera answered with status {status}: {error}"))
        }
        (None, _) => {
            // GStreamer's own words say little ("Could not open resource"); the cause stands at the end of its debug text.
            let debug = message.debug().unwrap_or_default();
            let detail =
                debug.lines().last().and_then(|line| line.rsplit_once("):").map(|(_, tail)| tail).or(Some(line)));
            // A handshake that failed is told no closer than this.
            let strict = settings.transport == Transport::Tls && settings.verify_tls;
            let hint = if strict {
                "; over TLS the camera's certificate must be for this address and signed by an authority that is trusted \
                 (ca_file names others than the system's), or its check be turned off (verify_tls)"
            } else {
                ""
            };
            failed(BlindCause::Unreachable, format!("{error}: {}{hint}", detail.unwrap_or("").trim()))
        }
    }
}

fn unusable(message: String) -> SourceError {
    SourceError { cause: BlindCause::Unusable, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn no_debug_output_shows_the_password() {
        let settings = RtspSettings::new("rtsp://admin:s3cret@10.0.0.7/ch1", None);
        assert_eq!(settings.url(), "rtsp://10.0.0.7/ch1");
        let shown = format!("{settings:?} {:?}", RtspSource::new(settings.clone(), Arc::new(SystemClock)));
        assert!(!shown.contains("s3cret") && !shown.contains("admin"), "{shown}");
    }

    #[test]
    fn the_scheme_chooses_tls() {
        assert_eq!(RtspSettings::new("rtsps://10.0.0.7/ch1", None).transport, Transport::Tls);
        assert_eq!(RtspSettings::new("rtsp://10.0.0.7/ch1", None).transport, Transport::Tcp);
    }
}
