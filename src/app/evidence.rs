//! Evidence: the vault, what makes clips and pictures, and the stage that follows alerts.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::camera::{DecoderChoice, DecoderSettings, GstDecoderFactory, GstMedia};
use crate::config::Settings;
use crate::evidence::{FileVault, Limits};
use crate::metrics::Metrics;
use crate::pipeline::evidence::{self, EvidenceSettings, EvidenceStage, Rings, Wish};
use crate::pipeline::ports::{Clock, Fact};

/// What runs beside the line. Where evidence is turned off nothing does, and the rings are only a list.
pub(super) struct Evidence {
    pub(super) rings: Rings,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Evidence {
    /// Opens the vault, and follows alerts from now on; gives where wishes go.
    pub(super) fn start(
        settings: &Settings,
        facts: &mpsc::Sender<Fact>,
        metrics: &Metrics,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<(Self, Option<mpsc::Sender<Wish>>)> {
        let rings = Rings::default();
        let wanted = &settings.evidence;
        if !wanted.enabled {
            return Ok((Self { rings, running: None }, None));
        }
        let limits = Limits { quota_bytes: wanted.quota_bytes, min_free_bytes: wanted.min_free_bytes };
        let vault = FileVault::open(&settings.service.data_dir, Arc::clone(clock))?.with_limits(limits);
        // Pictures are rare: no hardware decoder is held for them.
        let software = DecoderSettings { choice: DecoderChoice::Software, ..DecoderSettings::default() };
        let decoders = Arc::new(GstDecoderFactory::new(software, Arc::clone(clock)));
        let stage = EvidenceStage {
            settings: EvidenceSettings {
                pre_roll: wanted.pre_roll,
                post_roll: wanted.post_roll,
                longest: wanted.longest,
            },
            rings: rings.clone(),
            media: Arc::new(GstMedia::new(decoders)),
            vault: Arc::new(vault),
            facts: facts.clone(),
            clock: Arc::clone(clock),
            metrics: Arc::clone(&metrics.evidence),
            configuration: settings.hash.clone(),
        };
        for camera in &settings.cameras {
            let (held, wanted) = (camera.stream.ring.duration, wanted.pre_roll + Duration::from_secs(2));
            if held < wanted {
                tracing::warn!(
                    camera = %camera.id(),
                    "clips of this camera begin later than pre_roll_s says: its ring holds {} s, {} s are wanted",
                    held.as_secs_f64(),
                    wanted.as_secs_f64()
                );
            }
        }
        let (wishes, wished) = mpsc::channel(evidence::QUEUE);
        let (stop, stopped) = watch::channel(false);
        let stage = tokio::spawn(stage.run(wished, stopped));
        Ok((Self { rings, running: Some((stop, stage)) }, Some(wishes)))
    }

    /// Ends clips where they are; all is sealed and told when this returns.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let Some((stop, stage)) = self.running else { return Ok(()) };
        stop.send_replace(true);
        stage.await.context("the evidence stage panicked")
    }
}
