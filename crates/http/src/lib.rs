//! HTTP: each contract a dialect that translates, wire to command and events to wire; nothing is decided here.
//!
//! [`server`] is what the binary runs; [`application`] is the same without sockets, for tests.

mod dialects;
mod document;
mod endpoint;
mod error;
mod extract;
mod middleware;
mod openapi;
mod rate_limit;
mod routes;
mod rules;
mod server;
mod settings;
mod stream;
mod wire;

pub use routes::{RouteInfo, route_table};
pub use server::{Services, application, server};
pub use settings::{ContextManagement, DefaultModels, HttpSettings, Pricing, PublicConfig, PublicLimits};
