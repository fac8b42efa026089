//! How a running service tells `lightbar reload` what became of the configuration: `reload.json` in the data folder.
//!
//! A file, since it works before and without the HTTP port, and for a service under any supervisor.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What became of the configuration when it was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// 0 at the start, one more with each reading, whether it was good or not.
    pub generation: u64,
    /// The process that answers.
    pub pid: u32,
    /// Whether it holds now; where not, nothing was changed.
    pub ok: bool,
    /// What was done, a line each: `camera gate-north: added`.
    #[serde(default)]
    pub done: Vec<String>,
    /// Why not, a line each.
    #[serde(default)]
    pub errors: Vec<String>,
}

impl ReloadAnswer {
    /// Where it is.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("reload.json")
    }

    /// Where the running service says its process id.
    pub fn pid_path(data_dir: &Path) -> PathBuf {
        data_dir.join("lightbar.pid")
    }

    /// Reads the last answer; `None` where there is none yet.
    pub fn read(data_dir: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(Self::path(data_dir)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Writes the answer in one step, so that a reader never sees half of it.
    pub fn write(&self, data_dir: &Path) -> io::Result<()> {
        let path = Self::path(data_dir);
        let draft = path.with_extension("json.new");
        std::fs::write(&draft, serde_json::to_vec_pretty(self).map_err(io::Error::other)?)?;
        std::fs::rename(draft, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_written() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(ReloadAnswer::read(folder.path()).expect("readable"), None);
        let answer = ReloadAnswer { generation: 3, pid: 7, ok: false, done: vec![], errors: vec!["a: b".into()] };
        answer.write(folder.path()).expect("writable");
        assert_eq!(ReloadAnswer::read(folder.path()).expect("readable"), Some(answer));
    }
}
