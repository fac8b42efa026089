//! What several tests need; one file per thing.

pub(crate) mod broker;
pub(crate) mod delivery;
pub(crate) mod facts;
pub(crate) mod schemas;
