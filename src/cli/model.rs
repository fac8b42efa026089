//! `lightbar model`: which models there are, what one is, whether it runs, and fetching one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use crate::inference::known::{KNOWN_MODELS, KnownModel};
use crate::inference::letterbox::{ChannelOrder, ElementType, TensorLayout};
use crate::inference::manifest::Manifest;
use crate::inference::{Model, ModelOptions, Provider, Resize, pull};
use crate::pipeline::frame::{Color, Matrix, OwnedPlanes, Picture, PixelLayout};
use crate::pipeline::ports::Detector;

/// Lists, shows, checks and fetches models.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    lightbar model list\n  \
    lightbar model pull yolox-nano-416\n  \
    lightbar model check models/yolox-nano-416\n  \
    lightbar model show my_model.onnx")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the models that can be fetched and those that are here.
    List {
        /// The folder that holds a folder per model.
        #[arg(long, default_value = "models", value_name = "DIR")]
        models: PathBuf,
    },
    /// Show what a model is, takes and gives.
    Show {
        /// A model.toml, an .onnx, or a folder with a model.toml.
        model: PathBuf,
        #[command(flatten)]
        runtime: RuntimeArgs,
    },
    /// Load a model, verify its hash, and run it once; exit 1 when something is wrong.
    Check {
        /// A model.toml, an .onnx, or a folder with a model.toml.
        model: PathBuf,
        #[command(flatten)]
        runtime: RuntimeArgs,
    },
    /// Fetch a known model and verify it.
    Pull {
        /// Its name, as `lightbar model list` shows it.
        name: String,
        /// The folder that holds a folder per model.
        #[arg(long, default_value = "models", value_name = "DIR")]
        models: PathBuf,
        /// Another address to fetch the file from, such as a mirror's; its hash is checked all the same.
        #[arg(long, value_name = "URL")]
        from: Option<String>,
    },
}

/// How models run; the same for all commands that run one.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RuntimeArgs {
    /// Execution providers, in the order in which they may take parts of the model: cpu, openvino, cuda, tensorrt.
    #[arg(long = "provider", value_name = "NAME", value_delimiter = ',', default_value = "cpu")]
    providers: Vec<Provider>,
    /// Threads per picture.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// The ONNX Runtime library; else `ORT_DYLIB_PATH`, else what `make setup` installed.
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
}

impl RuntimeArgs {
    pub(super) fn options(&self, confidence: Option<f32>) -> ModelOptions {
        ModelOptions {
            providers: self.providers.clone(),
            threads: usize::from(self.threads),
            library: self.onnxruntime.clone(),
            confidence,
        }
    }
}

/// A number of 0 to 1.
pub(super) fn fraction(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|value| (0.0..=1.0).contains(value)).ok_or_else(|| "wants a number of 0 to 1".to_owned())
}

/// A progress bar on a terminal; nothing elsewhere.
pub(super) fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is a constant of ours");
    ProgressBar::new(length).with_style(style)
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::List { models } => list(&models),
        Command::Show { model, runtime } => show(&Model::load(&model, &runtime.options(None))?),
        Command::Check { model, runtime } => check(&Model::load(&model, &runtime.options(None))?),
        Command::Pull { name, models, from } => fetch(&name, &models, from.as_deref()),
    }
    // `lightbar model show M | head` closes our output; that is no error.
    .or_else(|error| match error.downcast_ref::<io::Error>() {
        Some(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn list(models: &Path) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Can be fetched (lightbar model pull NAME):")?;
    for model in KNOWN_MODELS {
        let here = models.join(model.name).join(model.file).is_file();
        writeln!(
            out,
            "  {:18} {:>5.1} MB  {}{}",
            model.name,
            model.bytes as f64 / 1e6,
            model.about,
            if here { "  [here]" } else { "" }
        )?;
    }
    writeln!(out, "Here, in {}:", models.display())?;
    let mut folders: Vec<PathBuf> = match std::fs::read_dir(models) {
        Ok(entries) => entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", models.display())),
    };
    folders.retain(|folder| folder.join("model.toml").is_file());
    folders.sort();
    for folder in &folders {
        match Manifest::read(&folder.join("model.toml")) {
            Ok(m) => writeln!(
                out,
                "  {:18} {} {}, {}, {}",
                folder.display(),
                m.name,
                m.version,
                m.output.layout.as_str(),
                m.licence
            )?,
            Err(error) => writeln!(out, "  {:18} not usable: {error}", folder.display())?,
        }
    }
    if folders.is_empty() {
        writeln!(out, "  none")?;
    }
    Ok(())
}

fn show(model: &Model) -> anyhow::Result<()> {
    let (spec, card, signature) = (model.spec(), model.card(), model.signature());
    let mut out = io::stdout().lock();
    writeln!(out, "name       {} {}", card.name, card.version)?;
    writeln!(out, "file       {}", model.weights().display())?;
    match model.manifest() {
        Some(path) => writeln!(out, "manifest   {}", path.display())?,
        None => {
            writeln!(
                out,
                "manifest   none: recognized by shapes and metadata; see docs/models.md for what is assumed"
            )?;
        }
    }
    writeln!(out, "sha256     {}", card.sha256)?;
    writeln!(out, "licence    {}\nsource     {}", spec.licence, spec.source)?;
    writeln!(out, "runtime    {}", card.runtime)?;
    for port in &signature.inputs {
        writeln!(out, "input      {port}")?;
    }
    for port in &signature.outputs {
        writeln!(out, "output     {port}")?;
    }
    let input = &spec.input;
    let layout = match input.layout {
        TensorLayout::Nchw => "nchw",
        TensorLayout::Nhwc => "nhwc",
    };
    let element = match input.element {
        ElementType::F32 => "f32",
        ElementType::U8 => "u8",
    };
    let color = match input.color {
        ChannelOrder::Rgb => "rgb",
        ChannelOrder::Bgr => "bgr",
    };
    let resize = match input.resize {
        Resize::Letterbox => "letterbox",
        Resize::LetterboxCentered => "letterbox_centered",
        Resize::Stretch => "stretch",
    };
    writeln!(
        out,
        "fed        {}x{} {layout} {element} {color}, (level * {} - {:?}) / {:?}, {resize}, pad {}",
        input.width, input.height, input.scale, input.mean, input.std, input.pad
    )?;
    writeln!(out, "layout     {}", spec.output.as_str())?;
    if spec.output.needs_suppression() {
        writeln!(out, "nms_iou    {}", spec.nms_iou)?;
    }
    writeln!(out, "classes    {}", spec.classes.iter().filter(|class| !class.name.is_empty()).count())?;
    for (number, (class, confidence)) in
        spec.classes.iter().zip(&spec.confidence).enumerate().filter(|(_, (class, _))| !class.name.is_empty())
    {
        writeln!(out, "  {number:>3} {:20} {:10} >= {confidence}", class.name, class.class.as_str())?;
    }
    Ok(())
}

fn check(model: &Model) -> anyhow::Result<()> {
    let mut detector = model.detector()?;
    let objects = detector.detect(&test_picture()).context("the model was loaded, but does not run")?;
    let mut out = io::stdout().lock();
    let (spec, card) = (model.spec(), model.card());
    writeln!(
        out,
        "ok: {} {}: layout {} ({}), {} classes",
        card.name,
        card.version,
        spec.output.as_str(),
        if model.manifest().is_some() { "by its manifest" } else { "recognized" },
        spec.classes.iter().filter(|class| !class.name.is_empty()).count()
    )?;
    writeln!(
        out,
        "    sha256 {} {}",
        card.sha256,
        if model.manifest().is_some() { "as the manifest says" } else { "(nothing to compare with: no manifest)" }
    )?;
    writeln!(out, "    runs on {}; {} objects on a test picture of grey gradients", card.runtime, objects.len())?;
    Ok(())
}

/// Grey gradients: no objects, but every path through the letterbox and the model.
fn test_picture() -> Picture {
    let (width, height) = (640_usize, 360_usize);
    let luma = (0..width * height).map(|i| (16 + (i % width) * 219 / width) as u8).collect();
    let planes = OwnedPlanes(vec![(luma, width), (vec![128; width * height / 2], width)]);
    let color = Color { matrix: Matrix::Bt709, full_range: false };
    Picture { width: width as u32, height: height as u32, layout: PixelLayout::Nv12, color, planes: Arc::new(planes) }
}

fn fetch(name: &str, models: &Path, from: Option<&str>) -> anyhow::Result<()> {
    let Some(model) = KnownModel::find(name) else {
        let known: Vec<&str> = KNOWN_MODELS.iter().map(|model| model.name).collect();
        bail!("there is no known model {name:?}; known are {}", known.join(", "));
    };
    let progress = bar(model.bytes, "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let manifest = pull::pull(model, &models.join(model.name), from, &mut |got, _| progress.set_position(got))?;
    progress.finish_and_clear();
    writeln!(io::stdout().lock(), "{} -> {} (sha256 verified)", model.name, manifest.display())?;
    Ok(())
}
