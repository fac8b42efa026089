//! All running cameras, and the change from one configuration to the next: camera by camera, the others are not touched.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;

use super::camera_line::{CameraLine, Shared};
use crate::config::{CameraSettings, Plan};
use crate::domain::ids::CameraId;
use crate::domain::scene::BlindCause;
use crate::pipeline::ports::Fact;

/// Between the first connects of two cameras, so that a site does not start all at once.
const STAGGER: Duration = Duration::from_millis(100);

/// The running cameras.
pub(super) struct Cameras {
    shared: Shared,
    lines: BTreeMap<CameraId, CameraLine>,
}

impl Cameras {
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared, lines: BTreeMap::new() }
    }

    /// Starts those that are enabled; those that are not are blind, and the ledger says so.
    pub(super) async fn start_all(&mut self, cameras: &[CameraSettings]) -> anyhow::Result<()> {
        let mut delay = Duration::ZERO;
        for camera in cameras {
            self.start(camera, delay).await?;
            delay += STAGGER;
        }
        Ok(())
    }

    /// Goes over to another configuration; gives a line for each thing done.
    pub(super) async fn apply(&mut self, plan: &Plan) -> anyhow::Result<Vec<String>> {
        let mut done = Vec::new();
        for id in &plan.removed {
            self.stop_one(id).await?;
            self.shared.surroundings.board.remove_camera(id);
            self.forget(id);
            done.push(format!("camera {id}: removed"));
        }
        for change in &plan.changed {
            let id = change.to.id();
            if change.reconnect || !change.to.enabled {
                self.stop_one(id).await?;
                self.start(&change.to, Duration::ZERO).await?;
                done.push(format!("camera {id}: {}", if change.to.enabled { "connected anew" } else { "disabled" }));
            } else if let Some(line) = self.lines.get(id) {
                line.rescene(&change.to).await;
                done.push(format!("camera {id}: rules changed, its stream went on"));
            } else {
                self.start(&change.to, Duration::ZERO).await?;
                done.push(format!("camera {id}: started"));
            }
        }
        for camera in &plan.added {
            self.start(camera, Duration::ZERO).await?;
            done.push(format!("camera {}: added", camera.id()));
        }
        Ok(done)
    }

    /// Tells all sources to stop at once, then waits until each camera's last alert was handed on.
    pub(super) async fn stop_all(&mut self) -> anyhow::Result<()> {
        for line in self.lines.values() {
            line.stop(BlindCause::ServiceDown);
        }
        while let Some((id, line)) = self.lines.pop_first() {
            line.drained().await.with_context(|| format!("camera {id}"))?;
        }
        Ok(())
    }

    async fn start(&mut self, camera: &CameraSettings, first_delay: Duration) -> anyhow::Result<()> {
        let id = camera.id().clone();
        if camera.enabled {
            let line = CameraLine::start(camera, &self.shared, first_delay)?;
            self.lines.insert(id, line);
            return Ok(());
        }
        let around = &self.shared.surroundings;
        let (from, cause) = (around.clock.now(), BlindCause::Disabled);
        around.board.add_camera(&id, camera.card.name.clone(), from);
        around.board.blind(&id, from, cause, None);
        around.facts.send(Fact::BlindSince { camera: id, from, cause }).await.context("the record stage has stopped")
    }

    /// A camera that is gone for good has no gauges; its counters stay, since they tell of what was.
    fn forget(&self, id: &CameraId) {
        let metrics = &self.shared.metrics;
        metrics.capture.forget(id.as_str());
        metrics.detect.forget(id);
        metrics.analyze.forget(id.as_str());
    }

    async fn stop_one(&mut self, id: &CameraId) -> anyhow::Result<()> {
        let Some(line) = self.lines.remove(id) else { return Ok(()) };
        self.shared.rings.remove(id);
        line.stop(BlindCause::Disabled);
        line.drained().await.with_context(|| format!("camera {id}"))
    }
}
