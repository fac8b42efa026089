//! Lightbar: watches RTSP cameras, decides on the spot what an operator must see, and guarantees that this alert reaches the
//! people and systems that act on it.
//!
//! Read in the order of the flow: `camera` gives packets, `pipeline` is the line, `inference` finds objects, `domain` decides,
//! `evidence` keeps what was seen, `store` promises, `kafka` delivers, `web` shows. `app` puts them together; `score` measures.

pub mod domain;
pub mod pipeline;
#[cfg(feature = "camera")]
pub mod camera;
#[cfg(feature = "inference")]
pub mod inference;
pub mod contract;
pub mod evidence;
pub mod store;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "kafka")]
pub mod conformance;
pub mod web;
pub mod calendar;
pub mod config;
pub mod logging;
pub mod metrics;
pub mod score;
pub mod street;
#[cfg(feature = "demo")]
pub mod demo;
pub mod clock;
pub mod backoff;
#[cfg(feature = "demo")]
pub mod cli;
#[cfg(feature = "demo")]
pub mod app;
