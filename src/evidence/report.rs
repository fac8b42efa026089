//! What a verification found.

use std::collections::BTreeSet;
use std::fmt;

use super::key::{Keys, PublicKey};

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Finding {
    /// Which file or folder, from the root of what was verified.
    pub place: String,
    /// What is wrong with it: what was got, and what was wanted.
    pub problem: String,
}

/// What was looked at, and everything that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Everything that is not as it was sealed.
    pub findings: Vec<Finding>,
    /// The ids of the keys that signed.
    pub signers: BTreeSet<String>,
    /// Whether these were compared with keys that were given by whoever verifies.
    pub keys_given: bool,
    /// Evidence with its files.
    pub whole: u64,
    /// Manifests of which the files are not here, and need not be.
    pub manifests_only: u64,
    /// Files that were read.
    pub files: u64,
    /// Drafts that were passed over: evidence in the making.
    pub drafts: u64,
}

impl Report {
    /// Whether all is as it was sealed.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn found(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.findings.push(Finding { place: place.into(), problem: problem.into() });
    }

    /// Keeps what went right, notes what did not.
    pub(super) fn held<T>(&mut self, place: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.found(place, problem)).ok()
    }

    /// Where keys were given, nobody else may have signed.
    pub(super) fn trust_only(&mut self, given: &[PublicKey], keys: &Keys) {
        self.keys_given = !given.is_empty();
        let known: BTreeSet<&str> = given.iter().map(PublicKey::key_id).collect();
        let wanted = known.iter().copied().collect::<Vec<_>>().join(", ");
        if self.keys_given {
            let others: Vec<String> = self.signers.iter().filter(|id| !known.contains(id.as_str())).cloned().collect();
            for id in others {
                self.found("signer", format!("key {id} signed, wants {wanted}"));
            }
        }
        for key in given.iter().filter(|key| keys.get(key.key_id()).is_some_and(|here| here != *key)) {
            self.found(format!("keys/{}.json", key.key_id()), "is another key under the id of the one that was given");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let Self { whole, manifests_only, files, drafts, .. } = self;
        writeln!(f, "evidence 证据: {whole}; manifests alone 仅清单: {manifests_only}; files read 已读文件: {files}")?;
        if *drafts > 0 {
            writeln!(f, "drafts, not sealed yet 尚未封存: {drafts}")?;
        }
        let signers = self.signers.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        writeln!(f, "signed by key 签名密钥: {}", if signers.is_empty() { "none 无" } else { &signers })?;
        if !self.keys_given {
            writeln!(
                f,
                "No --key was given: this shows only that all of it fits together, not who made it. Whoever has another key can make \
                 another that fits together, too. Get the public key from the operator (lightbar evidence key), by another way.\n\
                 未提供 --key: 仅证明内容自洽, 不证明来源; 请另经可靠途径向运行方索取公钥。"
            )?;
        }
        match self.findings.len() {
            0 => writeln!(f, "as it was sealed 完好, 与封存时一致"),
            n => writeln!(f, "NOT as it was sealed 已被改动或不完整: {n} findings 处"),
        }
    }
}
