//! Fetching a known model: whole, checked, or not at all.
//!
//! Bytes go into `NAME.partial`; only a file of the right hash is renamed to its name, after it is on the disk. What was cut
//! off stays as `.partial`, and the next try asks for the rest.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::StatusCode;
use ureq::tls::{TlsConfig, TlsProvider};

use super::known::KnownModel;
use super::model::hex;

/// Why a model was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The server did not give it.
    #[error("{url}: {message}")]
    Refused {
        /// What was asked for.
        url: String,
        /// What came back.
        message: String,
    },
    /// The connection ended early; what came is kept, and the next try goes on from there.
    #[error("{url}: got {got} of {wanted} bytes; run it again to fetch the rest")]
    CutOff {
        /// What was asked for.
        url: String,
        /// Bytes so far.
        got: u64,
        /// Bytes that it has.
        wanted: u64,
    },
    /// It is another file than the one that was tested; it was removed.
    #[error("{url}: sha256 is {got}, wants {wanted}; it was not kept")]
    WrongHash {
        /// What was asked for.
        url: String,
        /// What it has.
        got: String,
        /// What is pinned.
        wanted: String,
    },
    /// The disk.
    #[error("cannot write {}: {cause}", path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Fetches `model` into `folder` (made where absent) and writes its `model.toml`; gives the manifest's path. `from` is another
/// base address for the file, such as a mirror's. `progress` hears the bytes so far and in all. A file that is there
/// already and right is not fetched again.
pub fn pull(
    model: &KnownModel,
    folder: &Path,
    from: Option<&str>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<PathBuf, PullError> {
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |cause| PullError::Disk { path, cause }
    };
    fs::create_dir_all(folder).map_err(disk(folder))?;
    let (weights, manifest) = (folder.join(model.file), folder.join("model.toml"));
    if !weights.is_file() || hash(&weights).map_err(disk(&weights))? != model.sha256 {
        let url =
            from.map_or_else(|| model.url.to_owned(), |base| format!("{}/{}", base.trim_end_matches('/'), model.file));
        let partial = folder.join(format!("{}.partial", model.file));
        download(model, &url, &partial, progress)?;
        let got = hash(&partial).map_err(disk(&partial))?;
        if got != model.sha256 {
            fs::remove_file(&partial).map_err(disk(&partial))?;
            return Err(PullError::WrongHash { url, got, wanted: model.sha256.into() });
        }
        fs::rename(&partial, &weights).map_err(disk(&weights))?;
    }
    write_whole(&manifest, model.manifest().as_bytes()).map_err(disk(&manifest))?;
    Ok(manifest)
}

fn download(
    model: &KnownModel,
    url: &str,
    partial: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), PullError> {
    let refused = |message: String| PullError::Refused { url: url.to_owned(), message };
    let disk = |cause| PullError::Disk { path: partial.to_owned(), cause };
    // A partial that is as long as the file or longer can only be wrong: start anew.
    let have = fs::metadata(partial).map_or(0, |m| m.len());
    let have = if have < model.bytes { have } else { 0 };
    let mut request = agent().get(url);
    if have > 0 {
        request = request.header("range", format!("bytes={have}-"));
    }
    let mut response = request.call().map_err(|e| refused(e.to_string()))?;
    let resumed = response.status() == StatusCode::PARTIAL_CONTENT;
    let mut got = if resumed { have } else { 0 };
    let mut file =
        OpenOptions::new().create(true).write(true).append(resumed).truncate(!resumed).open(partial).map_err(disk)?;
    let mut reader = response.body_mut().as_reader();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            // Kept for the next try, told below by the count.
            Err(e) => {
                tracing::debug!(url, error = %e, "download was cut off");
                break;
            }
        };
        file.write_all(&buffer[..read]).map_err(disk)?;
        got += read as u64;
        if got > model.bytes {
            // More than the file has: another file. Not kept, and not read to an end that may never come.
            drop(file);
            fs::remove_file(partial).map_err(disk)?;
            return Err(refused(format!("sends more than the {} bytes that the file has", model.bytes)));
        }
        progress(got, model.bytes);
    }
    file.sync_all().map_err(disk)?;
    if got < model.bytes {
        return Err(PullError::CutOff { url: url.to_owned(), got, wanted: model.bytes });
    }
    Ok(())
}

fn agent() -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .timeout_per_read(Some(Duration::from_secs(30)))
        .build()
        .new_agent()
}

fn hash(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// Writes a file so that it is there whole or not at all, also after a power cut.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("not a file's name"))?;
    let partial = path.with_file_name(format!("{}.partial", name.to_string_lossy()));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
