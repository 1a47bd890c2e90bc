//! What the service says of itself. No token, no provider call, nothing of the inside.

pub(crate) mod response;

use actix_web::HttpResponse;
use actix_web::web::Data;
use services::Health;

use crate::error::HandlerResult;
use crate::{HttpSettings, route_table};
use response::{HealthBody, ReadyBody, RootBody, StatusBody};

/// `GET /`
pub(crate) async fn root(settings: Data<HttpSettings>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(RootBody::new(settings.version, route_table())))
}

/// `GET /config`
pub(crate) async fn config(settings: Data<HttpSettings>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(&settings.public))
}

/// `GET /health`
pub(crate) async fn health(health: Data<Health>, settings: Data<HttpSettings>) -> HandlerResult {
    Ok(HealthBody::new(health.report().await, &settings.public).answer())
}

/// `GET /health/live`: the process answers. It touches nothing: a restart mends no database.
pub(crate) async fn live() -> HandlerResult {
    Ok(HttpResponse::Ok().json(StatusBody::alive()))
}

/// `GET /health/ready`
pub(crate) async fn ready(health: Data<Health>) -> HandlerResult {
    Ok(ReadyBody::new(health.readiness().await).answer())
}
