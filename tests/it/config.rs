//! The commands that read a configuration, run as the user runs them.

use super::support::rtsp::{RtspServer, Serving};
use std::path::Path;
use std::process::{Command, Output};

fn lightbar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightbar")).args(arguments).env_remove("GATE_PW").output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with a configuration whose model is there and whose data folder is the folder.
fn configured(cameras: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("model.toml"), "").expect("writable");
    let head =
        "[service]\nsite = \"test\"\ndata_dir = \".\"\n[kafka]\nenabled = false\n[inference]\nmodel = \"model.toml\"\n";
    std::fs::write(folder.path().join("lightbar.conf"), format!("{head}{cameras}")).expect("writable");
    folder
}

fn config(folder: &Path) -> String {
    folder.join("lightbar.conf").display().to_string()
}

#[test]
fn check_prints_what_would_run() {
    let folder = configured("[[camera]]\nid = \"gate\"\nname = \"大门\"\nurl = \"rtsp://127.0.0.1:1/s?pwd=hunter2\"\n");
    let output = lightbar(&["check", "--config", &config(folder.path())]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}{}", text(&output.stderr));
    for wanted in ["site test", "cameras        1 run, 0 disabled", "gate  大门", "rtsp://127.0.0.1:1/s?***"] {
        assert!(out.contains(wanted), "{wanted:?} is not in\n{out}");
    }
    assert!(!out.contains("hunter2"), "{out}");
}

#[test]
fn check_tells_all_that_is_wrong_and_exits_with_2() {
    let folder = configured("[[camera]]\nid = \"gate\"\nurl = \"rtsp://admin:hunter2@10.0.0.5/s\"\nfsp = 3\n");
    let output = lightbar(&["check", "--config", &config(folder.path())]);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    for wanted in [
        "2 errors:",
        "lightbar.conf:10: camera[gate].url: the address holds credentials",
        "did you mean \"fps\"?",
        "11 | fsp = 3",
    ] {
        assert!(err.contains(wanted), "{wanted:?} is not in\n{err}");
    }
    assert!(!err.contains("hunter2"), "{err}");
}

#[test]
fn check_misses_the_model_and_names_its_key() {
    let folder = configured("");
    std::fs::remove_file(folder.path().join("model.toml")).expect("removable");
    let output = lightbar(&["check", "--config", &config(folder.path())]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("inference.model: there is no file "), "{}", text(&output.stderr));
}

#[test]
fn a_probe_says_who_does_not_answer() {
    let server = RtspServer::serve(Serving::new(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! \
         x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay config-interval=-1 name=pay0 pt=96",
    ));
    let there = server.url();
    let cameras = format!(
        "[[camera]]\nid = \"there\"\nurl = \"{there}\"\n[[camera]]\nid = \"gone\"\nurl = \"rtsp://127.0.0.1:1/s\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
    );
    let folder = configured(&cameras);
    let output = lightbar(&["check", "--probe", "--config", &config(folder.path())]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains(&format!("ok      camera there main {there}: H.264 320x240")), "{out}");
    assert!(out.contains("FAILED  camera gone main rtsp://127.0.0.1:1/s"), "{out}");
}

#[test]
fn reload_signals_the_service_and_tells_its_answer() {
    let folder = configured("");
    let nobody = lightbar(&["reload", "--config", &config(folder.path())]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("no service runs"), "{}", text(&nobody.stderr));

    let mut service = stand_in(folder.path());
    let applied = lightbar(&["reload", "--config", &config(folder.path())]);
    let refused = lightbar(&["reload", "--config", &config(folder.path())]);
    service.kill().expect("it can be killed");
    service.wait().expect("it ends");
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    assert!(text(&applied.stdout).contains("camera gate: added"), "{}", text(&applied.stdout));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("GATE_PW is not set"), "{}", text(&refused.stderr));

    let stale = lightbar(&["reload", "--config", &config(folder.path())]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(text(&stale.stderr).contains("is gone"), "{}", text(&stale.stderr));
}

/// A process called `lightbar` that answers the first SIGHUP with yes and the second with no.
fn stand_in(data_dir: &Path) -> std::process::Child {
    use std::os::unix::fs::PermissionsExt;
    let script = data_dir.join("lightbar");
    let text = r#"#!/usr/bin/python3
import json, os, signal, sys
os.chdir(sys.argv[1])
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # waited for below, so that none comes at a bad moment
def put(name, text):
    with open("new", "w") as file: file.write(text)
    os.rename("new", name)
put("lightbar.pid", str(os.getpid()))
for n, rest in enumerate([{"ok": True, "done": ["camera gate: added"]}, {"ok": False, "errors": ["x.toml:3: GATE_PW is not set"]}], 1):
    signal.sigwait({signal.SIGHUP})
    put("reload.json", json.dumps({"generation": n, "pid": os.getpid(), **rest}))
signal.pause()
"#;
    std::fs::write(&script, text).expect("writable");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("its mode can be set");
    let child = Command::new(&script).arg(data_dir).spawn().expect("it runs");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !data_dir.join("lightbar.pid").exists() {
        assert!(std::time::Instant::now() < deadline, "the stand-in did not start");
        std::thread::yield_now();
    }
    child
}

#[test]
fn every_command_has_help_with_examples_and_shells_are_completed() {
    let help = text(&lightbar(&["--help"]).stdout);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() >= 12, "{help}");
    for name in names {
        let output = lightbar(&[name, "--help"]);
        let out = text(&output.stdout);
        assert!(
            output.status.success() && out.contains("Examples:") && out.contains(&format!("lightbar {name}")),
            "{out}"
        );
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = lightbar(&["completions", shell]);
        assert!(output.status.success() && text(&output.stdout).contains("reload"), "{shell}");
    }
}
