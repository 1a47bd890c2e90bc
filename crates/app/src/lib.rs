//! The application: configuration, logging, the command line, and the wiring of all crates.

pub mod adapters;
pub mod cli;
pub mod commands;
pub mod config;
mod instance_lock;
pub mod serve;
pub mod stores;
pub mod telemetry;
