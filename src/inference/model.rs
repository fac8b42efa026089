//! A model on disk, made ready: manifest found or layout recognized, hash checked, session tried.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, ValueType};
use sha2::{Digest, Sha256};

use super::InferenceError;
use super::letterbox::TensorLayout;
use super::manifest::{Manifest, ModelSpec};
use super::recognize::{Port, Signature};
use super::runtime::{Provider, Runtime};
use super::session::OrtDetector;
use crate::domain::detection::ModelCard;

/// How a model shall run.
#[derive(Clone, Debug)]
pub struct ModelOptions {
    /// Execution providers in the order in which they may take parts of the model.
    pub providers: Vec<Provider>,
    /// Threads per session.
    pub threads: usize,
    /// The ONNX Runtime library; where absent, `ORT_DYLIB_PATH` or what the set-up installed.
    pub library: Option<PathBuf>,
    /// One confidence for all classes, instead of the manifest's.
    pub confidence: Option<f32>,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self { providers: vec![Provider::Cpu], threads: 1, library: None, confidence: None }
    }
}

/// A model that was loaded and can make detectors.
#[derive(Debug)]
pub struct Model {
    spec: Arc<ModelSpec>,
    card: Arc<ModelCard>,
    signature: Signature,
    weights: PathBuf,
    manifest: Option<PathBuf>,
    bytes: Vec<u8>,
    options: ModelOptions,
    runtime: Runtime,
    /// The session that the model was tried with, for the first detector.
    tried: Mutex<Option<Session>>,
}

impl Model {
    /// Loads a `model.toml`, an `.onnx` (with the `model.toml` beside it, if that is of this file), or a folder with a `model.toml`.
    pub fn load(path: &Path, options: &ModelOptions) -> Result<Self, InferenceError> {
        let (weights, manifest) = resolve(path)?;
        let runtime = Runtime::open(options.library.as_deref())?;
        check_providers(&options.providers, &runtime)?;
        let bytes = std::fs::read(&weights).map_err(|cause| InferenceError::Read { path: weights.clone(), cause })?;
        let sha256 = hex(&Sha256::digest(&bytes));
        if let Some((path, manifest)) = &manifest
            && manifest.sha256 != sha256
        {
            tracing::debug!(manifest = %path.display(), "hash differs");
            return Err(InferenceError::WrongHash { path: weights, got: sha256, wanted: manifest.sha256.clone() });
        }
        let session = start(&runtime, &bytes, options, &weights)?;
        let signature = signature(&session);
        let mut spec = specify(&weights, manifest.as_ref(), &signature)?;
        if let Some(confidence) = options.confidence {
            spec.confidence.fill(confidence);
        }
        let used: Vec<&str> = options.providers.iter().map(|p| p.as_str()).collect();
        let card = ModelCard {
            name: spec.name.clone(),
            version: spec.version.clone(),
            sha256,
            runtime: format!("onnxruntime {} {}", runtime.version, used.join("+")),
        };
        tracing::info!(
            model = card.name,
            version = card.version,
            layout = spec.output.as_str(),
            runtime = card.runtime,
            "model loaded"
        );
        let manifest = manifest.map(|(path, _)| path);
        let (spec, card, options, tried) = (Arc::new(spec), Arc::new(card), options.clone(), Mutex::new(Some(session)));
        Ok(Self { spec, card, signature, weights, manifest, bytes, options, runtime, tried })
    }

    /// A detector with a session of its own: ONNX Runtime runs one picture at a time per session.
    pub fn detector(&self) -> Result<OrtDetector, InferenceError> {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner).take();
        let session = match tried {
            Some(session) => session,
            None => start(&self.runtime, &self.bytes, &self.options, &self.weights)?,
        };
        Ok(OrtDetector::new(session, &self.signature, Arc::clone(&self.spec), Arc::clone(&self.card)))
    }

    /// What it takes and gives.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// How an alert quotes it.
    pub fn card(&self) -> &Arc<ModelCard> {
        &self.card
    }

    /// Its inputs and outputs as the file has them.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The file with the weights.
    pub fn weights(&self) -> &Path {
        &self.weights
    }

    /// Its manifest; absent where the layout was recognized.
    pub fn manifest(&self) -> Option<&Path> {
        self.manifest.as_deref()
    }
}

/// The weights and the manifest that `path` stands for.
fn resolve(path: &Path) -> Result<(PathBuf, Option<(PathBuf, Manifest)>), InferenceError> {
    let read = |path: PathBuf| -> Result<_, InferenceError> {
        let manifest = Manifest::read(&path)?;
        Ok((manifest.weights(&path)?, Some((path, manifest))))
    };
    if path.is_dir() {
        return read(path.join("model.toml"));
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        return read(path.into());
    }
    let beside = path.with_file_name("model.toml");
    if beside.is_file() {
        let (weights, manifest) = read(beside)?;
        if weights.file_name() == path.file_name() {
            return Ok((path.into(), manifest));
        }
    }
    Ok((path.into(), None))
}

fn check_providers(providers: &[Provider], runtime: &Runtime) -> Result<(), InferenceError> {
    if providers.is_empty() {
        return Err(InferenceError::Provider(
            "providers: got none, wants at least one of cpu, openvino, cuda, tensorrt".into(),
        ));
    }
    for provider in providers {
        if !provider.is_built_in()? {
            let there: Vec<&str> =
                Provider::ALL.into_iter().filter(|p| p.is_built_in().unwrap_or(false)).map(Provider::as_str).collect();
            let message = format!(
                "execution provider {provider} was asked for, but {} has only {}; name a build that has it by ORT_DYLIB_PATH",
                runtime.path.display(),
                there.join(", ")
            );
            return Err(InferenceError::Provider(message));
        }
    }
    Ok(())
}

fn start(runtime: &Runtime, bytes: &[u8], options: &ModelOptions, weights: &Path) -> Result<Session, InferenceError> {
    let accelerated = options.providers.iter().any(|p| *p != Provider::Cpu);
    let cpu_allowed = options.providers.contains(&Provider::Cpu);
    let build = || -> ort::Result<_> {
        let mut builder = Session::builder(&runtime.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(options.threads)?
            .with_inter_threads(1)?
            // A spinning thread burns a core between two frames.
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?;
        if accelerated && !cpu_allowed {
            // The list is what may run: what the accelerator cannot take shall be said, not moved to the CPU.
            builder = builder.with_config_entry("session.disable_cpu_ep_fallback", "1")?;
        }
        Ok(builder)
    };
    let builder = build().map_err(|e| InferenceError::Runtime(format!("onnxruntime refuses its options: {e}")))?;
    let providers: Vec<_> = options.providers.iter().map(|p| p.dispatch()).collect();
    let mut builder = builder.with_execution_providers(providers).map_err(|e| {
        let names: Vec<&str> = options.providers.iter().map(|p| p.as_str()).collect();
        InferenceError::Provider(format!("execution providers {} cannot be used: {e}", names.join(", ")))
    })?;
    builder.commit_from_memory(bytes).map_err(|e| {
        let mut message = e.to_string().replace('\n', " ");
        if accelerated && !cpu_allowed {
            message.push_str("; to let the CPU run what the accelerator cannot, add \"cpu\" to the providers");
        }
        InferenceError::Unloadable { path: weights.into(), message }
    })
}

fn specify(
    weights: &Path,
    manifest: Option<&(PathBuf, Manifest)>,
    signature: &Signature,
) -> Result<ModelSpec, InferenceError> {
    let Some((path, manifest)) = manifest else {
        let name = weights.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned());
        return signature.recognize(&name).map_err(|message| InferenceError::Layout { path: weights.into(), message });
    };
    let error = |message: String| InferenceError::Manifest { path: path.clone(), message };
    let (port, layout, element, size) = signature.picture_input().map_err(error)?;
    if (layout, element) != (manifest.input.layout, manifest.input.r#type) {
        let word = |layout| if layout == TensorLayout::Nchw { "nchw" } else { "nhwc" };
        return Err(error(format!(
            "input: got layout {} and type {:?}, the file takes {} {:?} ({port})",
            word(manifest.input.layout),
            manifest.input.r#type,
            word(layout),
            element
        )));
    }
    manifest.spec(size).map_err(error)
}

fn signature(session: &Session) -> Signature {
    let ports = |outlets: &[Outlet]| outlets.iter().map(port).collect();
    let metadata = session.metadata().map(|metadata| {
        let keys = metadata.custom_keys().unwrap_or_default();
        keys.into_iter().filter_map(|key| metadata.custom(&key).map(|value| (key, value))).collect()
    });
    Signature {
        inputs: ports(session.inputs()),
        outputs: ports(session.outputs()),
        metadata: metadata.unwrap_or_default(),
    }
}

fn port(outlet: &Outlet) -> Port {
    let (element, shape) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => (ty.to_string(), shape.to_vec()),
        other => (format!("{other:?}"), Vec::new()),
    };
    Port { name: outlet.name().to_owned(), element, shape }
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}
