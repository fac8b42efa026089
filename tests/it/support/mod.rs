//! What several tests need; one file per thing.

pub(crate) mod chromium;
pub(crate) mod web_server;
