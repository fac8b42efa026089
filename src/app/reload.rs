//! Reading the configuration again while the service runs: a bad file changes nothing and says why.

use std::path::PathBuf;
use std::sync::Arc;

use super::cameras::Cameras;
use crate::config::{ReloadAnswer, Settings, diff, load};
use crate::web::Tokens;

/// The configuration that holds, and how often it was read.
pub(super) struct Reload {
    path: PathBuf,
    current: Settings,
    generation: u64,
    /// Dispatch systems' tokens, where they are asked for.
    tokens: Arc<Tokens>,
}

impl Reload {
    /// The configuration that the service starts with; says in the data folder who runs.
    pub(super) fn begin(path: PathBuf, current: Settings, tokens: Arc<Tokens>) -> Self {
        let reload = Self { path, current, generation: 0, tokens };
        let path = ReloadAnswer::pid_path(&reload.current.service.data_dir);
        if let Err(error) = std::fs::write(&path, std::process::id().to_string()) {
            // A full disk is no reason not to watch.
            tracing::error!(path = %path.display(), %error, "cannot say who runs: `lightbar reload` will not find this process, SIGHUP does");
        }
        reload.answer(vec!["started".to_owned()], Vec::new());
        reload
    }

    /// Reads the files again and does what changed.
    pub(super) async fn again(&mut self, cameras: &mut Cameras) -> anyhow::Result<()> {
        self.generation += 1;
        let next = match load(&self.path) {
            Ok(next) => next,
            Err(errors) => {
                tracing::error!(
                    generation = self.generation,
                    "the configuration was not reloaded, nothing has changed: {errors}"
                );
                self.answer(Vec::new(), errors.to_string().lines().map(str::to_owned).collect());
                return Ok(());
            }
        };
        let plan = diff(&self.current, &next);
        let mut done = cameras.apply(&plan).await?;
        let lifecycle = self.current.lifecycle.with_tokens_of(&next.lifecycle);
        if plan.tokens {
            self.tokens.replace(lifecycle.tokens());
            done.push("[[dispatch]]: tokens changed".to_owned());
        }
        for table in &plan.restart {
            done.push(format!("[{table}]: changed, but holds only after a restart"));
        }
        for line in &done {
            tracing::info!(generation = self.generation, "reload: {line}");
        }
        // Tables that want a restart keep the values that really hold, so that the next reload says it again.
        let cameras = next.cameras.clone();
        self.current = Settings { lifecycle, cameras, ..self.current.clone() };
        self.answer(done, Vec::new());
        Ok(())
    }

    /// Takes back the note of who runs.
    pub(super) fn end(&self) {
        let path = ReloadAnswer::pid_path(&self.current.service.data_dir);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot remove the pid file");
        }
    }

    fn answer(&self, done: Vec<String>, errors: Vec<String>) {
        let answer =
            ReloadAnswer { generation: self.generation, pid: std::process::id(), ok: errors.is_empty(), done, errors };
        if let Err(error) = answer.write(&self.current.service.data_dir) {
            tracing::error!(%error, "cannot write the answer to the reload into the data folder");
        }
    }
}
