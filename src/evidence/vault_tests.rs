//! The vault: chains, drafts that a crash left, what is refused, and keys. How changes are found is in `tamper_tests.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::canonical;
use super::key::{SignatureForm, by_id, check};
use super::*;
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::time::Timestamp;
use crate::pipeline::evidence::{Piece, PieceKind, PieceRole, Sealed, Story, Vault};
use crate::pipeline::packet::{CaptureClock, ClockQuality};
use crate::pipeline::ports::Clock;

const EIGHT: Timestamp = Timestamp::from_millis(1_772_352_000_000);

pub(super) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_772_352_060_250)
    }
}

fn piece(name: &str, kind: PieceKind, role: PieceRole, sample_times_ms: Vec<u64>) -> Piece {
    Piece { name: name.to_owned(), kind, role, captured_at: EIGHT, sample_times_ms, cut: false, masked: true }
}

/// The `n`th alert of a camera: a clip and a picture.
pub(super) fn story(camera: &str, n: u64) -> Story {
    Story {
        alert: AlertId::new(EIGHT.plus(std::time::Duration::from_secs(n)), u128::from(n)),
        camera: CameraId::parse(camera).unwrap(),
        kind: "object_removed".to_owned(),
        rule: Some(("bicycle-gone".to_owned(), 3)),
        model: Some(("yolox".to_owned(), "ab".repeat(32))),
        configuration: Some("cd".repeat(32)),
        triggered_at: EIGHT.plus(std::time::Duration::from_secs(n)),
        clock: Some(ClockQuality { source: CaptureClock::RtcpNtp, error_ms: Some(12.5), offset_ms: Some(-0.1) }),
        pieces: vec![
            piece("clip.mp4", PieceKind::Clip, PieceRole::Trigger, vec![0, 40, 80, 120]),
            piece("before.jpg", PieceKind::Snapshot, PieceRole::Before, vec![]),
        ],
    }
}

pub(super) fn vault(data: &Path) -> FileVault {
    FileVault::open(data, Arc::new(Still)).unwrap()
}

/// Begins it and makes its files.
pub(super) fn begun(vault: &FileVault, story: &Story) -> std::path::PathBuf {
    let folder = vault.begin(story).unwrap();
    fs::write(folder.join("clip.mp4"), format!("video of {}", story.alert)).unwrap();
    fs::write(folder.join("before.jpg"), format!("picture of {}", story.alert)).unwrap();
    folder
}

pub(super) fn sealed(vault: &FileVault, camera: &str, n: u64) -> Vec<Sealed> {
    let story = story(camera, n);
    begun(vault, &story);
    vault.seal(&story).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_manifest_says_all_and_is_signed() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    let told = sealed(&vault, "gate-north", 1);
    let of = story("gate-north", 1);
    let folder = vault.root().join(format!("gate-north/00000001-{}", of.alert));
    assert_eq!(told[0].path, format!("gate-north/00000001-{}/clip.mp4", of.alert));
    assert_eq!(told[0].piece, of.pieces[0]);
    let clip = fs::read(vault.root().join(&told[0].path)).unwrap();
    assert_eq!((told[0].size_bytes, &told[0].sha256), (clip.len() as u64, &canonical::sha256(&clip)));
    let text = fs::read(folder.join("manifest.json")).unwrap();
    let expected = serde_json::json!({
        "version": "1.0",
        "camera": "gate-north",
        "number": 1,
        "alert_id": of.alert.to_string(),
        "kind": "object_removed",
        "rule": {"id": "bicycle-gone", "rev": 3},
        "model": {"name": "yolox", "sha256": "ab".repeat(32)},
        "configuration": {"algorithm": "SHA-256", "value": "cd".repeat(32)},
        "triggered_at": "2026-03-01T08:00:01.000Z",
        "clock": {"source": "rtcp_ntp", "error_ms": 12.5, "offset_ms": -0.1},
        "pieces": [
            {
                "name": "clip.mp4", "kind": "clip", "role": "trigger", "media_type": "video/mp4", "size_bytes": clip.len(),
                "digest": {"algorithm": "SHA-256", "value": canonical::sha256(&clip)},
                "captured_at": "2026-03-01T08:00:00.000Z", "duration_s": 0.12, "sample_times_ms": [0, 40, 80, 120],
                "cut": false, "masked": true
            },
            {
                "name": "before.jpg", "kind": "snapshot", "role": "before", "media_type": "image/jpeg",
                "size_bytes": told[1].size_bytes, "digest": {"algorithm": "SHA-256", "value": told[1].sha256},
                "captured_at": "2026-03-01T08:00:00.000Z", "cut": false, "masked": true
            }
        ],
        "previous": null,
        "sealed_at": "2026-03-01T08:01:00.250Z",
        "signer": {"algorithm": "Ed25519", "key_id": vault.public_key().key_id()},
    });
    assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected);
    assert_eq!(canonical::bytes(&expected).unwrap(), text, "the bytes that are signed are canonical");
    let signature: SignatureForm = canonical::read(&fs::read(folder.join("manifest.sig.json")).unwrap()).unwrap();
    let keys = by_id(&PublicKey::read_all(&data.path().join("keys/public")).unwrap());
    assert_eq!(check(&text, &signature, &keys).unwrap(), vault.public_key().key_id());
    assert!(check(&text[1..], &signature, &keys).unwrap_err().contains("does not fit its signature"));
    let there = disk::names(&folder).unwrap();
    assert_eq!(there, ["before.jpg", "clip.mp4", "manifest.json", "manifest.sig.json"]);
}

#[test]
fn each_camera_has_a_chain_that_goes_on_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let first = vault(data.path());
    sealed(&first, "gate-north", 1);
    sealed(&first, "gate-north", 2);
    sealed(&first, "yard", 3);
    drop(first);
    let again = vault(data.path());
    let third = &sealed(&again, "gate-north", 4)[0].path;
    let manifest = |path: &str| again.root().join(path).with_file_name("manifest.json");
    let second = manifest(&format!("gate-north/00000002-{}/clip.mp4", story("gate-north", 2).alert));
    let written = json(&manifest(third));
    assert_eq!(written["number"], 3);
    assert_eq!(written["previous"]["digest"]["value"], canonical::sha256(&fs::read(second).unwrap()));
    let yard = manifest(&format!("yard/00000001-{}/clip.mp4", story("yard", 3).alert));
    assert_eq!(json(&yard)["previous"], Value::Null);
}

#[test]
fn a_number_is_not_given_twice_when_the_last_evidence_is_gone() {
    let data = tempfile::tempdir().unwrap();
    let first = vault(data.path());
    sealed(&first, "yard", 1);
    let second = sealed(&first, "yard", 2).remove(0);
    fs::remove_dir_all(first.root().join(second.path).parent().unwrap()).unwrap();
    drop(first);
    let again = vault(data.path());
    assert!(sealed(&again, "yard", 3)[0].path.starts_with("yard/00000003-"));
}

#[test]
fn cameras_and_alerts_are_sealed_at_the_same_time() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    std::thread::scope(|scope| {
        for n in 1..=12 {
            let vault = &vault;
            scope.spawn(move || sealed(vault, if n % 3 == 0 { "yard" } else { "gate" }, n));
        }
    });
    for (camera, last) in [("gate", 8), ("yard", 4)] {
        let folders = disk::names(&vault.root().join(camera)).unwrap();
        let numbers: Vec<u64> = folders.iter().filter_map(|name| form::read_folder_name(name)).map(|f| f.0).collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    }
}

#[test]
fn a_crash_leaves_a_draft_that_can_be_sealed_as_it_was_found() {
    let data = tempfile::tempdir().unwrap();
    let of = story("yard", 1);
    let folder = begun(&vault(data.path()), &of);
    fs::remove_file(folder.join("before.jpg")).unwrap();
    let again = vault(data.path());
    let left = again.left_behind().unwrap();
    let mut expected = of.clone();
    expected.pieces.truncate(1);
    expected.pieces[0].cut = true;
    assert_eq!(left, [expected]);
    let told = again.seal(&left[0]).unwrap();
    assert!(told[0].piece.cut && told.len() == 1);
    assert_eq!(again.left_behind().unwrap(), []);
    // The service died before it noted that elsewhere: it is told the same again.
    assert_eq!(again.seal(&of).unwrap(), told);
    assert!(again.begin(&of).unwrap_err().0.contains("is sealed in"));
}

#[test]
fn a_manifest_in_a_draft_counts_for_nothing() {
    let data = tempfile::tempdir().unwrap();
    let first = vault(data.path());
    sealed(&first, "yard", 1);
    let of = story("yard", 2);
    // Stopped in the middle of writing the manifest; then after the story was taken away.
    let folder = begun(&first, &of);
    fs::write(folder.join("manifest.json"), "{\"alert").unwrap();
    assert_eq!(first.left_behind().unwrap().len(), 1);
    let told = first.seal(&of).unwrap();
    let place = first.root().join(&told[0].path);
    fs::rename(place.parent().unwrap(), &folder).unwrap();
    fs::write(folder.join("clip.mp4"), "changed after it").unwrap();
    fs::remove_file(first.root().join("yard/chain.json")).unwrap();
    drop(first);
    let again = vault(data.path());
    let left = again.left_behind().unwrap();
    assert_eq!((left[0].alert, left[0].pieces.len()), (of.alert, 2));
    let told = again.seal(&left[0]).unwrap();
    assert_eq!(told[0].sha256, canonical::sha256(b"changed after it"));
    assert!(told[0].path.starts_with("yard/00000002-"));
}

#[test]
fn what_is_given_up_is_gone() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    let of = story("yard", 1);
    let folder = begun(&vault, &of);
    vault.discard(&of).unwrap();
    assert!(!folder.exists());
    vault.discard(&of).unwrap();
    vault.discard(&story("never-seen", 1)).unwrap();
    assert!(vault.seal(&of).unwrap_err().0.contains("nothing was begun"));
    // A folder that was made and nothing more.
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(vault.left_behind().unwrap(), []);
    assert!(!folder.exists());
}

#[test]
fn what_is_not_told_of_is_not_sealed() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    let of = story("yard", 1);
    let folder = begun(&vault, &of);
    fs::write(folder.join("other.jpg"), "?").unwrap();
    assert!(vault.seal(&of).unwrap_err().0.contains("other.jpg belongs to no piece"));
    fs::remove_file(folder.join("other.jpg")).unwrap();
    fs::remove_file(folder.join("clip.mp4")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.join("clip.mp4")).unwrap();
    assert!(vault.seal(&of).unwrap_err().0.contains("is no file"));
    fs::remove_file(folder.join("clip.mp4")).unwrap();
    fs::remove_file(folder.join("before.jpg")).unwrap();
    assert!(vault.seal(&of).unwrap_err().0.contains("holds no piece"));
    let mut bad = story("yard", 2);
    for name in ["../x", "manifest.json", ".hidden", "", "a/b"] {
        bad.pieces[0].name = name.to_owned();
        assert!(vault.begin(&bad).unwrap_err().0.contains("plain file name"), "{name}");
    }
}

#[test]
fn the_key_is_made_once_and_is_its_owners_alone() {
    let data = tempfile::tempdir().unwrap();
    let id = vault(data.path()).public_key().key_id().to_owned();
    assert_eq!(vault(data.path()).public_key().key_id(), id);
    let secret = data.path().join("keys/evidence.ed25519");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&secret), mode(&data.path().join("keys"))), (0o600, 0o700));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = FileVault::open(data.path(), Arc::new(Still)).err().unwrap();
    assert!(refused.0.contains("chmod 600"), "{refused}");
    // Moved away: another key, and both public ones stay.
    fs::rename(&secret, data.path().join("old")).unwrap();
    assert_ne!(vault(data.path()).public_key().key_id(), id);
    assert_eq!(PublicKey::read_all(&data.path().join("keys/public")).unwrap().len(), 2);
}

#[test]
fn the_signature_is_that_of_rfc_8032() {
    // Test 2 of section 7.1: whoever checks with another program gets the same.
    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("keys")).unwrap();
    let secret = data.path().join("keys/evidence.ed25519");
    fs::write(&secret, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let signer = Signer::open(data.path()).unwrap();
    assert!(
        String::from_utf8(signer.public().to_json().unwrap())
            .unwrap()
            .contains("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    );
    assert_eq!(
        signer.sign(&[0x72]).signature,
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    );
}
