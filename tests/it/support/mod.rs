//! What tests share, one file per thing.

pub(crate) mod skipped;
pub(crate) mod footage;
pub(crate) mod encoded;
pub(crate) mod rtsp;
pub(crate) mod stage;
pub(crate) mod vlc;
pub(crate) mod http;
pub(crate) mod models;
pub(crate) mod broker;
pub(crate) mod delivery;
pub(crate) mod disk;
pub(crate) mod facts;
pub(crate) mod schemas;
pub(crate) mod chromium;
pub(crate) mod web_server;
pub(crate) mod service;
