//! What the service says of itself.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::response::{HealthBody, ReadyBody, RootBody, StatusBody};
use crate::PublicConfig;
use crate::openapi::{OperationDoc, tags};

pub(super) fn root() -> OperationDoc {
    OperationDoc::new("information", "Name, version and routes")
        .tags([tags::SERVICE])
        .response::<RootBody>("The service runs", [("running", running())])
}

pub(super) fn health() -> OperationDoc {
    OperationDoc::new("health", "Health, part by part")
        .tags([tags::SERVICE])
        .description("No call goes to the provider: `llm` says whether one is configured.")
        .response::<HealthBody>("The service can work", [("healthy", healthy())])
        .response_with::<HealthBody>(
            StatusCode::SERVICE_UNAVAILABLE,
            "The database is away; the keys of an error come along",
            [("unhealthy", unhealthy())],
        )
}

pub(super) fn live() -> OperationDoc {
    OperationDoc::new("live", "Whether the process answers")
        .tags([tags::SERVICE])
        .description("Touches nothing else: a restart mends no database.")
        .response::<StatusBody>("It does", [("alive", json!({"status": "alive"}))])
}

pub(super) fn ready() -> OperationDoc {
    OperationDoc::new("ready", "Whether requests are welcome")
        .tags([tags::SERVICE])
        .response::<ReadyBody>("They are", [("ready", json!({"status": "ready"}))])
        .response_with::<ReadyBody>(
            StatusCode::SERVICE_UNAVAILABLE,
            "The database is away, or the service is shutting down; the keys of an error come along",
            [("shutting down", not_ready())],
        )
}

pub(super) fn config() -> OperationDoc {
    OperationDoc::new("configuration", "The configuration, as far as it is public")
        .tags([tags::SERVICE])
        .response::<PublicConfig>("Nothing secret is in it", [("defaults", configuration())])
}

fn running() -> Value {
    json!({
        "name": "OmniChat",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "running",
        "endpoints": ["GET /", "GET /health", "POST /conversations"]
    })
}

fn healthy() -> Value {
    json!({
        "status": "healthy",
        "checks": {"database": "connected", "storage": "connected", "llm": "configured"}
    })
}

fn unhealthy() -> Value {
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

fn not_ready() -> Value {
    json!({
        "status": "not_ready",
        "detail": "The service is shutting down",
        "error": {"message": "The service is shutting down", "type": "server_error", "code": "shutting_down"}
    })
}

fn configuration() -> Value {
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
