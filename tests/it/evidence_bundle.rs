//! Evidence as those get it who were not there: by the commands, and by a script that has nothing of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use lightbar::clock::SystemClock;
use lightbar::domain::ids::AlertId;
use lightbar::evidence::FileVault;
use lightbar::pipeline::evidence::{Piece, PieceKind, PieceRole, Story, Vault as _};

use crate::support::facts::{EIGHT, alert_id, camera};

fn lightbar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightbar")).args(arguments).output().expect("it runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A data folder with a configuration and with four at the gate, each a minute after the other.
fn kept() -> (tempfile::TempDir, PathBuf, Vec<AlertId>) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lightbar.toml");
    fs::write(folder.path().join("model.toml"), "").unwrap();
    let text = "[service]\nsite = \"test\"\ndata_dir = \"data\"\n[kafka]\nenabled = false\n[inference]\nmodel = \"model.toml\"\n\
                [[camera]]\nid = \"gate\"\nurl = \"rtsp://192.0.2.7/\"\n";
    fs::write(&config, text).unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let vault = FileVault::open(&folder.path().join("data"), Arc::new(SystemClock)).unwrap();
    let alerts: Vec<AlertId> = (0..4).map(alert_id).collect();
    for (n, alert) in alerts.iter().enumerate() {
        let at = EIGHT.plus(Duration::from_mins(n as u64));
        let piece = |name: &str, kind, role| Piece {
            name: name.to_owned(),
            kind,
            role,
            captured_at: at,
            sample_times_ms: vec![],
            cut: false,
            masked: false,
        };
        let story = Story {
            alert: *alert,
            camera: camera("gate"),
            kind: "intrusion".to_owned(),
            rule: None,
            model: None,
            configuration: None,
            triggered_at: at,
            clock: None,
            pieces: vec![
                piece("clip.mp4", PieceKind::Clip, PieceRole::Trigger),
                piece("trigger.jpg", PieceKind::Snapshot, PieceRole::Trigger),
            ],
        };
        let draft = vault.begin(&story).unwrap();
        fs::write(draft.join("clip.mp4"), vec![n as u8; 300_000]).unwrap();
        fs::write(draft.join("trigger.jpg"), format!("a picture of {n}")).unwrap();
        vault.seal(&story).unwrap();
    }
    (folder, config, alerts)
}

/// Writes a bundle of the second and the fourth, and the key.
fn handed_out(folder: &Path, config: &Path, alerts: &[AlertId]) -> (String, String) {
    let (config, out) = (config.display().to_string(), folder.join("case-17.zip").display().to_string());
    let (second, fourth) = (alerts[1].to_string(), alerts[3].to_string());
    let arguments = ["evidence", "export", "--config", &config, "--alert", &second, "--alert", &fourth, "--case", "17"];
    let more = ["--purpose", "for the court", "--actor", "desk 4", "--out", &out];
    let done = lightbar(&[&arguments[..], &more[..]].concat());
    assert!(done.status.success() && said(&done).contains("evidence 证据: 2"), "{}", said(&done));
    let done = lightbar(&["evidence", "key", "--config", &config]);
    let key = folder.join("site.key.json");
    fs::write(&key, &done.stdout).unwrap();
    (out, key.display().to_string())
}

#[test]
fn evidence_is_listed_handed_out_and_verified() {
    let (folder, config, alerts) = kept();
    let at = config.display().to_string();
    let listed = said(&lightbar(&["evidence", "list", "--config", &at, "--camera", "gate"]));
    assert!(listed.lines().count() == 4 && alerts.iter().all(|alert| listed.contains(&alert.to_string())), "{listed}");
    let (bundle, key) = handed_out(folder.path(), &config, &alerts);
    let done = lightbar(&["evidence", "verify", &bundle, "--key", &key]);
    assert!(done.status.success() && !said(&done).contains("No --key"), "{}", said(&done));
    let done = lightbar(&["evidence", "verify", &bundle]);
    assert!(done.status.success() && said(&done).contains("No --key was given"), "{}", said(&done));
    let root = folder.path().join("data/evidence").display().to_string();
    for place in [root.clone(), format!("{root}/gate")] {
        let done = lightbar(&["evidence", "verify", &place]);
        assert!(done.status.success() && said(&done).contains("evidence 证据: 4"), "{}", said(&done));
    }
    let clip = folder.path().join(format!("data/evidence/gate/00000002-{}/clip.mp4", alerts[1]));
    fs::write(&clip, "another").unwrap();
    let done = lightbar(&["evidence", "verify", &root]);
    assert!(done.status.code() == Some(1) && said(&done).contains("clip.mp4: has SHA-256"), "{}", said(&done));
    // A camera and a time; spoilt as it is, it is handed out and told to be so.
    let out = folder.path().join("span.zip").display().to_string();
    let span = ["--camera", "gate", "--from", "2026-03-01T08:01:00Z", "--to", "2026-03-01T16:03:00+08:00"];
    let what = ["evidence", "export", "--config", &at, "--case", "17", "--purpose", "p", "--actor", "a", "--out", &out];
    let done = lightbar(&[&what[..], &span[..]].concat());
    assert!(done.status.code() == Some(1) && said(&done).contains("evidence 证据: 2"), "{}", said(&done));
}

#[test]
fn a_bundle_is_verified_without_lightbar() {
    let (folder, config, alerts) = kept();
    let (bundle, key) = handed_out(folder.path(), &config, &alerts);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/verify_evidence.py");
    // Without the package, so that the way by OpenSSL is tried wherever this runs.
    let without = folder.path().join("without/cryptography");
    fs::create_dir_all(&without).unwrap();
    fs::write(without.join("__init__.py"), "raise ImportError('not here')\n").unwrap();
    let run = |arguments: &[&str], by_openssl: bool| {
        let mut python = Command::new("python3");
        python.arg(&script).args(arguments);
        if by_openssl {
            python.env("PYTHONPATH", without.parent().unwrap());
        }
        python.output().expect("Python 3 is there")
    };
    for by_openssl in [false, true] {
        let done = run(&[&bundle, &key], by_openssl);
        assert!(done.status.success() && said(&done).contains("\nas it was sealed"), "{}", said(&done));
    }
    assert!(said(&run(&[&bundle], true)).contains("not who made it"));
    let whole = fs::read(&bundle).unwrap();
    let changed = folder.path().join("changed.zip").display().to_string();
    let place = |what: &[u8]| whole.windows(what.len()).position(|window| window == what).unwrap();
    // In a clip, in a manifest, in the page, in a signature, in the list.
    for what in [&[1_u8; 64][..], b"\"kind\":\"intrusion\"", b"<h1>", b"\"signature\":\"", b"\"purpose\":\""] {
        let mut bytes = whole.clone();
        bytes[place(what) + what.len() / 2] ^= 1;
        fs::write(&changed, &bytes).unwrap();
        let done = run(&[&changed, &key], true);
        assert!(done.status.code() == Some(1), "{}: {}", String::from_utf8_lossy(what), said(&done));
        let done = lightbar(&["evidence", "verify", &changed]);
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    }
}
