//! Evidence on disk, kept so that every change of it is found out.
//!
//! What is sealed has a manifest with the digest of each file, signed by this service and chained to the camera's manifest before it, so
//! that nothing can be changed, put in or taken out in between without the key. [`FileVault`] seals.
//!
//! Absent: what evidence shows and how it is made (`pipeline`, `camera`), and how long it is kept.

mod canonical;
mod key;
mod form;
mod disk;
mod head;
mod vault;
#[cfg(test)]
mod vault_tests;

pub use form::ManifestError;
pub use key::{PublicKey, Signer};
pub use vault::FileVault;
