//! How far a camera's chain goes, in `chain.json` beside its evidence.
//!
//! A chain shows by itself that something is missing in its middle, never that its end is. This signed note does: it names the last
//! manifest. It is written after the evidence is in its place, so a crash leaves a note that is too short, which is no loss, and never
//! one that asks for more than there is. Against somebody who puts an older copy of all of it back only a copy elsewhere helps: each
//! digest is in the alert's record, too.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::canonical;
use super::disk::{names, said, write_atomically};
use super::form::{Digest, MANIFEST, read_folder_name};
use super::key::{self, Keys, SignatureForm, Signer, SignerForm};
use crate::pipeline::evidence::VaultError;

pub(super) const HEAD: &str = "chain.json";

/// The last manifest of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u64,
    /// SHA-256 of its bytes.
    pub(super) sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Claim {
    camera: String,
    manifest: Digest,
    number: u64,
    signer: SignerForm,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    #[serde(flatten)]
    claim: Claim,
    /// Of the canonical bytes of all else.
    signature: String,
}

impl Head {
    pub(super) fn write(&self, folder: &Path, camera: &str, signer: &Signer) -> Result<(), VaultError> {
        let manifest = Digest::sha256(&*self.sha256);
        let claim = Claim { camera: camera.to_owned(), manifest, number: self.number, signer: signer.form() };
        let signature = signer.sign(&canonical::bytes(&claim)?).signature;
        write_atomically(&folder.join(HEAD), &canonical::bytes(&Signed { claim, signature })?)
    }

    /// Reads what `write` wrote; gives who signed it, too.
    pub(super) fn parse(text: &[u8], camera: &str, keys: &Keys) -> Result<(Self, String), String> {
        let signed: Signed = canonical::read(text)?;
        if canonical::bytes(&signed).ok().as_deref() != Some(text) {
            return Err("says more than it should".to_owned());
        }
        let Signed { claim, signature } = signed;
        let form =
            SignatureForm { algorithm: claim.signer.algorithm.clone(), key_id: claim.signer.key_id.clone(), signature };
        let signer = key::check(&canonical::bytes(&claim).map_err(|e| e.0)?, &form, keys)?;
        if claim.camera != camera {
            return Err(format!("is that of camera {}, wants {camera}", claim.camera));
        }
        Ok((Self { number: claim.number, sha256: claim.manifest.value }, signer))
    }

    /// The head of a camera's chain as a new manifest must follow it: what the note says, or the last folder where it goes further.
    pub(super) fn find(folder: &Path, camera: &str, keys: &Keys) -> Result<Option<Self>, VaultError> {
        let path = folder.join(HEAD);
        let noted = match fs::read(&path) {
            Ok(text) => Some(Self::parse(&text, camera, keys).map(|(head, _)| head)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(said("cannot read", &path, &e)),
        };
        let last = names(folder)?.into_iter().filter_map(|name| Some((read_folder_name(&name)?.0, name))).max();
        let noted = match (noted, &last) {
            (Some(Ok(head)), Some((number, _))) if head.number < *number => None,
            (Some(Ok(head)), _) => Some(head),
            (Some(Err(error)), _) => {
                // Evidence of today must not be lost for a spoilt note; `lightbar evidence verify` finds what is wrong.
                tracing::warn!(camera, path = %path.display(), error, "the note of how far the chain goes cannot be used");
                None
            }
            (None, _) => None,
        };
        match (noted, last) {
            (Some(head), _) => Ok(Some(head)),
            (None, None) => Ok(None),
            (None, Some((number, name))) => {
                let manifest = folder.join(name).join(MANIFEST);
                let text = fs::read(&manifest).map_err(|e| said("cannot go on after the manifest", &manifest, &e))?;
                Ok(Some(Self { number, sha256: canonical::sha256(&text) }))
            }
        }
    }
}
