//! What is clean is found clean, and every change is found.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::disk::names;
use super::stored::{Crc, Entry, Writer};
use super::unpack::verify;
use super::vault_tests::{Still, begun, sealed, story, vault};
use super::*;
use crate::domain::ids::CameraId;
use crate::pipeline::evidence::Vault;

/// A vault with five at the gate, of which the second and the fourth are packed, and two in the yard, of which the first is.
struct Scene {
    data: tempfile::TempDir,
    bundle: Vec<u8>,
    key: PublicKey,
}

fn handover() -> Handover {
    let [case, purpose, actor] = ["案件 <17> & \"x\"", "for the court", "Officer on duty"].map(str::to_owned);
    Handover { case, purpose, actor }
}

fn packed(data: &Path, selection: &Selection, name: &str) -> PathBuf {
    let out = data.join(name);
    export(data, selection, &handover(), &Still, &out).unwrap();
    out
}

fn scene() -> Scene {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    for n in 1..=5 {
        sealed(&vault, "gate", n);
    }
    sealed(&vault, "yard", 6);
    sealed(&vault, "yard", 7);
    let alerts = [("gate", 2), ("gate", 4), ("yard", 6)].map(|(camera, n)| story(camera, n).alert);
    let bundle = fs::read(packed(data.path(), &Selection::Alerts(alerts.to_vec()), "bundle.zip")).unwrap();
    Scene { bundle, key: vault.public_key().clone(), data }
}

fn look(bundle: &[u8], given: &[PublicKey]) -> Report {
    verify(Cursor::new(bundle), given).unwrap()
}

/// Name, where its bytes begin, how many.
fn files(bundle: &[u8]) -> Vec<(String, usize, usize)> {
    let (mut out, mut at) = (Vec::new(), 0);
    let number =
        |at: usize, n: usize| bundle[at..at + n].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    while bundle[at..].starts_with(b"PK\x03\x04") {
        let (size, name) = (number(at + 18, 4), number(at + 26, 2));
        let start = at + 30 + name;
        out.push((String::from_utf8(bundle[at + 30..start].to_vec()).unwrap(), start, size));
        at = start + size;
    }
    out
}

/// The same form with other files: what somebody would make who knows it.
fn rebuilt(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, data) in files {
        let mut crc = Crc::new();
        crc.add(data);
        writer.add(Entry { name: name.clone(), size: data.len() as u32, crc: crc.value() }, data.as_slice()).unwrap();
    }
    writer.finish().unwrap()
}

fn contents(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    files(bundle).into_iter().map(|(name, at, size)| (name, bundle[at..at + size].to_vec())).collect()
}

#[test]
fn clean_bundles_are_clean() {
    let scene = scene();
    let report = look(&scene.bundle, &[]);
    assert_eq!(report.findings, []);
    assert_eq!((report.whole, report.manifests_only, report.files), (3, 1, 18));
    assert!(report.to_string().contains("not who made it"), "{report}");
    let known = look(&scene.bundle, std::slice::from_ref(&scene.key));
    assert!(known.is_clean() && known.keys_given && known.signers.contains(scene.key.key_id()));
    assert_eq!(rebuilt(&contents(&scene.bundle)), scene.bundle, "the form leaves no choice");
    // Any choice of alerts, after the key was changed on the way.
    let data = scene.data.path();
    fs::rename(data.join("keys/evidence.ed25519"), data.join("old")).unwrap();
    let changed = vault(data);
    for n in 8..=12 {
        sealed(&changed, "gate", n);
    }
    let all: Vec<_> = (1..=5).chain(8..=12).map(|n| story("gate", n)).collect();
    let mut chance = fastrand::Rng::with_seed(7);
    for n in 0..40 {
        let count = chance.usize(1..=all.len());
        let alerts = chance.choose_multiple(all.iter().map(|story| story.alert), count);
        let bundle = fs::read(packed(data, &Selection::Alerts(alerts), &format!("{n}.zip"))).unwrap();
        assert_eq!(look(&bundle, &[scene.key.clone(), changed.public_key().clone()]).findings, []);
    }
    let span = |from: u64, to: u64| Selection::Span {
        camera: CameraId::parse("gate").unwrap(),
        from: story("gate", from).triggered_at,
        to: story("gate", to).triggered_at,
    };
    let bundle = fs::read(packed(data, &span(3, 9), "span.zip")).unwrap();
    assert_eq!((look(&bundle, &[]).findings.len(), look(&bundle, &[]).whole), (0, 4));
    let none = export(data, &span(20, 30), &handover(), &Still, &data.join("none.zip"));
    assert!(none.unwrap_err().0.contains("no such evidence"));
    assert!(!data.join("none.zip").exists());
    let again = export(data, &span(3, 9), &handover(), &Still, &data.join("span.zip"));
    assert!(again.unwrap_err().0.contains("cannot make the new file"));
}

#[test]
fn every_changed_byte_of_a_bundle_is_found() {
    let scene = scene();
    let files = files(&scene.bundle);
    let tries = std::env::var("LIGHTBAR_TAMPERINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let mut chance = fastrand::Rng::with_seed(1);
    let mut changed = scene.bundle.clone();
    for _ in 0..tries {
        let (at, bits) = (chance.usize(..changed.len()), chance.u8(1..));
        changed[at] ^= bits;
        let report = look(&changed, &[]);
        assert!(!report.is_clean(), "byte {at} xor {bits:02x}");
        if let Some((name, ..)) = files.iter().find(|(_, start, size)| (*start..start + size).contains(&at)) {
            assert!(report.findings.iter().any(|found| found.place == *name), "byte {at} of {name}:\n{report}");
        }
        changed[at] ^= bits;
    }
    assert!(look(&changed, &[]).is_clean());
}

#[test]
fn bytes_of_a_bundle_cannot_be_cut_or_added() {
    let scene = scene();
    let mut chance = fastrand::Rng::with_seed(2);
    for _ in 0..200 {
        let at = chance.usize(..scene.bundle.len());
        assert!(!look(&scene.bundle[..at], &[]).is_clean(), "cut at {at}");
        assert!(!look(&scene.bundle[at + 1..], &[]).is_clean(), "from {at}");
        let mut more = scene.bundle.clone();
        more.insert(at, chance.u8(..));
        assert!(!look(&more, &[]).is_clean(), "one more at {at}");
        more.remove(at);
        more.remove(at);
        assert!(!look(&more, &[]).is_clean(), "one less at {at}");
    }
    for more in [b"x".as_slice(), b"\0", &scene.bundle] {
        assert!(!look(&[&scene.bundle, more].concat(), &[]).is_clean());
        assert!(!look(&[more, &scene.bundle].concat(), &[]).is_clean());
    }
}

#[test]
fn files_of_a_bundle_cannot_be_taken_added_renamed_swapped_or_moved() {
    let scene = scene();
    let files = contents(&scene.bundle);
    let found_at = |files: &[(String, Vec<u8>)], places: &[&str], what: &str| {
        let report = look(&rebuilt(files), std::slice::from_ref(&scene.key));
        let named = |place: &&str| report.findings.iter().any(|found| found.place.contains(place));
        assert!(places.iter().any(named), "{what} {places:?}:\n{report}");
    };
    let found = |files: &[(String, Vec<u8>)], place: &str, what: &str| found_at(files, &[place], what);
    for n in 0..files.len() {
        let name = files[n].0.clone();
        let mut other = files.clone();
        other.remove(n);
        found(&other, &name, "removed");
        let mut other = files.clone();
        other[n].0 = name.replace('.', "_.");
        found(&other, &name, "renamed");
        let mut other = files.clone();
        other.push(files[n].clone());
        found(&other, &name, "twice");
        let mut other = files.clone();
        other[n].1.pop();
        found(&other, &name, "cut");
        for m in n + 1..files.len() {
            let mut other = files.clone();
            other.swap(n, m);
            found(&other, &name, "moved");
            if files[n].1 != files[m].1 {
                let mut other = files.clone();
                let moved = std::mem::take(&mut other[n].1);
                other[n].1 = std::mem::replace(&mut other[m].1, moved);
                // Where the list itself is one of the two, nothing tells of the other.
                found_at(&other, &[&name, &files[m].0], "swapped");
            }
        }
    }
    for name in ["notes.txt", "evidence/gate/x", "../escape", "evidence/gate/00000009-x/clip.mp4", "keys/0.json"] {
        let mut other = files.clone();
        other.insert(3, (name.to_owned(), b"{}".to_vec()));
        found(&other, name, "added");
    }
}

#[test]
fn another_key_makes_another_bundle_that_only_the_given_key_tells_apart() {
    let (scene, forged) = (scene(), scene());
    assert!(look(&forged.bundle, &[]).is_clean());
    let report = look(&forged.bundle, std::slice::from_ref(&scene.key));
    assert!(report.findings.iter().any(|found| found.problem.contains(scene.key.key_id())), "{report}");
    // The true manifests under another's list.
    let mut mixed = contents(&scene.bundle);
    for (mine, other) in mixed.iter_mut().zip(contents(&forged.bundle)) {
        if mine.0.starts_with("keys/") || mine.0.starts_with("custody") {
            *mine = other;
        }
    }
    assert!(!look(&rebuilt(&mixed), &[]).is_clean());
}

#[test]
fn the_page_shows_text_as_text() {
    let scene = scene();
    let files = contents(&scene.bundle);
    let page = String::from_utf8(files[0].1.clone()).unwrap();
    assert!(files[0].0 == "index.html" && page.contains("案件 &lt;17&gt; &amp; &quot;x&quot;"), "{page}");
    assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    assert_eq!(page.matches("As it was sealed").count(), 6);
    let pictures = page.matches("<img src=\"evidence/").count();
    assert_eq!((pictures, page.matches("Only its manifest is here").count()), (3, 1));
}

#[test]
fn every_changed_byte_of_a_vault_is_found() {
    let scene = scene();
    let (root, keys) = (scene.data.path().join("evidence"), [scene.key.clone()]);
    begun(&vault(scene.data.path()), &story("yard", 9));
    let clean = verify_folder(&root, &keys).unwrap();
    assert_eq!((clean.findings.len(), clean.whole, clean.drafts), (0, 7, 1), "{clean}");
    assert_eq!(verify_folder(&root.join("gate"), &keys).unwrap().whole, 5);
    let mut paths = Vec::new();
    for camera in ["gate", "yard"] {
        paths.push(root.join(camera).join("chain.json"));
        for folder in names(&root.join(camera)).unwrap().iter().filter(|name| name.starts_with('0')) {
            let folder = root.join(camera).join(folder);
            paths.extend(names(&folder).unwrap().iter().map(|name| folder.join(name)));
        }
    }
    let mut chance = fastrand::Rng::with_seed(3);
    for path in paths.iter().cycle().take(paths.len() * 8) {
        let whole = fs::read(path).unwrap();
        let mut changed = whole.clone();
        let at = chance.usize(..changed.len());
        changed[at] ^= chance.u8(1..);
        fs::write(path, &changed).unwrap();
        let report = verify_folder(&root, &keys).unwrap();
        let file = path.strip_prefix(&root).unwrap().parent().unwrap().to_string_lossy().into_owned();
        assert!(
            report.findings.iter().any(|found| found.place.starts_with(&file)),
            "{} at {at}: {report}",
            path.display()
        );
        fs::remove_file(path).unwrap();
        assert!(!verify_folder(&root, &keys).unwrap().is_clean(), "{}", path.display());
        fs::write(path, &whole).unwrap();
    }
    assert!(verify_folder(&root, &keys).unwrap().is_clean());
}

#[test]
fn evidence_in_a_vault_cannot_be_taken_swapped_or_moved() {
    let scene = scene();
    let (root, keys) = (scene.data.path().join("evidence"), [scene.key.clone()]);
    let found = |what: &str| {
        let report = verify_folder(&root, &keys).unwrap();
        assert!(!report.is_clean(), "{what}");
        report.to_string()
    };
    let gate: Vec<PathBuf> =
        names(&root.join("gate")).unwrap().iter().map(|name| root.join("gate").join(name)).collect();
    let aside = scene.data.path().join("aside");
    let links: Vec<&PathBuf> = gate.iter().filter(|path| path.is_dir()).collect();
    for path in &links {
        fs::rename(path, &aside).unwrap();
        let told = found("removed");
        assert!(told.contains("missing"), "{told}");
        fs::rename(&aside, path).unwrap();
        let elsewhere = root.join("yard").join(path.file_name().unwrap());
        fs::rename(path, &elsewhere).unwrap();
        found("at another camera");
        fs::rename(&elsewhere, path).unwrap();
    }
    fs::rename(links[1], &aside).unwrap();
    fs::rename(links[2], links[1]).unwrap();
    fs::rename(&aside, links[2]).unwrap();
    found("swapped");
    fs::rename(links[1], &aside).unwrap();
    fs::rename(links[2], links[1]).unwrap();
    fs::rename(&aside, links[2]).unwrap();
    fs::write(links[0].join("more.jpg"), "more").unwrap();
    assert!(found("added").contains("more.jpg: is named by no manifest"));
    fs::remove_file(links[0].join("more.jpg")).unwrap();
    // A crash between the evidence and the note of it.
    let note = fs::read(root.join("gate/chain.json")).unwrap();
    let again = vault(scene.data.path());
    sealed(&again, "gate", 8);
    fs::write(root.join("gate/chain.json"), note).unwrap();
    assert!(verify_folder(&root, &keys).unwrap().is_clean());
    let other = tempfile::tempdir().unwrap();
    let stranger = vault(other.path()).public_key().clone();
    assert!(!verify_folder(&root, &[stranger]).unwrap().is_clean());
    assert_eq!(again.left_behind().unwrap(), []);
}
