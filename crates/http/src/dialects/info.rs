//! Endpoints for information and health. They need no token, call no model provider, and show no internals.

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
        Endpoint::new(LlmChat, Method::GET, "/", root, doc::root).public(),
        Endpoint::new(LlmChat, Method::GET, "/health", health, doc::health).public(),
        Endpoint::new(LlmChat, Method::GET, "/health/live", live, doc::live).public(),
        Endpoint::new(LlmChat, Method::GET, "/health/ready", ready, doc::ready).public(),
        Endpoint::new(LlmChat, Method::GET, "/config", config, doc::config).public(),
    ]
}

/// The method and path of each endpoint, for `GET /`.
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
    Ok(HealthBody::respond(health.report().await, &settings.public))
}

/// `GET /health/live`. It checks nothing else, so that the process is not restarted because the database is away.
async fn live() -> HandlerResult {
    Ok(HttpResponse::Ok().json(StatusBody::alive()))
}

/// `GET /health/ready`
async fn ready(health: Data<Health>) -> HandlerResult {
    Ok(ReadyBody::respond(health.readiness().await))
}
