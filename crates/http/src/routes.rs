//! The table of all routes: one row each, and what holds for the row.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, Route, guard};
use domain::Contract;

use crate::dialects::{
    auth, chat_ai, chat_api, conversations, info, llm_chat, persona_chat, personas, turns,
};
use crate::error::{ApiError, HandlerResult};
use crate::middleware::authenticate;
use crate::openapi;

/// What holds for a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The contract whose table of errors is used.
    pub(crate) contract: Contract,
    /// Who may call it.
    pub(crate) access: Access,
    /// The status of a bad field: 422, or 400 where the contract names no 422 (C-5).
    pub(crate) bad_field: StatusCode,
    /// The largest JSON body.
    pub(crate) json_limit: JsonLimit,
}

/// The largest JSON body of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonLimit {
    /// As large as most.
    Usual,
    /// So many bytes.
    Bytes(usize),
    /// With room for an image.
    Images,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// Whoever has a token.
    Private,
}

/// A route, as others may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// The method.
    pub method: Method,
    /// The path, with `{…}` where a value stands.
    pub path: &'static str,
    /// Whether it can be called without a token.
    pub public: bool,
}

/// All routes.
#[must_use]
pub fn route_table() -> Vec<RouteInfo> {
    let info = |endpoint: Endpoint| RouteInfo {
        method: endpoint.method,
        path: endpoint.path,
        public: endpoint.rules.access == Access::Public,
    };
    endpoints().into_iter().map(info).collect()
}

/// All routes with their rules.
pub(crate) fn rules() -> Vec<(Method, &'static str, Rules)> {
    endpoints().into_iter().map(|endpoint| (endpoint.method, endpoint.path, endpoint.rules)).collect()
}

/// Credentials are read before anybody is known, so their bodies are small.
const CREDENTIALS_LIMIT: JsonLimit = JsonLimit::Bytes(64 * 1024);

/// The table. Where two paths match, the earlier row wins.
fn endpoints() -> Vec<Endpoint> {
    use Contract::{ChatAi, ChatApi, ChatService, LlmChat, PersonaChat};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
    vec![
        Endpoint::public(LlmChat, GET, "/", info::root),
        Endpoint::public(LlmChat, GET, "/health", info::health),
        Endpoint::public(LlmChat, GET, "/health/live", info::live),
        Endpoint::public(LlmChat, GET, "/health/ready", info::ready),
        Endpoint::public(LlmChat, GET, "/config", info::config),
        Endpoint::public(LlmChat, GET, "/openapi.json", openapi::json),
        Endpoint::public(LlmChat, GET, "/docs", openapi::page),
        Endpoint::public(LlmChat, GET, "/docs/{file}", openapi::asset),
        Endpoint::public(PersonaChat, POST, "/auth/register", auth::register).json_limit(CREDENTIALS_LIMIT),
        Endpoint::public(PersonaChat, POST, "/auth/login", auth::login).json_limit(CREDENTIALS_LIMIT),
        Endpoint::private(PersonaChat, GET, "/auth/me", auth::me),
        Endpoint::private(LlmChat, POST, "/chat", llm_chat::chat).json_limit(JsonLimit::Images),
        Endpoint::private(LlmChat, POST, "/conversations", conversations::create),
        Endpoint::private(LlmChat, GET, "/conversations", conversations::list),
        Endpoint::private(
            ChatService,
            GET,
            "/conversations/project/{project_id}",
            conversations::list_of_project,
        ),
        Endpoint::private(LlmChat, GET, "/conversations/{id}", conversations::find),
        Endpoint::private(LlmChat, PATCH, "/conversations/{id}", conversations::patch),
        Endpoint::private(LlmChat, DELETE, "/conversations/{id}", conversations::delete),
        Endpoint::private(LlmChat, POST, "/conversations/{id}/restore", conversations::restore),
        Endpoint::private(LlmChat, GET, "/conversations/{id}/messages", conversations::messages),
        Endpoint::private(ChatService, POST, "/conversations/{id}/messages", conversations::send),
        Endpoint::private(LlmChat, POST, "/conversations/{id}/stop", turns::stop),
        Endpoint::private(LlmChat, GET, "/turns/{id}/events", turns::events),
        Endpoint::private(ChatApi, POST, "/v1/chat/sessions", chat_api::create).bad_field(BAD_REQUEST),
        Endpoint::private(ChatApi, DELETE, "/v1/chat/sessions/{session_id}", chat_api::delete)
            .bad_field(BAD_REQUEST),
        Endpoint::private(ChatApi, POST, "/api/chat/sessions/{session_id}/upload", chat_api::upload),
        Endpoint::private(ChatAi, POST, "/conversation", chat_ai::create),
        Endpoint::private(ChatAi, GET, "/conversation", chat_ai::list),
        Endpoint::private(ChatAi, POST, "/conversation/completion/{id}", chat_ai::complete),
        Endpoint::private(PersonaChat, POST, "/personas", personas::create),
        Endpoint::private(PersonaChat, GET, "/personas", personas::list),
        Endpoint::private(PersonaChat, GET, "/personas/{id}", personas::find),
        Endpoint::private(PersonaChat, PUT, "/personas/{id}", personas::update),
        Endpoint::private(PersonaChat, DELETE, "/personas/{id}", personas::delete),
        Endpoint::private(PersonaChat, POST, "/chat/conversations", persona_chat::create),
        Endpoint::private(PersonaChat, GET, "/chat/conversations", persona_chat::list),
        Endpoint::private(PersonaChat, GET, "/chat/conversations/{id}", persona_chat::find),
        Endpoint::private(PersonaChat, PUT, "/chat/conversations/{id}", persona_chat::update),
        Endpoint::private(PersonaChat, DELETE, "/chat/conversations/{id}", persona_chat::delete),
        Endpoint::private(PersonaChat, POST, "/chat/conversations/{id}/send", persona_chat::send),
        Endpoint::private(PersonaChat, GET, "/chat/conversations/{id}/messages", persona_chat::messages),
        Endpoint::private(PersonaChat, DELETE, "/chat/messages/{id}", persona_chat::delete_message),
        Endpoint::private(PersonaChat, GET, "/chat/stats", persona_chat::stats),
        Endpoint::public(PersonaChat, GET, "/chat/health", persona_chat::health),
    ]
}

struct Endpoint {
    method: Method,
    path: &'static str,
    rules: Rules,
    handler: Route,
}

impl Rules {
    /// The rules of a contract's private route.
    pub(crate) fn of(contract: Contract) -> Self {
        let bad_field = StatusCode::UNPROCESSABLE_ENTITY;
        Self { contract, access: Access::Private, bad_field, json_limit: JsonLimit::Usual }
    }
}

impl Endpoint {
    fn private<F, Args>(contract: Contract, method: Method, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self { method, path, rules: Rules::of(contract), handler: Route::new().to(handler) }
    }

    fn public<F, Args>(contract: Contract, method: Method, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let mut endpoint = Self::private(contract, method, path, handler);
        endpoint.rules.access = Access::Public;
        endpoint
    }

    /// Another status for a bad field than 422.
    fn bad_field(mut self, status: StatusCode) -> Self {
        self.rules.bad_field = status;
        self
    }

    fn json_limit(mut self, limit: JsonLimit) -> Self {
        self.rules.json_limit = limit;
        self
    }

    /// The methods it answers: whoever can be read can also be looked at.
    fn methods(&self) -> Vec<Method> {
        let head = (self.method == Method::GET).then_some(Method::HEAD);
        std::iter::once(self.method.clone()).chain(head).collect()
    }

    fn into_route(self) -> Route {
        let methods = self.methods();
        let Self { rules, handler, .. } = self;
        handler
            .guard(guard::fn_guard(move |context| methods.contains(&context.head().method)))
            .wrap(from_fn(move |request, next| authenticate::run(rules, request, next)))
    }
}

/// Installs all routes; what is none of them is answered in our words too.
pub(crate) fn install(config: &mut ServiceConfig) {
    let mut rest = endpoints();
    while let Some(path) = rest.first().map(|endpoint| endpoint.path) {
        let (same, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|endpoint| endpoint.path == path);
        config.service(resource(path, same));
        rest = others;
    }
    config.default_service(web::to(no_route));
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
