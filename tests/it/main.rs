//! Integration tests with real parts; one crate, one module per area.

mod config;
