//! What the service says of itself.

use actix_web::http::{Method, StatusCode};
use serde_json::json;

use super::SERVICE;
use super::operation::Described;
use crate::PublicConfig;
use crate::dialects::info::response::{HealthBody, ReadyBody, RootBody, StatusBody};

pub(super) fn operations() -> Vec<Described> {
    vec![
        Described::new(Method::GET, "/", "information", "Name, version and routes")
            .of([SERVICE])
            .answers::<RootBody>("The service runs", [("running", running())]),
        Described::new(Method::GET, "/health", "health", "Health, part by part")
            .of([SERVICE])
            .tells("No call goes to the provider: `llm` says whether one is configured.")
            .answers::<HealthBody>("The service can work", [("healthy", healthy())])
            .answers_with::<HealthBody>(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database is away; the keys of an error come along",
                [("unhealthy", unhealthy())],
            ),
        Described::new(Method::GET, "/health/live", "live", "Whether the process answers")
            .of([SERVICE])
            .tells("Touches nothing else: a restart mends no database.")
            .answers::<StatusBody>("It does", [("alive", json!({"status": "alive"}))]),
        Described::new(Method::GET, "/health/ready", "ready", "Whether requests are welcome")
            .of([SERVICE])
            .answers::<ReadyBody>("They are", [("ready", json!({"status": "ready"}))])
            .answers_with::<ReadyBody>(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database is away, or the service is shutting down; the keys of an error come along",
                [("shutting down", not_ready())],
            ),
        Described::new(Method::GET, "/config", "configuration", "The configuration, as far as it is public")
            .of([SERVICE])
            .answers::<PublicConfig>("Nothing secret is in it", [("defaults", configuration())]),
    ]
}

fn running() -> serde_json::Value {
    json!({
        "name": "OmniChat",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "running",
        "endpoints": ["GET /", "GET /health", "POST /conversations"]
    })
}

fn healthy() -> serde_json::Value {
    json!({
        "status": "healthy",
        "checks": {"database": "connected", "storage": "connected", "llm": "configured"}
    })
}

fn unhealthy() -> serde_json::Value {
    json!({
        "status": "unhealthy",
        "checks": {"database": "disconnected", "storage": "connected", "llm": "configured"},
        "detail": "The database is not available",
        "error": {
            "message": "The database is not available",
            "type": "server_error",
            "code": "database_unavailable"
        }
    })
}

fn not_ready() -> serde_json::Value {
    json!({
        "status": "not_ready",
        "detail": "The service is shutting down",
        "error": {"message": "The service is shutting down", "type": "server_error", "code": "shutting_down"}
    })
}

fn configuration() -> serde_json::Value {
    json!({
        "provider": "openai",
        "model": "gpt-4o",
        "limits": {"rate_limit_per_minute": 10, "max_input_length": 10000, "max_file_size_mb": 20},
        "context_management": {
            "mode": "full",
            "window_size": 5,
            "summarize_after_messages": 10,
            "summary_update_interval": 5
        },
        "pricing": {"input_per_1k": 0.0025, "output_per_1k": 0.01}
    })
}
