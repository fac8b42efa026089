//! The alert rules for Prometheus, judged by Prometheus' own `promtool`; and what the service exports, read by it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::skipped::skipped;
use crate::support::web_server::WebServer;

fn promtool(arguments: &[&str]) -> Option<Command> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fetched = root.join(".tools/promtool");
    let program = if fetched.exists() { fetched } else { "promtool".into() };
    if Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        skipped("promtool is not here; scripts/setup.sh test fetches it");
        return None;
    }
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root.join("deploy/prometheus"));
    Some(command)
}

fn passes(arguments: &[&str]) {
    let Some(mut command) = promtool(arguments) else { return };
    let done = command.output().unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(done.status.success(), "promtool {arguments:?}: {said}");
    assert!(said.contains("SUCCESS"), "promtool {arguments:?} looked at nothing: {said}");
}

#[test]
fn the_rules_are_rules() {
    passes(&["check", "rules", "lightbar.rules.yml"]);
}

#[test]
fn the_rules_fire_where_they_should_and_nowhere_else() {
    passes(&["test", "rules", "lightbar.rules.test.yml"]);
}

#[test]
fn what_is_exported_is_what_prometheus_expects() {
    let server = WebServer::start();
    server.board.release("store_open");
    server.board.hold("model_loaded", "loading");
    assert!(server.get("/metrics").body.contains("\nlightbar_web_ready 0\n"));
    server.board.release("model_loaded");
    let exported = server.get("/metrics").body;
    assert!(exported.contains("\nlightbar_web_ready 1\n"));
    let Some(mut command) = promtool(&["check", "metrics"]) else { return };
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it was there");
    child.stdin.take().expect("piped").write_all(exported.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(done.status.success(), "{said}");
}
