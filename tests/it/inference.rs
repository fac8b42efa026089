//! Real models on the real runtime: the shared six, and files that are wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use lightbar::clock::SystemClock;
use lightbar::domain::detection::Detection;
use lightbar::domain::geometry::BBox;
use lightbar::domain::ids::CameraId;
use lightbar::domain::time::Timestamp;
use lightbar::inference::{Model, ModelOptions, Provider, still};
use lightbar::metrics::Metrics;
use lightbar::pipeline::detect::{DETECTED_QUEUE, DetectStage};
use lightbar::pipeline::frame::{Frame, Picture};
use lightbar::pipeline::packet::{CaptureClock, ClockQuality};
use lightbar::pipeline::ports::Detector;
use lightbar::pipeline::slot::FrameSlot;
use sha2::{Digest, Sha256};

use crate::support::footage::footage;
use crate::support::models;

fn error(path: &Path) -> String {
    Model::load(path, &ModelOptions::default()).unwrap_err().to_string()
}

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|n| char::from_digit(u32::from(n), 16).unwrap());
    Sha256::digest(bytes).iter().flat_map(digits).collect()
}

/// Pictures with one thing that fills much of them: (file, name, box in 0..1).
fn large_things() -> Option<Vec<(std::path::PathBuf, String, BBox)>> {
    let folder = footage("images/coco")?;
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("instances.json")).unwrap()).unwrap();
    let list = |key: &str| truth[key].as_array().unwrap().iter();
    let names: BTreeMap<i64, &str> =
        list("categories").map(|c| (c["id"].as_i64().unwrap(), c["name"].as_str().unwrap())).collect();
    let images: BTreeMap<i64, &serde_json::Value> = list("images").map(|i| (i["id"].as_i64().unwrap(), i)).collect();
    let things = list("annotations").filter(|a| a["iscrowd"] == 0).map(|a| {
        let image = images[&a["image_id"].as_i64().unwrap()];
        let (w, h) = (image["width"].as_f64().unwrap(), image["height"].as_f64().unwrap());
        let side = |i: usize| a["bbox"][i].as_f64().unwrap();
        let bbox = BBox::new(side(0) / w, side(1) / h, side(2) / w, side(3) / h);
        (
            folder.join("images").join(image["file_name"].as_str().unwrap()),
            names[&a["category_id"].as_i64().unwrap()].to_owned(),
            bbox,
        )
    });
    let common = ["person", "bus", "train", "cat", "dog", "elephant", "bear", "zebra", "giraffe", "motorcycle"];
    Some(things.filter(|(_, name, bbox)| common.contains(&name.as_str()) && bbox.area() > 0.25).collect())
}

fn name(detection: &Detection) -> &str {
    detection.label.as_deref().unwrap_or(detection.class.as_str())
}

#[test]
fn every_shared_model_finds_what_is_there_with_and_without_its_manifest() {
    let Some(things) = large_things() else { return };
    assert!(things.len() >= 8, "only {} large things", things.len());
    let folder = tempfile::tempdir().unwrap();
    for key in models::SHARED {
        let manifest = models::manifest(key, folder.path()).unwrap();
        let told = Model::load(&manifest, &ModelOptions::default()).unwrap();
        let bare = Model::load(told.weights(), &ModelOptions::default()).unwrap();
        assert_eq!((told.spec().output, &told.spec().input), (bare.spec().output, &bare.spec().input), "{key}");
        assert!(
            told.card().runtime.starts_with("onnxruntime 1.") && told.card().runtime.ends_with(" cpu"),
            "{}",
            told.card().runtime
        );
        let (mut first, mut second) = (told.detector().unwrap(), bare.detector().unwrap());
        let mut found = 0;
        for (file, wanted, bbox) in &things {
            let picture = still::open(file).unwrap();
            let detections = first.detect(&picture).unwrap();
            assert_eq!(detections, second.detect(&picture).unwrap(), "{key}: {}", file.display());
            assert!(
                detections
                    .iter()
                    .all(|d| d.bbox.clipped() == Some(d.bbox) || d.bbox.iou(&d.bbox.clipped().unwrap()) > 0.999_999)
            );
            found += usize::from(detections.iter().any(|d| name(d) == wanted && d.bbox.iou(bbox) > 0.5));
        }
        assert!(found * 4 >= things.len() * 3, "{key}: {found} of {} large things", things.len());
    }
}

#[test]
fn files_that_are_wrong_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| std::fs::write(at(name), bytes).unwrap();
    assert!(error(&at("none.onnx")).starts_with("cannot read "));
    let identity = models::identity();
    write("identity.onnx", &identity);
    let unknown = error(&at("identity.onnx"));
    assert!(unknown.contains("outputs: y f32(1,3,8,8)") && unknown.contains("known layouts: yolox"), "{unknown}");
    write("half.onnx", &identity[..identity.len() / 2]);
    let half = error(&at("half.onnx"));
    assert!(half.contains("onnxruntime cannot load it") && half.contains("no complete ONNX model"), "{half}");
    write("wrong.toml", models::manifest_text("identity.onnx", &"0".repeat(64)).as_bytes());
    let wrong = error(&at("wrong.toml"));
    assert!(wrong.contains(&format!("sha256 is {}", hex(&identity))), "{wrong}");
    write("gone.toml", models::manifest_text("gone.onnx", &"0".repeat(64)).as_bytes());
    assert!(error(&at("gone.toml")).contains("gone.onnx"));
    write("nhwc.toml", models::manifest_text("identity.onnx", &hex(&identity)).replace("nchw", "nhwc").as_bytes());
    assert!(error(&at("nhwc.toml")).contains("got layout nhwc and type F32, the file takes nchw F32"));
    write("set.toml", models::manifest_text("${LIGHTBAR_NOT_SET}/x.onnx", &"0".repeat(64)).as_bytes());
    assert!(error(&at("set.toml")).contains("environment variable LIGHTBAR_NOT_SET"));
}

#[test]
fn outputs_that_are_not_of_the_manifests_layout_are_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let identity = models::identity();
    std::fs::write(folder.path().join("identity.onnx"), &identity).unwrap();
    std::fs::write(folder.path().join("model.toml"), models::manifest_text("identity.onnx", &hex(&identity))).unwrap();
    let mut detector = Model::load(folder.path(), &ModelOptions::default()).unwrap().detector().unwrap();
    let grey = lightbar::pipeline::frame::OwnedPlanes(vec![(vec![128; 64], 8); 3]);
    let picture = Picture {
        width: 8,
        height: 8,
        layout: lightbar::pipeline::frame::PixelLayout::I444,
        color: lightbar::pipeline::frame::Color { matrix: lightbar::pipeline::frame::Matrix::Bt601, full_range: true },
        planes: Arc::new(grey),
    };
    let error = detector.detect(&picture).unwrap_err().to_string();
    assert!(error.contains("not of the layout end_to_end") && error.contains("[1, 3, 8, 8]"), "{error}");
    let taller = Picture { height: 16, ..picture };
    assert!(detector.detect(&taller).unwrap_err().to_string().contains("plane 0"));
}

#[test]
fn a_provider_that_is_missing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity.onnx");
    std::fs::write(&path, models::identity()).unwrap();
    let options = ModelOptions { providers: vec![Provider::TensorRt, Provider::Cpu], ..ModelOptions::default() };
    let error = Model::load(&path, &options).unwrap_err().to_string();
    assert!(error.contains("execution provider tensorrt was asked for") && error.contains("has only cpu"), "{error}");
}

fn frame(picture: &Picture, number: u64) -> Frame {
    Frame {
        captured_at: Timestamp::from_millis(number as i64),
        clock: ClockQuality { source: CaptureClock::File, error_ms: None, offset_ms: None },
        received_at: Timestamp::default(),
        decoded_at: Timestamp::default(),
        pts: Duration::from_millis(number),
        number,
        picture: picture.clone(),
    }
}

#[test]
fn the_detect_stage_serves_two_cameras_with_one_model() {
    let Some(things) = large_things() else { return };
    let folder = tempfile::tempdir().unwrap();
    let model = Model::load(&models::manifest("yolox-nano", folder.path()).unwrap(), &ModelOptions::default()).unwrap();
    let picture = still::open(&things[0].0).unwrap();
    let wanted = model.detector().unwrap().detect(&picture).unwrap();
    let detectors: Vec<Box<dyn Detector>> =
        (0..2).map(|_| Box::new(model.detector().unwrap()) as Box<dyn Detector>).collect();
    let metrics = Metrics::new().unwrap();
    let stage = DetectStage::start(detectors, Arc::clone(&metrics.detect), Arc::new(SystemClock)).unwrap();
    let cameras = ["gate", "yard"].map(|name| {
        let (slot, (out, seen)) = (Arc::new(FrameSlot::new()), tokio::sync::mpsc::channel(DETECTED_QUEUE));
        let line = stage.add_camera(CameraId::parse(name).unwrap(), Arc::clone(&slot), Arc::default(), out);
        (slot, line, seen)
    });
    for n in 0..3 {
        for (slot, _, _) in &cameras {
            assert!(slot.put_when_empty(frame(&picture, n)));
        }
    }
    stage.stop(Duration::from_mins(1)).unwrap();
    for (_, _, mut seen) in cameras {
        for n in 0..3 {
            let detected = seen.blocking_recv().unwrap();
            assert_eq!((detected.number, detected.width, &detected.detections), (n, picture.width, &wanted));
            assert_eq!(detected.model.name, "yolox-nano");
        }
        assert!(seen.blocking_recv().is_none());
    }
    let text = metrics.render().unwrap();
    assert!(text.contains(r#"lightbar_detect_frames_out_total{camera="yard"} 3"#) && text.contains(" cpu\""), "{text}");
}

#[test]
fn the_command_writes_coco_results() {
    let Some(coco) = footage("images/coco") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (model, out) = (models::manifest("deimv2-atto", folder.path()).unwrap(), folder.path().join("results.json"));
    let mut truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(coco.join("instances.json")).unwrap()).unwrap();
    truth["images"].as_array_mut().unwrap().truncate(3);
    let annotations = folder.path().join("three.json");
    std::fs::write(&annotations, truth.to_string()).unwrap();
    let run = |images: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightbar"));
        command.args(["detect", "--confidence", "0.3", "--model"]).arg(&model).arg("--annotations").arg(&annotations);
        command.arg("--out").arg(&out).arg(images).output().unwrap()
    };
    let output = run(&coco.join("images"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    let numbers: Vec<i64> = truth["categories"].as_array().unwrap().iter().map(|c| c["id"].as_i64().unwrap()).collect();
    assert!(!results.is_empty());
    for result in &results {
        assert!(
            numbers.contains(&result["category_id"].as_i64().unwrap()) && result["score"].as_f64().unwrap() >= 0.3,
            "{result}"
        );
    }
    let output = run(folder.path());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains(".jpg") && text.contains("cannot read it"), "{text}");
}
