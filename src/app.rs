//! The composition root: builds every room, starts the stages from right to left, stops them from left to right.
//!
//! The only place that knows everyone. What is decided here is wiring: who waits for whom, and what a signal means. Absent:
//! every decision about pictures, alerts and delivery.

mod camera_line;
mod cameras;
mod reload;
mod latches;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::SystemClock;
use crate::config::{ReloadAnswer, Settings};
use crate::metrics::Metrics;
use crate::pipeline::ports::{Clock, Recorded};
use crate::pipeline::sight::SightBoard;

use cameras::Cameras;

/// Facts that may wait for their commit.
const TO_RECORD: usize = 256;
/// Recorded changes that a slow feed client may be behind before it must read from the store.
const FEED: usize = 256;

/// A built service: everything checked and open, no camera connected yet.
pub struct App {
    settings: Settings,
    source: PathBuf,
}
