//! The evidence of one alert: pictures of the moment that raised it, told at once; then a clip, told when it is over.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::stage::EvidenceStage;
use super::{ClipWriter, MediaError, Piece, PieceKind, PieceRole, Story, VaultError, Wish};
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::pipeline::packet::Packet;
use crate::pipeline::ports::Fact;
use crate::pipeline::ring::SharedRing;

/// How often the ring is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How much later than the server's clock says a picture may come; beyond, the camera is dead and the clip is cut.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long before what was removed or put down there is a picture of how it was.
const BEFORE: Duration = Duration::from_secs(2);
/// Kinds of which there is a picture of how it was before.
const CHANGED_PLACES: [&str; 2] = ["object_removed", "object_abandoned"];

/// Follows the ring of one alert's camera.
pub(super) struct Follow {
    pub(super) stage: Arc<EvidenceStage>,
    pub(super) wish: Wish,
    pub(super) ring: SharedRing,
    /// When the alert ended; none while it lasts.
    pub(super) ended: watch::Receiver<Option<Timestamp>>,
    pub(super) stop: watch::Receiver<bool>,
}

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("cannot write {path}: {error}")]
    File { path: PathBuf, error: std::io::Error },
    #[error("there are no pictures of it any more")]
    Gone,
    #[error("making it panicked: {0}")]
    Panicked(tokio::task::JoinError),
}

impl Failed {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Media(_) => "media",
            Self::Vault(_) => "vault",
            Self::File { .. } => "disk",
            Self::Gone => "gone",
            Self::Panicked(_) => "panic",
        }
    }
}

impl Follow {
    /// Runs to the end; an alert never fails for its evidence.
    pub(super) async fn run(mut self) -> AlertId {
        // Its place first: what is read below is not overtaken by what leaves the ring meanwhile.
        let from = self.begins_at();
        let place = self.lock().place_before(from);
        let pictures = self.pictures().await;
        self.tell("snapshot", pictures).await;
        let clip = self.clip(place).await;
        self.tell("clip", clip).await;
        self.wish.alert
    }

    /// Where the clip begins: before what the alert tells of began, or before it was raised, where that is too long ago.
    fn begins_at(&self) -> Timestamp {
        let settings = &self.stage.settings;
        let (began, raised) = (self.wish.started_at.min(self.wish.captured_at), self.wish.captured_at);
        let from = if raised.since(began) * 2 <= settings.longest { began } else { raised };
        from.minus(settings.pre_roll)
    }

    async fn tell(&self, what: &'static str, made: Result<Story, Failed>) {
        let alert = self.wish.alert;
        let sealed = match made {
            Ok(story) => self.seal(story).await,
            Err(failed) => Err(failed),
        };
        match sealed {
            Ok(sealed) if sealed.is_empty() => {}
            Ok(sealed) => {
                self.stage.metrics.sealed(&sealed);
                if self.stage.facts.send(Fact::Evidence { alert, sealed }).await.is_err() {
                    tracing::error!(%alert, "evidence is kept, and the record stage is gone: its alert does not tell of it");
                }
            }
            Err(failed) => {
                self.stage.metrics.refused(failed.reason());
                let camera = &self.wish.camera;
                tracing::warn!(%alert, %camera, reason = failed.reason(), "there is no {what} of this alert: {failed}");
            }
        }
    }

    async fn seal(&self, story: Story) -> Result<Vec<super::Sealed>, Failed> {
        let vault = Arc::clone(&self.stage.vault);
        blocking(move || Ok(vault.seal(&story)?)).await
    }

    /// The picture that raised the alert, and one of how it was before where something has changed its place.
    async fn pictures(&mut self) -> Result<Story, Failed> {
        self.wait_for(self.wish.captured_at).await;
        let mut wanted = vec![("snapshot.jpg", PieceRole::Trigger, self.wish.captured_at)];
        if CHANGED_PLACES.contains(&self.wish.kind) {
            wanted.push(("before.jpg", PieceRole::Before, self.wish.started_at.minus(BEFORE)));
        }
        let mut stills = Vec::new();
        for (name, role, at) in wanted {
            let packets = self.lock().slice(at, at);
            let shows_it = packets.first().is_some_and(|first| first.captured_at <= at);
            match (shows_it, role) {
                (true, _) => stills.push((name, role, at, packets)),
                (false, PieceRole::Trigger) => return Err(Failed::Gone),
                (false, _) => {}
            }
        }
        let (media, vault) = (Arc::clone(&self.stage.media), Arc::clone(&self.stage.vault));
        let mut story = self.story();
        blocking(move || {
            let mut files = Vec::new();
            for (name, role, at, packets) in stills {
                let still = media.still(&packets, at)?;
                story.pieces.push(piece(name, PieceKind::Snapshot, role, still.captured_at));
                files.push((name, still.jpeg));
            }
            let folder = vault.begin(&story)?;
            for (name, bytes) in files {
                let path = folder.join(name);
                if let Err(error) = std::fs::write(&path, bytes) {
                    vault.discard(&story)?;
                    return Err(Failed::File { path, error });
                }
            }
            Ok(story)
        })
        .await
    }

    /// The clip, from `place` on until the alert is over and the post-roll is in it.
    async fn clip(&mut self, mut place: crate::pipeline::ring::Place) -> Result<Story, Failed> {
        let mut packets = self.lock().read_on(&mut place);
        let Some(first) = packets.first().filter(|first| first.key).cloned() else { return Err(Failed::Gone) };
        let mut story = self.story();
        story.pieces = vec![piece("clip.mp4", PieceKind::Clip, PieceRole::Trigger, first.captured_at)];
        let (media, vault, begun) = (Arc::clone(&self.stage.media), Arc::clone(&self.stage.vault), story.clone());
        let mut writer = blocking(move || {
            let folder = vault.begin(&begun)?;
            match media.clip(first.codec, &folder.join("clip.mp4")) {
                Ok(writer) => Ok(writer),
                Err(error) => {
                    vault.discard(&begun)?;
                    Err(error.into())
                }
            }
        })
        .await?;
        let mut samples = Vec::new();
        let over = loop {
            let end = self.end(first.captured_at);
            let later = packets.iter().position(|packet| packet.captured_at > end);
            packets.truncate(later.unwrap_or(packets.len()));
            let (back, outcome);
            (back, samples, outcome) = written(writer, packets, samples).await?;
            writer = back;
            if let Err(error) = outcome {
                // What is written can be played: it is kept, and says that it is cut.
                tracing::warn!(alert = %self.wish.alert, %error, "the clip ends before its time");
                break Over::Cut;
            }
            if later.is_some() {
                break Over::Whole;
            }
            let dead = self.stage.clock.now().since(self.newest().unwrap_or(first.captured_at)) > PATIENCE;
            if *self.stop.borrow() || dead && self.ended.borrow().is_some() {
                break Over::Cut;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = self.stop.wait_for(|stop| *stop) => {}
            }
            packets = self.lock().read_on(&mut place);
        };
        let finished = blocking(move || Ok(writer.finish()?)).await;
        let cut = matches!(over, Over::Cut) || finished.is_err();
        if let Err(error) = finished {
            tracing::warn!(alert = %self.wish.alert, %error, "the clip is not closed; what is written can be played");
        }
        // Pictures that lead the first key picture are not in the clip: they build on what came before it.
        samples.retain(|at| *at >= first.captured_at);
        samples.sort_unstable();
        let began = samples.first().copied().unwrap_or(first.captured_at);
        for piece in &mut story.pieces {
            piece.cut = cut;
            piece.captured_at = began;
            piece.sample_times_ms = samples.iter().map(|at| millis(at.since(began))).collect();
        }
        Ok(story)
    }

    /// When the clip is over, as far as that is known now.
    fn end(&self, began: Timestamp) -> Timestamp {
        let settings = &self.stage.settings;
        let most = began.plus(settings.longest);
        (*self.ended.borrow()).map_or(most, |ended| ended.max(self.wish.captured_at).plus(settings.post_roll).min(most))
    }

    /// Waits until the best stream has come as far as the one that is analysed, which may be another.
    async fn wait_for(&mut self, at: Timestamp) {
        let mut left = PATIENCE;
        while self.newest().is_none_or(|newest| newest < at) && !left.is_zero() && !*self.stop.borrow() {
            tokio::time::sleep(LOOK / 4).await;
            left = left.saturating_sub(LOOK / 4);
        }
    }

    fn story(&self) -> Story {
        let Wish { alert, camera, kind, rule, model, clock, captured_at, .. } = self.wish.clone();
        Story {
            alert,
            camera,
            kind: kind.to_owned(),
            rule,
            model,
            configuration: Some(self.stage.configuration.clone()),
            triggered_at: captured_at,
            clock: Some(clock),
            pieces: Vec::new(),
        }
    }

    fn newest(&self) -> Option<Timestamp> {
        self.lock().newest()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, crate::pipeline::ring::PacketRing> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Over {
    Whole,
    Cut,
}

type Written = (Box<dyn ClipWriter>, Vec<Timestamp>, Result<(), MediaError>);

/// Writes packets; gives the writer back, and when the pictures that are in were captured.
async fn written(
    mut writer: Box<dyn ClipWriter>,
    packets: Vec<Packet>,
    mut samples: Vec<Timestamp>,
) -> Result<Written, Failed> {
    blocking(move || {
        let mut outcome = Ok(());
        for packet in &packets {
            outcome = writer.push(packet);
            if outcome.is_err() {
                break;
            }
            samples.push(packet.captured_at);
        }
        Ok((writer, samples, outcome))
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failed> + Send + 'static) -> Result<T, Failed> {
    tokio::task::spawn_blocking(work).await.map_err(Failed::Panicked)?
}

fn piece(name: &str, kind: PieceKind, role: PieceRole, captured_at: Timestamp) -> Piece {
    Piece { name: name.to_owned(), kind, role, captured_at, sample_times_ms: Vec::new(), cut: false, masked: false }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
