//! Evidence on disk, kept so that every change of it is found out.
//!
//! What is sealed has a manifest with the digest of each file, signed by this service and chained to the camera's manifest before it, so
//! that nothing can be changed, put in or taken out in between without the key. [`FileVault`] seals; [`verify_folder`] looks over what is
//! kept; [`export`] packs some of it into a bundle that anyone can check without the service, with [`verify_bundle`] or the script
//! `examples/verify_evidence.py`. The forms and what they prove are told in `docs/evidence.md`.
//!
//! Absent: what evidence shows and how it is made (`pipeline`, `camera`), and how long it is kept.

mod canonical;
mod key;
mod form;
mod disk;
mod head;
mod room;
mod vault;
mod list;
mod report;
mod chain;
mod folder;
mod stored;
mod page;
mod bundle;
mod unpack;
#[cfg(test)]
mod vault_tests;
#[cfg(test)]
mod tamper_tests;

pub use bundle::{Exported, Handover, Selection, export};
pub use folder::verify_folder;
pub use form::ManifestError;
pub use key::{PublicKey, Signer};
pub use list::{Kept, list};
pub use report::{Finding, Report};
pub use room::Limits;
pub use unpack::verify_bundle;
pub use vault::{FileVault, folder};
