//! What was committed, written down beside the store: `row alert.revision channel`, a line each. A change is in it only after its
//! commit has returned, so whatever is in it was promised.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;

use crate::store::Reader;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Changes read in one look.
const PAGE: usize = 1000;

/// A journal that is kept by a thread of its own.
pub(super) struct Journal {
    stop: Arc<AtomicBool>,
    keeper: JoinHandle<anyhow::Result<()>>,
}

impl Journal {
    /// Goes on after the last whole line of the journal that is there.
    pub(super) fn start(path: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let told = || format!("the journal {}", path.display());
        let before = if path.exists() { fs::read_to_string(path).with_context(told)? } else { String::new() };
        let whole = before.rfind('\n').map_or(0, |end| end + 1);
        let last =
            before[..whole].lines().next_back().and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or(0);
        let file = File::options().create(true).append(true).open(path).with_context(told)?;
        file.set_len(whole as u64).with_context(told)?;
        let reader = Reader::open(data_dir)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let keeper = std::thread::Builder::new()
            .name("drill-journal".to_owned())
            .spawn(move || keep(file, &reader, last, &stopping))
            .context("cannot start the journal's thread")?;
        Ok(Self { stop, keeper })
    }

    /// Writes down what is left.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Release);
        self.keeper.join().map_err(|_| anyhow::anyhow!("the journal's thread panicked"))?
    }
}

fn keep(mut file: File, reader: &Reader, mut last: i64, stop: &AtomicBool) -> anyhow::Result<()> {
    loop {
        let ending = stop.load(Ordering::Acquire);
        match reader.changes_after(last, PAGE) {
            Ok(changes) if changes.is_empty() && ending => return Ok(()),
            Ok(changes) if changes.is_empty() => std::thread::park_timeout(LOOK_EVERY),
            Ok(changes) => {
                let mut lines = Vec::new();
                for change in &changes {
                    last = change.row;
                    let alert: serde_json::Value = serde_json::from_str(&change.json)?;
                    writeln!(lines, "{last} {}.{} {}", change.alert, alert["revision"], change.channel.as_str())?;
                }
                // One write, so that a SIGKILL leaves no half of it but at the very end.
                file.write_all(&lines).context("writing the journal")?;
            }
            // A store that does not answer now is asked again; what it has committed is not lost by that.
            Err(_) if !ending => std::thread::park_timeout(LOOK_EVERY),
            Err(error) => return Err(error.into()),
        }
    }
}
