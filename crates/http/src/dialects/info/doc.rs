//! Descriptions of the endpoints for information and health.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::response::{HealthBody, ReadyBody, RootBody, StatusBody};
use crate::PublicConfig;
use crate::openapi::{OperationDoc, tags};

pub(super) fn root() -> OperationDoc {
    OperationDoc::new("information", "Get the name, the version and the endpoints")
        .tags([tags::SERVICE])
        .response::<RootBody>("The service is running", [("running", running())])
}

pub(super) fn health() -> OperationDoc {
    OperationDoc::new("health", "Get the health of each part")
        .tags([tags::SERVICE])
        .description("The model provider is not called: `llm` says only whether one is configured.")
        .response::<HealthBody>("The service can work: `status` is `healthy`, or `degraded` if only the file storage is not available", [("healthy", healthy())])
        .response_with::<HealthBody>(
            StatusCode::SERVICE_UNAVAILABLE,
            "The database is not available. The body also has the keys of an error, `detail` and `error`",
            [("unhealthy", unhealthy())],
        )
}

pub(super) fn live() -> OperationDoc {
    OperationDoc::new("live", "Check that the process responds")
        .tags([tags::SERVICE])
        .description("Checks nothing else, so that the process is not restarted because of, for example, a failing database.")
        .response::<StatusBody>("The process responds", [("alive", json!({"status": "alive"}))])
}

pub(super) fn ready() -> OperationDoc {
    OperationDoc::new("ready", "Check that the service accepts requests")
        .tags([tags::SERVICE])
        .response::<ReadyBody>("The service accepts requests", [("ready", json!({"status": "ready"}))])
        .response_with::<ReadyBody>(
            StatusCode::SERVICE_UNAVAILABLE,
            "The database is not available, or the service is shutting down. The body also has the keys of an error, `detail` \
             and `error`",
            [("shutting down", not_ready())],
        )
}

pub(super) fn config() -> OperationDoc {
    OperationDoc::new("configuration", "Get the public configuration")
        .tags([tags::SERVICE])
        .response::<PublicConfig>(
            "The public configuration, which holds no secrets",
            [("defaults", configuration())],
        )
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
