//! A real RTSP server within the test: GStreamer's, on a port of its own, with a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_rtsp_server as server;
use gstreamer_rtsp_server::prelude::*;

/// How a client must log in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    Open,
    Basic,
    Digest,
}

pub(crate) const USER: &str = "operator";
pub(crate) const PASSWORD: &str = "correct-horse-9";

/// What a server serves and how.
pub(crate) struct Serving {
    /// Launch line with payloaders `pay0`, `pay1`, ...
    pub(crate) launch: String,
    pub(crate) login: Login,
    /// Certificate and key in PEM, to serve over TLS.
    pub(crate) tls: Option<String>,
    /// 0 for any.
    pub(crate) port: u16,
}

impl Serving {
    pub(crate) fn new(launch: impl Into<String>) -> Self {
        Self { launch: launch.into(), login: Login::Open, tls: None, port: 0 }
    }
}

/// A running server; dropping it hangs up on everybody.
pub(crate) struct RtspServer {
    main_loop: glib::MainLoop,
    thread: Option<std::thread::JoinHandle<()>>,
    port: u16,
    scheme: &'static str,
    /// Connections so far.
    pub(crate) connections: Arc<AtomicU32>,
    /// Set: nothing is sent any more, and the connection stays.
    pub(crate) stalled: Arc<AtomicBool>,
}

impl RtspServer {
    pub(crate) fn serve(serving: Serving) -> Self {
        lightbar::camera::init().unwrap();
        let connections = Arc::new(AtomicU32::new(0));
        let stalled = Arc::new(AtomicBool::new(false));
        let (ready, up) = std::sync::mpsc::channel();
        let (counted, held) = (Arc::clone(&connections), Arc::clone(&stalled));
        let scheme = if serving.tls.is_some() { "rtsps" } else { "rtsp" };
        let thread = std::thread::spawn(move || {
            let context = glib::MainContext::new();
            context
                .with_thread_default(|| {
                    let server = build(&serving, &held);
                    server.connect_client_connected(move |_, _| {
                        counted.fetch_add(1, Ordering::Relaxed);
                    });
                    let source = server.attach(Some(&context)).expect("the RTSP server opens its port");
                    let main_loop = glib::MainLoop::new(Some(&context), false);
                    // From within the loop: one that is told to quit before it runs would run for ever.
                    let (running, bound) = (main_loop.clone(), u16::try_from(server.bound_port()).unwrap());
                    let up = glib::idle_source_new(None, glib::Priority::DEFAULT, move || {
                        ready.send((running.clone(), bound)).unwrap();
                        glib::ControlFlow::Break
                    });
                    up.attach(Some(&context));
                    main_loop.run();
                    server.client_filter(Some(&mut |_: &server::RTSPServer, _: &server::RTSPClient| {
                        server::RTSPFilterResult::Remove
                    }));
                    if let Some(listening) = context.find_source_by_id(&source) {
                        listening.destroy();
                    }
                    // Bounded: a connection that its client has left is ready to be read for ever.
                    for _ in 0..1000 {
                        if !context.iteration(false) {
                            break;
                        }
                    }
                })
                .unwrap();
        });
        let (main_loop, port) = up.recv().expect("the RTSP server starts");
        Self { main_loop, thread: Some(thread), port, scheme, connections, stalled }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/stream", self.scheme, self.port)
    }

    pub(crate) fn stop(self) {
        drop(self);
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        self.main_loop.quit();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn build(serving: &Serving, stalled: &Arc<AtomicBool>) -> server::RTSPServer {
    let server = server::RTSPServer::new();
    server.set_address("127.0.0.1");
    server.set_service(&serving.port.to_string());
    // Clients are served on the server's own thread: where they had another, hanging up on them from here raced with its
    // reading, which then span for ever and filled the log.
    if let Some(threads) = server.thread_pool() {
        threads.set_max_threads(0);
    }
    let factory = server::RTSPMediaFactory::new();
    factory.set_launch(&format!("( {} )", serving.launch));
    factory.set_shared(true);
    let stalled = Arc::clone(stalled);
    factory.connect_media_configure(move |_, media| {
        for pay in ["pay0", "pay1"] {
            let element = media.element().downcast::<gst::Bin>().ok().and_then(|bin| bin.by_name(pay));
            let Some(pad) = element.and_then(|pay| pay.static_pad("sink")) else { continue };
            let stalled = Arc::clone(&stalled);
            pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
                // Not `Drop`: the bindings take the buffer then, and GStreamer complains that it is gone.
                if stalled.load(Ordering::Relaxed) { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
            });
        }
    });
    if serving.login != Login::Open || serving.tls.is_some() {
        server.set_auth(Some(&auth(serving)));
    }
    if serving.login != Login::Open {
        let role = gst::Structure::builder("viewer")
            .field("media.factory.access", true)
            .field("media.factory.construct", true);
        factory.add_role_from_structure(&role.build());
    }
    server.mount_points().unwrap().add_factory("/stream", factory);
    server
}

fn auth(serving: &Serving) -> server::RTSPAuth {
    let auth = server::RTSPAuth::new();
    let token = server::RTSPToken::builder().field("media.factory.role", "viewer").build();
    match serving.login {
        Login::Open => {}
        Login::Basic => {
            auth.set_supported_methods(server::gst_rtsp::RTSPAuthMethod::Basic);
            auth.add_basic(&server::RTSPAuth::make_basic(USER, PASSWORD), &token);
        }
        Login::Digest => {
            auth.set_supported_methods(server::gst_rtsp::RTSPAuthMethod::Digest);
            auth.add_digest(USER, PASSWORD, &token);
        }
    }
    if let Some(pem) = &serving.tls {
        let certificate = server::gio::TlsCertificate::from_pem(pem).expect("a certificate and its key");
        auth.set_tls_certificate(Some(&certificate));
    }
    auth
}
