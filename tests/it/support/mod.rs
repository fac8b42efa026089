//! What tests share, one file per thing.

pub(crate) mod footage;
pub(crate) mod http;
pub(crate) mod models;
