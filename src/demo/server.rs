//! The street's cameras over real RTSP, in a process of their own: what a site has, on 127.0.0.1.
//!
//! Three servers share one loop: the open cameras, the guarded one, and the one that cannot be reached for a while in each round
//! (its port is closed meanwhile, as when a camera loses power). Ends when its standard input ends, so that it never outlives
//! who started it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app::{AppSrc, AppSrcCallbacks};
use gstreamer_rtsp_server as rtsp;
use gstreamer_rtsp_server::prelude::*;
use serde_json::json;

use super::DemoError;
use super::encode::{self, Clip};
use super::feeder::feed;
use crate::clock::SystemClock;
use crate::domain::time::Timestamp;
use crate::pipeline::ports::Clock;
use crate::street::cameras::{self, DemoCamera, PERIOD_S, Stream, StreamCodec};
pub use crate::street::cameras::{PASSWORD_ENV, USER};

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The first port; 0 takes free ones.
    pub port: u16,
    /// Where encoded streams are kept.
    pub cache: PathBuf,
    /// Of the guarded camera.
    pub password: String,
}

/// Encodes what is not encoded yet, serves, says so on standard output, and returns when standard input ends. (SIGTERM ends the process as it does
/// any; nothing is left behind.)
pub fn serve(options: &ServeOptions) -> Result<(), DemoError> {
    let cameras = cameras::all();
    let tell = |p: encode::Progress| drop(encode::say(&json!({ "stream": p.stream, "done": p.done })));
    let clips = encode::prepare(&cameras, &options.cache, &tell)?;
    let main_loop = glib::MainLoop::new(None, false);
    let started_at = SystemClock.now();
    let mut clips = clips.into_iter();
    let mut groups: BTreeMap<Group, Vec<Served>> = BTreeMap::new();
    for camera in &cameras {
        for (stream, clip) in camera.streams.iter().zip(&mut clips) {
            groups.entry(Group::of(camera)).or_default().push((camera, *stream, clip));
        }
    }
    let mut ports = BTreeMap::new();
    let mut servers = Vec::new();
    for (index, (group, streams)) in groups.into_iter().enumerate() {
        let wanted = if options.port == 0 { 0 } else { options.port + index as u16 };
        let server = new_server(wanted, (group == Group::Guarded).then_some(options.password.as_str()));
        for (_, stream, clip) in &streams {
            mount(&server, stream, clip, started_at)?;
        }
        let listening =
            server.attach(None).map_err(|e| DemoError::Serve(format!("port {wanted} cannot be opened: {e}")))?;
        let port = server.bound_port();
        server.set_service(&port.to_string());
        ports.insert(group, port);
        if let Some(span) = streams.first().and_then(|(camera, ..)| camera.outage_s) {
            Outage { server: server.clone(), started_at, span }.arm(Some(listening));
        }
        servers.push(server);
    }
    encode::say(&ready(&cameras, &ports, started_at))?;
    end_with_input(&main_loop);
    main_loop.run();
    for server in servers {
        hang_up(&server);
    }
    Ok(())
}

/// A stream and what is played on it.
type Served<'a> = (&'a DemoCamera, Stream, Arc<Clip>);

/// Cameras that share a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Open,
    Guarded,
    Unsteady,
}

impl Group {
    const fn of(camera: &DemoCamera) -> Self {
        match (camera.guarded, camera.outage_s) {
            (true, _) => Self::Guarded,
            (false, Some(_)) => Self::Unsteady,
            (false, None) => Self::Open,
        }
    }
}

fn ready(cameras: &[DemoCamera], ports: &BTreeMap<Group, i32>, started_at: Timestamp) -> serde_json::Value {
    let url = |camera: &DemoCamera, stream: &Stream| {
        format!("rtsp://127.0.0.1:{}/{}", ports[&Group::of(camera)], stream.path)
    };
    let cameras: Vec<_> = cameras
        .iter()
        .map(|c| json!({ "id": c.id, "url": url(c, &c.streams[0]), "sub_url": c.streams.get(1).map(|s| url(c, s)), "guarded": c.guarded }))
        .collect();
    json!({ "port": ports.values().min(), "cameras": cameras, "started_at": started_at.as_millis(), "period_s": PERIOD_S })
}

fn new_server(port: u16, password: Option<&str>) -> rtsp::RTSPServer {
    let server = rtsp::RTSPServer::new();
    server.set_address("127.0.0.1");
    server.set_service(&port.to_string());
    if let Some(password) = password {
        let auth = rtsp::RTSPAuth::new();
        let token = rtsp::RTSPToken::builder().field(rtsp::RTSP_TOKEN_MEDIA_FACTORY_ROLE.as_str(), "viewer").build();
        auth.set_supported_methods(rtsp::gst_rtsp::RTSPAuthMethod::Digest);
        auth.add_digest(USER, password, &token);
        server.set_auth(Some(&auth));
    }
    server
}

fn mount(server: &rtsp::RTSPServer, stream: &Stream, clip: &Arc<Clip>, started_at: Timestamp) -> Result<(), DemoError> {
    let (media, pay) = match stream.codec {
        StreamCodec::H264 => ("video/x-h264", "rtph264pay aggregate-mode=zero-latency"),
        StreamCodec::H265 => ("video/x-h265", "rtph265pay aggregate-mode=zero-latency"),
    };
    let factory = rtsp::RTSPMediaFactory::new();
    factory.set_launch(&format!(
        "( appsrc name=source is-live=true format=time caps=\"{media},stream-format=byte-stream,alignment=au\" ! \
         {pay} name=pay0 pt=96 config-interval=-1 )"
    ));
    factory.set_shared(true);
    factory.set_latency(50);
    let role = gst::Structure::builder("viewer")
        .field(rtsp::RTSP_PERM_MEDIA_FACTORY_ACCESS.as_str(), true)
        .field(rtsp::RTSP_PERM_MEDIA_FACTORY_CONSTRUCT.as_str(), true);
    factory.add_role_from_structure(&role.build());
    let clip = Arc::clone(clip);
    factory.connect_media_configure(move |_, media| {
        let source = media.element().downcast::<gst::Bin>().ok().and_then(|bin| bin.by_name("source"));
        let Some(source) = source.and_then(|element| element.downcast::<AppSrc>().ok()) else { return };
        let (clip, mut fed) = (Arc::clone(&clip), false);
        // The source asks once the media really plays: only then is there a running time.
        let asked = move |source: &AppSrc, _: u32| {
            if !std::mem::replace(&mut fed, true) {
                let (source, clip) = (source.clone(), Arc::clone(&clip));
                drop(
                    std::thread::Builder::new()
                        .name("feeder".to_owned())
                        .spawn(move || feed(&source, &clip, started_at)),
                );
            }
        };
        source.set_callbacks(AppSrcCallbacks::builder().need_data(asked).build());
    });
    let mounts = server.mount_points().ok_or_else(|| DemoError::Serve("the server has no mount points".to_owned()))?;
    mounts.add_factory(&format!("/{}", stream.path), factory);
    Ok(())
}

/// A camera that cannot be reached from `span[0]` to `span[1]` of each round.
struct Outage {
    server: rtsp::RTSPServer,
    started_at: Timestamp,
    span: [f32; 2],
}

impl Outage {
    /// Waits for the next turn: to be gone where it listens, to come back where it does not.
    fn arm(self, listening: Option<glib::SourceId>) {
        let position = SystemClock.now().since(self.started_at).as_secs_f64() % f64::from(PERIOD_S);
        let target = f64::from(self.span[usize::from(listening.is_none())]);
        let wait = (target - position).rem_euclid(f64::from(PERIOD_S)).max(0.05);
        glib::timeout_add_local_once(Duration::from_secs_f64(wait), move || {
            if let Some(source) = listening {
                source.remove();
                hang_up(&self.server);
                self.arm(None);
            } else {
                match self.server.attach(None) {
                    Ok(source) => self.arm(Some(source)),
                    // Somebody took the port: the camera stays away for this round.
                    Err(e) => {
                        tracing::warn!(error = %e, "the unsteady camera's port cannot be opened again");
                        self.arm(None);
                    }
                }
            }
        });
    }
}

fn hang_up(server: &rtsp::RTSPServer) {
    server.client_filter(Some(&mut |_: &rtsp::RTSPServer, _: &rtsp::RTSPClient| rtsp::RTSPFilterResult::Remove));
}

fn end_with_input(main_loop: &glib::MainLoop) {
    let quit = main_loop.clone();
    let watch = move || {
        let mut sink = [0u8; 64];
        while matches!(std::io::stdin().lock().read(&mut sink), Ok(n) if n > 0) {}
        quit.quit();
    };
    drop(std::thread::Builder::new().name("input".to_owned()).spawn(watch));
}
