//! The HTTP layer. Each contract is a dialect, which translates requests to commands of the services, and results and
//! events to responses. It decides nothing itself.
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

pub use dialects::TITLED_BY_MODEL;
pub use routes::{RouteInfo, route_table};
pub use server::{Services, application, server};
pub use settings::{ContextManagement, HttpSettings, Pricing, PublicConfig, PublicLimits};
