//! What the service says of itself. No token, no provider call, nothing of the inside.

mod doc;
mod response;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Data;
use domain::Contract::LlmChat;
use services::Health;

use crate::HttpSettings;
use crate::endpoint::Endpoint;
use crate::error::HandlerResult;
use response::{HealthBody, ReadyBody, RootBody, StatusBody};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::public(LlmChat, Method::GET, "/", root, doc::root),
        Endpoint::public(LlmChat, Method::GET, "/health", health, doc::health),
        Endpoint::public(LlmChat, Method::GET, "/health/live", live, doc::live),
        Endpoint::public(LlmChat, Method::GET, "/health/ready", ready, doc::ready),
        Endpoint::public(LlmChat, Method::GET, "/config", config, doc::config),
    ]
}

/// All endpoints by method and path, for `GET /`.
pub(crate) struct EndpointNames(pub(crate) Vec<String>);

/// `GET /`
async fn root(settings: Data<HttpSettings>, names: Data<EndpointNames>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(RootBody::new(settings.version, &names.0)))
}

/// `GET /config`
async fn config(settings: Data<HttpSettings>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(&settings.public))
}

/// `GET /health`
async fn health(health: Data<Health>, settings: Data<HttpSettings>) -> HandlerResult {
    Ok(HealthBody::new(health.report().await, &settings.public).answer())
}

/// `GET /health/live`: the process answers. It touches nothing: a restart mends no database.
async fn live() -> HandlerResult {
    Ok(HttpResponse::Ok().json(StatusBody::alive()))
}

/// `GET /health/ready`
async fn ready(health: Data<Health>) -> HandlerResult {
    Ok(ReadyBody::new(health.readiness().await).answer())
}
