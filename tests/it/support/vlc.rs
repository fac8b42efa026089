//! VLC's RTSP server: not GStreamer's, UDP only, and never as root.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user that nobody is, on Debian.
const NOBODY: u32 = 65534;

pub(crate) struct VlcServer {
    process: Child,
    port: u16,
    _home: tempfile::TempDir,
}

impl VlcServer {
    /// Plays a file over and over.
    pub(crate) fn serve(file: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = tempfile::tempdir().unwrap();
        let sout = format!("--sout=#rtp{{sdp=rtsp://127.0.0.1:{port}/stream}}");
        let mut command = Command::new("cvlc");
        command.args(["--intf", "dummy", "--no-audio", "--loop", "--sout-keep"]).arg(sout).arg(file);
        command.env("HOME", home.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            std::os::unix::fs::chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
        let process = command.spawn().expect("VLC is installed");
        let server = Self { process, port, _home: home };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "VLC opens its port");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/stream", self.port)
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

impl Drop for VlcServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
