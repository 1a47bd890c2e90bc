//! The application: configuration, telemetry, and what puts the crates together.

pub mod adapters;
pub mod cli;
pub mod commands;
pub mod config;
mod instance_lock;
pub mod serve;
pub mod stores;
pub mod telemetry;
