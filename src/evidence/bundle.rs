//! Packs evidence for somebody else: files, the manifests of all that lies between, keys, a page to read, and a signed list of it all
//! that says for which case, for what and by whom it was handed out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Cursor, IntoInnerError, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::canonical;
use super::disk::{Content, digest, names, said, sync_folder};
use super::form::{Digest, MANIFEST, Manifest, SIGNATURE, VERSION, read_folder_name};
use super::key::{SignatureForm, Signer, SignerForm};
use super::page;
use super::stored::{Crc, Entry, MOST_BYTES, MOST_FILES, Writer};
use crate::contract::time::{parse_rfc3339, rfc3339};
use crate::domain::ids::{AlertId, CameraId};
use crate::domain::time::Timestamp;
use crate::pipeline::evidence::VaultError;
use crate::pipeline::ports::Clock;

pub(super) const CUSTODY: &str = "custody.json";
pub(super) const CUSTODY_SIGNATURE: &str = "custody.sig.json";
pub(super) const PAGE: &str = "index.html";

/// What is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The evidence of these alerts.
    Alerts(Vec<AlertId>),
    /// All of a camera that was triggered from `from` on and before `to`.
    Span {
        /// Which camera.
        camera: CameraId,
        /// The first moment.
        from: Timestamp,
        /// The first moment that is too late.
        to: Timestamp,
    },
}

/// Why it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// For which case.
    pub case: String,
    /// For what.
    pub purpose: String,
    /// By whom.
    pub actor: String,
}

/// What was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Evidence with its files.
    pub whole: usize,
    /// Manifests alone, which lie between.
    pub manifests_only: usize,
    /// Files in the bundle.
    pub files: usize,
}

/// `custody.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Custody {
    pub(super) version: String,
    pub(super) case: String,
    pub(super) purpose: String,
    pub(super) actor: String,
    pub(super) exported_at: String,
    pub(super) evidence: Vec<Listed>,
    /// Every file but this one and its signature, in the order of the ZIP.
    pub(super) files: Vec<Packed>,
    pub(super) signer: SignerForm,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) camera: String,
    pub(super) folder: String,
    /// With its files; else its manifest alone.
    pub(super) whole: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packed {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) digest: Digest,
}

enum Source {
    File(PathBuf),
    Text(Vec<u8>),
}

struct Packing {
    name: String,
    source: Source,
    content: Content,
    crc: u32,
}

impl Packing {
    fn of(name: String, source: Source) -> Result<Self, VaultError> {
        let mut crc = Crc::new();
        let content = digest(source.open()?, |part| {
            crc.add(part);
            Ok(())
        });
        let content = content.map_err(|e| VaultError(format!("cannot read {name}: {e}")))?;
        Ok(Self { name, source, content, crc: crc.value() })
    }
}

impl Source {
    fn open(&self) -> Result<Box<dyn Read + '_>, VaultError> {
        match self {
            Self::File(path) => Ok(Box::new(File::open(path).map_err(|e| said("cannot open", path, &e))?)),
            Self::Text(text) => Ok(Box::new(Cursor::new(text))),
        }
    }
}

/// Writes a bundle into a new file. The service may run; it is not asked.
pub fn export(
    data_dir: &Path,
    selection: &Selection,
    handover: &Handover,
    clock: &dyn Clock,
    out: &Path,
) -> Result<Exported, VaultError> {
    let signer = Signer::existing(data_dir)?;
    let root = data_dir.join("evidence");
    let listed = listed(&root, selection)?;
    let exported_at = rfc3339(clock.now());
    let (mut packed, mut shown, mut signers) = (Vec::new(), Vec::new(), vec![signer.public().key_id().to_owned()]);
    for of in &listed {
        let folder = root.join(&of.camera).join(&of.folder);
        let first = packed.len();
        for name in
            names(&folder)?.into_iter().filter(|name| of.whole || [MANIFEST, SIGNATURE].contains(&name.as_str()))
        {
            let inside = format!("evidence/{}/{}/{name}", of.camera, of.folder);
            packed.push(Packing::of(inside, Source::File(folder.join(name)))?);
        }
        // What is spoilt is packed as it is: the bundle's verification names it, and it may be what somebody is looking for.
        let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
        if let Ok(signature) = canonical::read::<SignatureForm>(&read(SIGNATURE)) {
            signers.push(signature.key_id);
        }
        let manifest = canonical::read::<Manifest>(&read(MANIFEST)).ok();
        let files: BTreeMap<String, Content> = packed[first..]
            .iter()
            .filter_map(|packing| Some((packing.name.rsplit('/').next()?.to_owned(), packing.content.clone())))
            .collect();
        shown.push(page::Shown { listed: of.clone(), manifest, files });
    }
    signers.sort();
    signers.dedup();
    for id in &signers {
        let path = data_dir.join("keys/public").join(format!("{id}.json"));
        if path.exists() {
            packed.push(Packing::of(format!("keys/{id}.json"), Source::File(path))?);
        }
    }
    let text = page::page(handover, &exported_at, signer.public().key_id(), &shown);
    packed.insert(0, Packing::of(PAGE.to_owned(), Source::Text(text.into_bytes()))?);
    seal(&mut packed, listed.clone(), handover, exported_at, &signer)?;
    fits(&packed)?;
    write(&packed, out)?;
    let whole = listed.iter().filter(|of| of.whole).count();
    Ok(Exported { whole, manifests_only: listed.len() - whole, files: packed.len() })
}

/// Adds the list of all files, and its signature.
fn seal(
    packed: &mut Vec<Packing>,
    evidence: Vec<Listed>,
    handover: &Handover,
    exported_at: String,
    signer: &Signer,
) -> Result<(), VaultError> {
    let file = |packing: &Packing| Packed {
        name: packing.name.clone(),
        size_bytes: packing.content.size,
        digest: Digest::sha256(&*packing.content.sha256),
    };
    let custody = Custody {
        version: VERSION.to_owned(),
        case: handover.case.clone(),
        purpose: handover.purpose.clone(),
        actor: handover.actor.clone(),
        exported_at,
        evidence,
        files: packed.iter().map(file).collect(),
        signer: signer.form(),
    };
    let text = canonical::bytes(&custody)?;
    let signature = canonical::bytes(&signer.sign(&text))?;
    packed.push(Packing::of(CUSTODY.to_owned(), Source::Text(text))?);
    packed.push(Packing::of(CUSTODY_SIGNATURE.to_owned(), Source::Text(signature))?);
    Ok(())
}

/// The folders that are packed, by camera and number: what was selected, and each between.
fn listed(root: &Path, selection: &Selection) -> Result<Vec<Listed>, VaultError> {
    let (mut out, mut found) = (Vec::new(), Vec::new());
    for camera in names(root)?.into_iter().filter(|name| CameraId::parse(name).is_ok()) {
        let folders: Vec<(String, AlertId)> = names(&root.join(&camera))?
            .into_iter()
            .filter_map(|name| read_folder_name(&name).map(|(_, alert)| (name, alert)))
            .collect();
        let mut chosen = Vec::new();
        for (name, alert) in &folders {
            chosen.push(match selection {
                Selection::Alerts(alerts) => alerts.contains(alert),
                Selection::Span { camera: wanted, from, to } => {
                    camera == wanted.as_str() && {
                        let at = triggered(&root.join(&camera).join(name))?;
                        *from <= at && at < *to
                    }
                }
            });
        }
        let (first, last) = (chosen.iter().position(|c| *c), chosen.iter().rposition(|c| *c));
        let (Some(first), Some(last)) = (first, last) else { continue };
        for ((folder, alert), whole) in folders.into_iter().zip(chosen).take(last + 1).skip(first) {
            if whole {
                found.push(alert);
            }
            out.push(Listed { camera: camera.clone(), folder, whole });
        }
    }
    if let Selection::Alerts(alerts) = selection
        && let Some(missing) = alerts.iter().find(|alert| !found.contains(alert))
    {
        return Err(VaultError(format!("there is no evidence of alert {missing} in {}", root.display())));
    }
    if out.is_empty() {
        return Err(VaultError(format!("there is no such evidence in {}", root.display())));
    }
    Ok(out)
}

fn triggered(folder: &Path) -> Result<Timestamp, VaultError> {
    let path = folder.join(MANIFEST);
    let text = fs::read(&path).map_err(|e| said("cannot read", &path, &e))?;
    let manifest: Manifest = canonical::read(&text).map_err(|e| VaultError(format!("{} {e}", path.display())))?;
    parse_rfc3339(&manifest.told.triggered_at)
        .ok_or_else(|| VaultError(format!("{}: triggered_at is no time", path.display())))
}

fn fits(packed: &[Packing]) -> Result<(), VaultError> {
    // Headers: 76 bytes and the name twice.
    let bytes: u64 = packed.iter().map(|packing| packing.content.size + 76 + 2 * packing.name.len() as u64).sum();
    if bytes + 22 > MOST_BYTES || packed.len() > MOST_FILES {
        return Err(VaultError(format!(
            "{} files of {bytes} bytes do not fit into one bundle ({MOST_FILES} files, {MOST_BYTES} bytes): export a shorter time, or fewer \
             alerts",
            packed.len()
        )));
    }
    Ok(())
}

fn write(packed: &[Packing], out: &Path) -> Result<(), VaultError> {
    let file = File::create_new(out).map_err(|e| said("cannot make the new file", out, &e))?;
    let written = pack(packed, file, out);
    if written.is_err() {
        // Half a bundle is of no use; that it cannot be removed either says nothing more than why it was not written.
        fs::remove_file(out).ok();
    }
    written
}

fn pack(packed: &[Packing], file: File, out: &Path) -> Result<(), VaultError> {
    let mut writer = Writer::new(BufWriter::new(file));
    for packing in packed {
        let entry = Entry { name: packing.name.clone(), size: packing.content.size as u32, crc: packing.crc };
        let content = writer.add(entry, packing.source.open()?).map_err(|e| said("cannot write", out, &e))?;
        if content != packing.content {
            return Err(VaultError(format!("{} changed while it was read", packing.name)));
        }
    }
    let file = writer.finish().and_then(|buffer| buffer.into_inner().map_err(IntoInnerError::into_error));
    file.and_then(|file| file.sync_all()).map_err(|e| said("cannot write", out, &e))?;
    match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
        _ => sync_folder(Path::new(".")),
    }
}
