//! `lightbar detect`: pictures in, COCO results out, through the very path that camera frames take.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::model::RuntimeArgs;
use crate::domain::detection::Detection;
use crate::inference::pull::write_whole;
use crate::inference::{Model, OrtDetector, still};
use crate::pipeline::ports::Detector;

/// Finds objects on the pictures that an annotation file lists, and writes them as COCO results.
///
/// Categories are matched by name. The results can be scored with pycocotools.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lightbar detect --model models/yolox-nano-416 --annotations instances.json --out results.json images/\n  \
    lightbar detect --model yolox_nano.onnx --annotations instances.json --out results.json --confidence 0.3 images/")]
pub(super) struct Args {
    /// A model.toml, an .onnx, or a folder with a model.toml.
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// COCO annotations: which pictures there are, and the numbers of the categories.
    #[arg(long, value_name = "FILE")]
    annotations: PathBuf,
    /// Where the results go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What is less sure than this is left out; low, so that a precision curve can be drawn.
    #[arg(long, default_value_t = 0.01, value_parser = super::model::fraction)]
    confidence: f32,
    #[command(flatten)]
    runtime: RuntimeArgs,
    /// The folder with the pictures.
    #[arg(value_name = "IMAGES_DIR")]
    images: PathBuf,
}

#[derive(Deserialize)]
struct Annotations {
    images: Vec<Image>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

/// One line of COCO results.
#[derive(Debug, Serialize)]
struct CocoResult {
    image_id: u64,
    category_id: u64,
    /// Left, top, width, height in pixels.
    bbox: [f64; 4],
    score: f64,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments alike")]
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text =
        std::fs::read(&args.annotations).with_context(|| format!("cannot read {}", args.annotations.display()))?;
    let annotations: Annotations = serde_json::from_slice(&text)
        .with_context(|| format!("{}: not COCO annotations with images and categories", args.annotations.display()))?;
    if annotations.images.is_empty() {
        bail!("{}: lists no images", args.annotations.display());
    }
    let model = Model::load(&args.model, &args.runtime.options(Some(args.confidence)))?;
    let categories = match_categories(&annotations.categories, &model)?;
    let mut detector = model.detector()?;
    let progress = super::model::bar(annotations.images.len() as u64, "{bar:30} {pos}/{len} pictures {eta}");
    let mut results = Vec::new();
    for image in &annotations.images {
        let path = args.images.join(&image.file_name);
        results.extend(look(&path, image.id, &mut detector, &categories).with_context(|| path.display().to_string())?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    write_whole(&args.out, &serde_json::to_vec(&results)?)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    report(&annotations, &results, &args.out, &progress)?;
    Ok(ExitCode::SUCCESS)
}

/// From the model's names to the category numbers. None in common means that the wrong file was named.
fn match_categories(categories: &[Category], model: &Model) -> anyhow::Result<BTreeMap<String, u64>> {
    let ids: BTreeMap<String, u64> = categories.iter().map(|category| (category.name.clone(), category.id)).collect();
    let names: BTreeSet<&str> =
        model.spec().classes.iter().map(|class| &*class.name).filter(|name| !name.is_empty()).collect();
    let strange: Vec<&str> = names.iter().copied().filter(|name| !ids.contains_key(*name)).collect();
    if strange.len() == names.len() {
        bail!("none of the model's classes ({}) is a category of the annotations", strange.join(", "));
    }
    if !strange.is_empty() {
        tracing::warn!(classes = strange.join(", "), "classes that are no category of the annotations are left out");
    }
    Ok(ids)
}

fn look(
    path: &Path,
    image_id: u64,
    detector: &mut OrtDetector,
    categories: &BTreeMap<String, u64>,
) -> anyhow::Result<Vec<CocoResult>> {
    let picture = still::open(path)?;
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let result = |detection: &Detection| {
        let name = detection.label.as_deref().unwrap_or_else(|| detection.class.as_str());
        let category_id = *categories.get(name)?;
        let b = detection.bbox;
        let bbox = [b.x * width, b.y * height, b.w * width, b.h * height].map(|side| (side * 1000.0).round() / 1000.0);
        Some(CocoResult {
            image_id,
            category_id,
            bbox,
            score: (f64::from(detection.confidence.get()) * 1e6).round() / 1e6,
        })
    };
    Ok(detector.detect(&picture)?.iter().filter_map(result).collect())
}

fn report(annotations: &Annotations, results: &[CocoResult], out: &Path, progress: &ProgressBar) -> anyhow::Result<()> {
    use std::io::Write as _;
    progress.finish_and_clear();
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{} objects on {} pictures -> {}", results.len(), annotations.images.len(), out.display())?;
    Ok(())
}
