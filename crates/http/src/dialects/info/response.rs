//! Responses with information and health. They show no hosts and no paths.

use actix_web::HttpResponse;
use domain::ErrorCode;
use serde::Serialize;
use services::{HealthReport, Readiness};

use crate::PublicConfig;
use crate::error::ErrorBody;

/// The name, the version and the endpoints of the service.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Service)]
pub(crate) struct RootBody {
    name: &'static str,
    version: &'static str,
    /// Always `running`.
    status: &'static str,
    /// All endpoints, each as its method and its path.
    endpoints: Vec<String>,
}

/// The state of the process.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Status)]
pub(crate) struct StatusBody {
    /// Always `alive`.
    status: &'static str,
}

/// The health of the service and of its parts.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// `healthy`; `degraded` if the file storage is not available; `unhealthy` if the database is not available.
    status: &'static str,
    checks: Checks,
    #[serde(flatten)]
    #[schema(ignore)]
    error: Option<ErrorBody<'static>>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = HealthChecks)]
struct Checks {
    /// `connected` or `disconnected`.
    database: &'static str,
    /// `connected` or `disconnected`.
    storage: &'static str,
    /// `configured`, or `demo` if the built-in demo model is used.
    llm: &'static str,
}

/// Whether the service accepts requests.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadyBody {
    /// `ready` or `not_ready`.
    status: &'static str,
    #[serde(flatten)]
    #[schema(ignore)]
    error: Option<ErrorBody<'static>>,
}

impl RootBody {
    pub(crate) fn new(version: &'static str, endpoints: &[String]) -> Self {
        Self { name: "OmniChat", version, status: "running", endpoints: endpoints.to_vec() }
    }
}

impl StatusBody {
    pub(crate) fn alive() -> Self {
        Self { status: "alive" }
    }
}

impl HealthBody {
    pub(crate) fn respond(report: HealthReport, config: &PublicConfig) -> HttpResponse {
        let HealthReport { database, storage } = report;
        let word = |is_connected| if is_connected { "connected" } else { "disconnected" };
        let checks = Checks {
            database: word(database),
            storage: word(storage),
            llm: if config.provider == "demo" { "demo" } else { "configured" },
        };
        let status = match (database, storage) {
            (true, true) => "healthy",
            (true, false) => "degraded",
            (false, _) => "unhealthy",
        };
        response(&Self { status, checks, error: (!database).then(no_database) }, database)
    }
}

impl ReadyBody {
    pub(crate) fn respond(readiness: Readiness) -> HttpResponse {
        let error = match readiness {
            Readiness::Ready => return response(&Self { status: "ready", error: None }, true),
            Readiness::NoDatabase => no_database(),
            Readiness::ShuttingDown => {
                ErrorBody::new("The service is shutting down", ErrorCode::ShuttingDown, None)
            }
        };
        response(&Self { status: "not_ready", error: Some(error) }, false)
    }
}

fn no_database() -> ErrorBody<'static> {
    ErrorBody::new("The database is not available", ErrorCode::DatabaseUnavailable, None)
}

fn response(body: &impl Serialize, is_ok: bool) -> HttpResponse {
    if is_ok {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().insert_header(("retry-after", "2")).json(body)
    }
}
