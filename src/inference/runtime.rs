//! ONNX Runtime itself: finding the library, opening it once per process, and its execution providers.
//!
//! A provider that was asked for and is missing is an error. Falling back to the CPU in silence would run a site at a tenth
//! of its speed, and nobody would know why.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider};
use ort::logging::LogLevel;

use super::InferenceError;

/// Where the set-up puts the library, below the project.
const INSTALLED: &str = ".tools/onnxruntime/lib/libonnxruntime.so";

/// What runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// ONNX Runtime's own CPU kernels.
    Cpu,
    /// Intel CPUs, GPUs and NPUs.
    OpenVino,
    /// NVIDIA GPUs.
    Cuda,
    /// NVIDIA GPUs, with engines built for the very card.
    TensorRt,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::OpenVino, Self::Cuda, Self::TensorRt];

    /// Its word in configuration and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::OpenVino => "openvino",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
        }
    }

    /// Whether the library that is loaded was built with it.
    pub(super) fn is_built_in(self) -> Result<bool, InferenceError> {
        let answer = match self {
            Self::Cpu => ep::CPU::is_available(),
            Self::OpenVino => ep::OpenVINO::is_available(),
            Self::Cuda => ep::CUDA::is_available(),
            Self::TensorRt => ep::TensorRT::is_available(),
        };
        answer.map_err(|e| InferenceError::Runtime(format!("onnxruntime does not list its execution providers: {e}")))
    }

    pub(super) fn dispatch(self) -> ep::ExecutionProviderDispatch {
        match self {
            Self::Cpu => ep::CPU::default().with_arena_allocator(true).build(),
            Self::OpenVino => ep::OpenVINO::default().build(),
            Self::Cuda => ep::CUDA::default().build(),
            Self::TensorRt => ep::TensorRT::default().build(),
        }
        .error_on_failure()
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| format!("got {text:?}, wants one of {}", known()))
    }
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The opened library: one per process, since ONNX Runtime allows no second.
#[derive(Clone, Debug)]
pub(super) struct Runtime {
    pub(super) environment: Environment,
    pub(super) path: PathBuf,
    pub(super) version: String,
}

static OPENED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Opens the library: the path given, or `ORT_DYLIB_PATH`, or what the set-up installed above the working directory or
    /// the binary. Once open, the same library serves the whole process.
    pub(super) fn open(explicit: Option<&Path>) -> Result<Self, InferenceError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = opened.as_ref() {
            if let Some(path) = explicit.filter(|path| *path != runtime.path) {
                let message =
                    format!("{} was asked for, but {} is loaded already", path.display(), runtime.path.display());
                return Err(InferenceError::Runtime(message));
            }
            return Ok(runtime.clone());
        }
        let path = locate(explicit)?;
        let load = || -> Result<Environment, String> {
            let builder = ort::init_from(&path).map_err(|e| e.to_string())?;
            builder
                .with_name("lightbar")
                .with_telemetry(false)
                .with_logger(Arc::new(log))
                .build()
                .map_err(|e| e.to_string())
        };
        let environment = load().map_err(|cause| {
            InferenceError::Runtime(format!("cannot load ONNX Runtime: {cause}; `make setup` installs one that fits"))
        })?;
        let library = std::fs::read(&path).map_err(|cause| InferenceError::Read { path: path.clone(), cause })?;
        let runtime = Self { environment, version: version(&library, ort::info()), path };
        tracing::info!(version = runtime.version, library = %runtime.path.display(), "onnxruntime loaded");
        *opened = Some(runtime.clone());
        Ok(runtime)
    }
}

fn locate(explicit: Option<&Path>) -> Result<PathBuf, InferenceError> {
    let named = explicit.map(|path| (path.to_owned(), "by configuration"));
    let from_environment = || {
        std::env::var_os("ORT_DYLIB_PATH").filter(|v| !v.is_empty()).map(|v| (PathBuf::from(v), "by ORT_DYLIB_PATH"))
    };
    if let Some((path, by)) = named.or_else(from_environment) {
        if path.is_file() {
            return Ok(path);
        }
        return Err(InferenceError::Runtime(format!("there is no ONNX Runtime at {}, named {by}", path.display())));
    }
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let found = starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .map(|folder| folder.join(INSTALLED))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        let message = format!("there is no ONNX Runtime: looked for {INSTALLED} upward from the working directory and the binary; run `make setup`, or name the library by ORT_DYLIB_PATH");
        InferenceError::Runtime(message)
    })
}

/// The library's version: the name of its ELF symbol version, `VERS_1.24.4`. Its safe interface tells only a branch's name,
/// which is `HEAD` in released builds; where the symbol is missing, that has to do.
fn version(library: &[u8], build_info: &str) -> String {
    let named = library.windows(5).position(|window| window == b"VERS_").map(|at| &library[at + 5..]);
    let digits = named.map(|rest| {
        rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').map(|&byte| char::from(byte))
    });
    let version: String = digits.into_iter().flatten().collect();
    if !version.is_empty() {
        return version;
    }
    let branch =
        build_info.split("git-branch=").nth(1).and_then(|rest| rest.split([',', ' ']).next()).unwrap_or("unknown");
    branch.trim_start_matches("rel-").to_owned()
}

fn log(level: LogLevel, _category: &str, _id: &str, place: &str, message: &str) {
    match level {
        // Its warnings speak of how a model was exported; nobody who runs one can act on them.
        LogLevel::Verbose | LogLevel::Info | LogLevel::Warning => {
            tracing::debug!(target: "onnxruntime", place, "{message}");
        }
        // Errors come back as results and are logged where they are handled.
        LogLevel::Error => tracing::debug!(target: "onnxruntime", place, error = true, "{message}"),
        LogLevel::Fatal => tracing::error!(target: "onnxruntime", place, "{message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_symbols_or_else_the_branchs() {
        assert_eq!(
            version(b"\x7fELF\0OrtGetApiBase\0VERS_1.24.4\0libdl", "git-branch=HEAD, git-commit-id=2d92"),
            "1.24.4"
        );
        assert_eq!(version(b"", "ORT Build Info: git-branch=rel-1.24.4, git-commit-id=26250ae"), "1.24.4");
        assert_eq!(version(b"VERS_", "git-branch=main"), "main");
        assert_eq!(version(b"", ""), "unknown");
    }

    #[test]
    fn a_named_library_that_is_absent_is_said() {
        let error = locate(Some(Path::new("/nowhere/libonnxruntime.so"))).unwrap_err().to_string();
        assert_eq!(error, "there is no ONNX Runtime at /nowhere/libonnxruntime.so, named by configuration");
    }

    #[test]
    fn providers_are_known_by_name() {
        assert_eq!("openvino".parse(), Ok(Provider::OpenVino));
        assert_eq!("gpu".parse::<Provider>().unwrap_err(), "got \"gpu\", wants one of cpu, openvino, cuda, tensorrt");
    }
}
