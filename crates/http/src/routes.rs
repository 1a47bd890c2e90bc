//! All endpoints of all dialects.

use std::sync::LazyLock;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::web::{self, Bytes, Data, ServiceConfig};

use crate::dialects::{
    auth, chat_ai, chat_api, conversations, docs, info, llm_chat, persona_chat, personas, prompts, turns,
};
use crate::document;
use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::rules::Access;

/// An endpoint, for tests outside this crate that check all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path, with the name of each parameter in braces.
    pub path: &'static str,
    /// Whether no token is needed.
    pub public: bool,
}

/// All endpoints.
#[must_use]
pub fn route_table() -> Vec<RouteInfo> {
    let info = |endpoint: Endpoint| RouteInfo {
        method: endpoint.method,
        path: endpoint.path,
        public: endpoint.rules.access == Access::Public,
    };
    endpoints().into_iter().map(info).collect()
}

/// All endpoints of all dialects. If the paths of two match a request, the earlier one serves it.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let all = [
        info::endpoints(),
        docs::endpoints(),
        auth::endpoints(),
        llm_chat::endpoints(),
        conversations::endpoints(),
        turns::endpoints(),
        chat_api::endpoints(),
        prompts::endpoints(),
        chat_ai::endpoints(),
        personas::endpoints(),
        persona_chat::endpoints(),
    ];
    all.into_iter().flatten().collect()
}

/// Installs all endpoints, and the 404 and 405 responses to all other requests.
pub(crate) fn install(config: &mut ServiceConfig) {
    let mut rest = endpoints();
    let names = rest.iter().map(|endpoint| format!("{} {}", endpoint.method, endpoint.path));
    config.app_data(Data::new(info::EndpointNames(names.collect())));
    config.app_data(Data::new(docs::DocumentSource(document_json)));
    while let Some(path) = rest.first().map(|endpoint| endpoint.path) {
        let (same, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|endpoint| endpoint.path == path);
        config.service(resource(path, same));
        rest = others;
    }
    config.default_service(web::to(no_route));
}

/// The API description as JSON, made at the first request for it.
fn document_json() -> Result<Bytes, ApiError> {
    static JSON: LazyLock<Result<Bytes, serde_json::Error>> =
        LazyLock::new(|| serde_json::to_vec(&document::build(endpoints())).map(Bytes::from));
    JSON.as_ref().map(Bytes::clone).map_err(|error| ApiError::internal(error.to_string()))
}

fn resource(path: &'static str, endpoints: Vec<Endpoint>) -> impl HttpServiceFactory + 'static {
    let methods: Vec<Method> = endpoints.iter().flat_map(Endpoint::methods).collect();
    let no_method = move || {
        let error = ApiError::no_method(methods.iter());
        async move { HandlerResult::Err(error) }
    };
    let resource = web::resource(path).default_service(web::to(no_method));
    endpoints.into_iter().fold(resource, |resource, endpoint| resource.route(endpoint.into_route()))
}

async fn no_route() -> HandlerResult {
    Err(ApiError::no_route())
}
