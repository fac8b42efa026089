//! Whether what the configuration names answers: a short look at each camera's streams, a TCP connection to each broker, and
//! a free HTTP port.
//!
//! One log-in for each stream and never a second: a wrong password tried often locks a camera's account.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::app::look::{Look, look_at};
use crate::config::Settings;

const PATIENCE: Duration = Duration::from_secs(3);

/// Something to connect to.
struct Target {
    what: String,
    host: String,
    port: u16,
}

/// Probes all at once, writes a line each, gives how many failed.
pub(super) fn run(out: &mut impl Write, settings: &Settings) -> io::Result<usize> {
    let targets = targets(settings);
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let tries: Vec<_> = targets.iter().map(|target| scope.spawn(|| connect(target))).collect();
        tries.into_iter().map(|t| t.join().unwrap_or_else(|_| Err("the try itself failed".to_owned()))).collect()
    });
    let mut failed = 0;
    for Look { stream, seen } in look_at(&settings.cameras)? {
        failed += usize::from(seen.is_err());
        write_line(out, &stream, seen)?;
    }
    for (target, result) in targets.iter().zip(results) {
        failed += usize::from(result.is_err());
        write_line(out, &target.what, result.map(|()| "answers".to_owned()))?;
    }
    let listen = TcpListener::bind(settings.http.listen);
    failed += usize::from(listen.is_err());
    let result = listen.map(|_| "free".to_owned()).map_err(|e| format!("{e} (is the service running already?)"));
    write_line(out, &format!("http {}", settings.http.listen), result)?;
    Ok(failed)
}

fn write_line(out: &mut impl Write, what: &str, result: Result<String, String>) -> io::Result<()> {
    match result {
        Ok(word) => writeln!(out, "  ok      {what}: {word}"),
        Err(why) => writeln!(out, "  FAILED  {what}: {why}"),
    }
}

fn targets(settings: &Settings) -> Vec<Target> {
    let mut targets = Vec::new();
    for broker in settings.kafka.brokers.iter().filter(|_| settings.kafka.enabled) {
        if let Some((host, port)) = broker.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            targets.push(Target { what: format!("kafka {broker}"), host, port });
        }
    }
    targets
}

fn connect(target: &Target) -> Result<(), String> {
    let addresses =
        (target.host.as_str(), target.port).to_socket_addrs().map_err(|e| format!("{}: {e}", target.host))?;
    let mut last = format!("{} has no address", target.host);
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(e) => last = format!("{address}: {e}"),
        }
    }
    Err(last)
}
