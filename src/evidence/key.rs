//! The key that signs evidence, and the public keys of all that ever did.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::canonical::{self, hex, sha256, unhex};
use super::disk::{said, sync_folder, write_atomically};
use crate::pipeline::evidence::VaultError;

/// The only algorithm so far. It is written beside each signature, so that SM2 can follow without a doubt about what is older.
pub(super) const ED25519: &str = "Ed25519";

/// A public key: what whoever verifies must have got from the service's operator, not with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key_id: String,
    key: VerifyingKey,
}

#[derive(Serialize, Deserialize)]
struct PublicForm {
    algorithm: String,
    key_id: String,
    public_key: String,
}

impl PublicKey {
    fn new(key: VerifyingKey) -> Self {
        Self { key_id: sha256(key.as_bytes())[..16].to_owned(), key }
    }

    /// The first 16 hexadecimal digits of the key's SHA-256.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Its canonical JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, VaultError> {
        let public_key = hex(self.key.as_bytes());
        canonical::bytes(&PublicForm { algorithm: ED25519.to_owned(), key_id: self.key_id.clone(), public_key })
    }

    /// Reads its JSON; the id must be the key's.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let form: PublicForm = canonical::read(text)?;
        if form.algorithm != ED25519 {
            return Err(format!("is a key of {:?}; this version knows {ED25519}", form.algorithm));
        }
        let bytes = unhex::<32>(&form.public_key).ok_or("public_key wants 64 hexadecimal digits in small letters")?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|e| format!("public_key is no key: {e}"))?;
        let key = Self::new(key);
        if key.key_id != form.key_id {
            return Err(format!("key_id is {}, and that of its public_key {}", form.key_id, key.key_id));
        }
        Ok(key)
    }

    /// Reads a key's file. A newline at its end is no harm: people print keys, and paste them.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        let text = fs::read(path).map_err(|e| said("cannot read the public key", path, &e))?;
        Self::parse(text.trim_ascii_end()).map_err(|e| VaultError(format!("{} {e}", path.display())))
    }

    /// All keys of a folder.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, VaultError> {
        let entries = fs::read_dir(folder).map_err(|e| said("cannot read the public keys in", folder, &e))?;
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| said("cannot read the public keys in", folder, &e))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                keys.push(Self::read(&path)?);
            }
        }
        keys.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        Ok(keys)
    }
}

/// A signature, as it lies beside what it signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignatureForm {
    pub(super) algorithm: String,
    pub(super) key_id: String,
    pub(super) signature: String,
}

/// Who signs, as told within what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignerForm {
    pub(super) algorithm: String,
    pub(super) key_id: String,
}

/// Keys by their id.
pub(super) type Keys = BTreeMap<String, PublicKey>;

pub(super) fn by_id(keys: &[PublicKey]) -> Keys {
    keys.iter().map(|key| (key.key_id.clone(), key.clone())).collect()
}

/// Checks the signature of `data` against the key that it names; gives that key's id.
pub(super) fn check(data: &[u8], signature: &SignatureForm, keys: &Keys) -> Result<String, String> {
    if signature.algorithm != ED25519 {
        return Err(format!("is signed with {:?}; this version knows {ED25519}", signature.algorithm));
    }
    let key = keys.get(&signature.key_id).ok_or_else(|| {
        let known = keys.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("is signed by key {}, which is not here; known: {known}", signature.key_id)
    })?;
    let bytes = unhex::<64>(&signature.signature)
        .ok_or("has a signature that is not 128 hexadecimal digits in small letters")?;
    // Strict: of the ways to write one signature only one is taken, and no weak key.
    key.key
        .verify_strict(data, &Signature::from_bytes(&bytes))
        .map_err(|_| format!("does not fit its signature by key {}", key.key_id))?;
    Ok(key.key_id.clone())
}

/// The secret key of this service.
pub struct Signer {
    key: SigningKey,
    public: PublicKey,
}

impl Signer {
    /// The key of a data folder, `keys/evidence.ed25519`; made where there is none yet.
    pub fn open(data_dir: &Path) -> Result<Self, VaultError> {
        let keys = data_dir.join("keys");
        for folder in [&keys, &keys.join("public")] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|e| said("cannot make the folder", folder, &e))?;
        }
        let path = keys.join("evidence.ed25519");
        if !path.exists() {
            make(&path)?;
        }
        let signer = Self::existing(data_dir)?;
        let public = keys.join("public").join(format!("{}.json", signer.public.key_id));
        if !public.exists() {
            write_atomically(&public, &signer.public.to_json()?)?;
        }
        Ok(signer)
    }

    /// The key of a data folder, which must be there.
    pub fn existing(data_dir: &Path) -> Result<Self, VaultError> {
        let path = data_dir.join("keys/evidence.ed25519");
        let about = |e: &io::Error| match e.kind() {
            io::ErrorKind::NotFound => VaultError(format!(
                "there is no {}: the service makes it at its first start; is this its data folder?",
                path.display()
            )),
            _ => said("cannot read the key", &path, e),
        };
        let mode = fs::metadata(&path).map_err(|e| about(&e))?.permissions().mode();
        if mode & 0o077 != 0 {
            let path = path.display();
            return Err(VaultError(format!(
                "others may read or write the key {path} (mode {:o}), so its signatures prove nothing; chmod 600 {path}, or move it away \
                 and let the next start make another",
                mode & 0o777
            )));
        }
        let text = fs::read_to_string(&path).map_err(|e| about(&e))?;
        let secret = unhex::<32>(text.trim_ascii_end()).ok_or_else(|| {
            VaultError(format!("{} is no key: it wants 64 hexadecimal digits in small letters", path.display()))
        })?;
        let key = SigningKey::from_bytes(&secret);
        let public = PublicKey::new(key.verifying_key());
        Ok(Self { key, public })
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn form(&self) -> SignerForm {
        SignerForm { algorithm: ED25519.to_owned(), key_id: self.public.key_id.clone() }
    }

    pub(super) fn sign(&self, data: &[u8]) -> SignatureForm {
        let signature = hex(&self.key.sign(data).to_bytes());
        SignatureForm { algorithm: ED25519.to_owned(), key_id: self.public.key_id.clone(), signature }
    }
}

/// Makes a key. Its file appears whole or not at all, and takes nobody's place: of two who make one, the first wins.
fn make(path: &Path) -> Result<(), VaultError> {
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret)
        .map_err(|e| VaultError(format!("the machine gives no randomness for the evidence key: {e}")))?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{}", hex(&secret))?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => fs::remove_file(&draft),
        }
    };
    write().map_err(|e| said("cannot make the key", path, &e))?;
    path.parent().map_or(Ok(()), sync_folder)
}
