//! Information and health, as clients see them: a word for each part, no host and no path.

use actix_web::HttpResponse;
use domain::ErrorCode;
use serde::Serialize;
use services::{HealthReport, Readiness};

use crate::PublicConfig;
use crate::error::ErrorBody;

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
    pub(crate) fn new(report: HealthReport, config: &PublicConfig) -> Self {
        let HealthReport { database, storage } = report;
        let word = |usable| if usable { "connected" } else { "disconnected" };
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
        Self { status, checks, error: (!database).then(no_database) }
    }

    pub(crate) fn answer(&self) -> HttpResponse {
        answer(self, self.error.is_none())
    }
}

impl ReadyBody {
    pub(crate) fn new(readiness: Readiness) -> Self {
        match readiness {
            Readiness::Ready => Self { status: "ready", error: None },
            Readiness::NoDatabase => Self::not(no_database()),
            Readiness::ShuttingDown => {
                Self::not(ErrorBody::new("The service is shutting down", ErrorCode::ShuttingDown, None))
            }
        }
    }

    fn not(error: ErrorBody<'static>) -> Self {
        Self { status: "not_ready", error: Some(error) }
    }

    pub(crate) fn answer(&self) -> HttpResponse {
        answer(self, self.error.is_none())
    }
}

fn no_database() -> ErrorBody<'static> {
    ErrorBody::new("The database is not available", ErrorCode::DatabaseUnavailable, None)
}

fn answer(body: &impl Serialize, usable: bool) -> HttpResponse {
    if usable {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().insert_header(("retry-after", "2")).json(body)
    }
}
