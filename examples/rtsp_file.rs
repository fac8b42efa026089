//! Serves one MP4 file (H.264 or H.265) over RTSP on localhost, from its beginning to each client, until standard input ends:
//! what `benches/whole_line.py` measures with. `cargo run --example rtsp_file -- clip.mp4`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a tool for benches")]

#[path = "../tests/it/support/rtsp.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests use more of it")]
mod rtsp;

use std::io::Read;

use rtsp::{RtspServer, Serving};

fn main() {
    let path = std::env::args().nth(1).unwrap_or_else(|| panic!("usage: rtsp_file FILE.mp4"));
    let codec = codec_of(&path);
    let location = std::path::Path::new(&path).canonicalize().unwrap();
    let launch = format!(
        "filesrc location={} ! qtdemux ! {codec}parse config-interval=-1 ! rtp{codec}pay name=pay0 pt=96",
        location.display()
    );
    let server = RtspServer::serve(Serving::new(launch));
    println!("{{\"url\": \"{}\", \"codec\": \"{codec}\"}}", server.url());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    server.stop();
}

/// By the sample entry's name, which an MP4 file has once.
fn codec_of(path: &str) -> &'static str {
    let bytes = std::fs::read(path).unwrap();
    if bytes.windows(4).any(|name| name == b"hvc1" || name == b"hev1") { "h265" } else { "h264" }
}
