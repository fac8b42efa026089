//! `model pull` against a server that answers well, badly, or half.

use std::path::Path;
use std::process::Command;

use lightbar::inference::known::KnownModel;
use lightbar::inference::manifest::Manifest;
use lightbar::inference::pull::{PullError, pull};

use crate::support::footage::footage;
use crate::support::http::{answer, serve};

const BODY: &[u8] = b"these are the weights of a model";
const WEIGHTS: &str = "tiny.onnx";

const MODEL: KnownModel = KnownModel {
    name: "tiny",
    about: "for tests",
    file: WEIGHTS,
    url: "https://example.invalid/tiny.onnx",
    bytes: BODY.len() as u64,
    sha256: "b8f8609e1a8ccd83c669ea05a93fbbf458920c90802893e809822d7a4f6c33fc",
    manifest_rest: "version = \"1\"\nlicence = \"Apache-2.0\"\nsource = \"test\"\n[input]\nlayout = \"nchw\"\ntype = \"f32\"\ncolor = \"rgb\"\n\
                    resize = \"stretch\"\n[output]\nlayout = \"yolov8\"\n[classes]\nnames = \"coco80\"\n",
};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_good_answer_gives_a_model_and_its_manifest() {
    let (folder, (address, server)) = (tempfile::tempdir().unwrap(), serve(vec![answer("200 OK", BODY.len(), BODY)]));
    let mut heard = Vec::new();
    let manifest = pull(&MODEL, folder.path(), Some(&address), &mut |got, all| heard.push((got, all))).unwrap();
    assert_eq!(names(folder.path()), ["model.toml", WEIGHTS]);
    assert_eq!(Manifest::read(&manifest).unwrap().sha256, MODEL.sha256);
    assert_eq!(heard.last(), Some(&(MODEL.bytes, MODEL.bytes)));
    assert!(server.join().unwrap()[0].starts_with("GET /tiny.onnx "));
    // What is here and right is not fetched again: there is no server any more.
    pull(&MODEL, folder.path(), Some(&address), &mut |_, _| {}).unwrap();
}

#[test]
fn a_body_cut_short_leaves_no_model_and_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (address, server) = serve(vec![
        answer("200 OK", BODY.len(), &BODY[..10]),
        answer("206 Partial Content", BODY.len() - 10, &BODY[10..]),
    ]);
    let error = pull(&MODEL, folder.path(), Some(&address), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, PullError::CutOff { got: 10, .. }), "{error}");
    assert_eq!(names(folder.path()), ["tiny.onnx.partial"]);
    pull(&MODEL, folder.path(), Some(&address), &mut |_, _| {}).unwrap();
    assert_eq!(std::fs::read(folder.path().join(WEIGHTS)).unwrap(), BODY);
    assert_eq!(names(folder.path()), ["model.toml", WEIGHTS]);
    assert!(server.join().unwrap()[1].to_lowercase().contains("range: bytes=10-"));
}

#[test]
fn a_server_that_cannot_resume_sends_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.onnx.partial"), &BODY[..7]).unwrap();
    let (address, _server) = serve(vec![answer("200 OK", BODY.len(), BODY)]);
    pull(&MODEL, folder.path(), Some(&address), &mut |_, _| {}).unwrap();
    assert_eq!(std::fs::read(folder.path().join(WEIGHTS)).unwrap(), BODY);
}

#[test]
fn another_file_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = BODY.to_vec();
    other[3] ^= 1;
    let longer = [BODY, b"and more"].concat();
    let (address, _server) = serve(vec![answer("200 OK", BODY.len(), &other), answer("200 OK", longer.len(), &longer)]);
    let error = pull(&MODEL, folder.path(), Some(&address), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, PullError::WrongHash { .. }), "{error}");
    assert!(names(folder.path()).is_empty());
    let error = pull(&MODEL, folder.path(), Some(&address), &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("sends more than the 32 bytes"), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_refusal_is_told_with_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _server) = serve(vec![answer("404 Not Found", 0, b"")]);
    let error = pull(&MODEL, folder.path(), Some(&address), &mut |_, _| {}).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{address}/tiny.onnx: ")) && error.contains("404"), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn the_command_fetches_and_the_model_runs() {
    let Some(weights) = footage("models/yolox_nano_416.onnx") else { return };
    let bytes = std::fs::read(weights).unwrap();
    let (models, (address, server)) =
        (tempfile::tempdir().unwrap(), serve(vec![answer("200 OK", bytes.len(), &bytes)]));
    let lightbar = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_lightbar")).args(args).output().unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap(),
        )
    };
    let folder = models.path().to_str().unwrap();
    let (fine, text) = lightbar(&["model", "pull", "yolox-nano-416", "--models", folder, "--from", &address]);
    assert!(fine && text.contains("sha256 verified"), "{text}");
    server.join().unwrap();
    let (fine, text) = lightbar(&["model", "list", "--models", folder]);
    assert!(fine && text.contains("[here]") && text.contains("yolox-nano-416 0.1.1, yolox, Apache-2.0"), "{text}");
    let (fine, text) = lightbar(&["model", "check", models.path().join("yolox-nano-416").to_str().unwrap()]);
    assert!(fine && text.contains("layout yolox (by its manifest)") && text.contains("as the manifest says"), "{text}");
    let (fine, text) = lightbar(&["model", "pull", "yolo-nono", "--models", folder]);
    assert!(!fine && text.contains("known are yolox-nano-416, ") && text.contains("deimv2-atto-320"), "{text}");
}
