//! Information and health, as clients see them: a word for each part, no host and no path.

use actix_web::HttpResponse;
use serde::Serialize;
use services::HealthReport;

use crate::error::ErrorBody;
use crate::{PublicConfig, RouteInfo};

/// `GET /`
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Service)]
pub(crate) struct RootBody {
    name: &'static str,
    version: &'static str,
    status: &'static str,
    endpoints: Vec<String>,
}

/// A word.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Status)]
pub(crate) struct StatusBody {
    status: &'static str,
}

/// `GET /health`
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// `healthy`, `degraded` or `unhealthy`.
    status: &'static str,
    checks: Checks,
    #[serde(flatten)]
    #[schema(ignore)]
    error: Option<ErrorBody<'static>>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = HealthChecks)]
struct Checks {
    database: &'static str,
    storage: &'static str,
    llm: &'static str,
}

/// `GET /health/ready`
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
    pub(crate) fn new(version: &'static str, routes: Vec<RouteInfo>) -> Self {
        let endpoints = routes.into_iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        Self { name: "OmniChat", version, status: "running", endpoints }
    }
}

impl StatusBody {
    pub(crate) fn alive() -> Self {
        Self { status: "alive" }
    }
}

impl HealthBody {
    pub(crate) fn new(report: HealthReport, config: &PublicConfig) -> Self {
        let HealthReport { database, draining: _ } = report;
        let checks = Checks {
            database: if database { "connected" } else { "disconnected" },
            // No file storage is in use.
            storage: "disabled",
            llm: if config.provider == "demo" { "demo" } else { "configured" },
        };
        Self {
            status: if database { "healthy" } else { "unhealthy" },
            checks,
            error: (!database).then(no_database),
        }
    }

    pub(crate) fn answer(&self) -> HttpResponse {
        answer(self, self.error.is_none())
    }
}

impl ReadyBody {
    pub(crate) fn new(report: HealthReport) -> Self {
        let HealthReport { database, draining } = report;
        let error = if !database {
            Some(no_database())
        } else if draining {
            Some(ErrorBody::unavailable("The service is shutting down", "shutting_down"))
        } else {
            None
        };
        Self { status: if error.is_none() { "ready" } else { "not_ready" }, error }
    }

    pub(crate) fn answer(&self) -> HttpResponse {
        answer(self, self.error.is_none())
    }
}

fn no_database() -> ErrorBody<'static> {
    ErrorBody::unavailable("The database is not available", "database_unavailable")
}

fn answer(body: &impl Serialize, usable: bool) -> HttpResponse {
    if usable {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().insert_header(("retry-after", "2")).json(body)
    }
}
