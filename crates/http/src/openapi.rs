//! The description of the API: `/openapi.json`, and `/docs`, the page that shows it and lets it be tried.
//!
//! Schemas come from the very types that the dialects read and write, errors from the errors themselves, and what holds
//! for a route from the table of routes. The examples are those of the contracts' own documents where they have one.

mod accounts;
mod chat_ai;
mod chat_api;
mod conversations;
mod headers;
mod llm_chat;
mod operation;
mod page;
mod parameters;
mod persona_chat;
mod personas;
mod refusals;
mod service;
mod turns;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::Bytes;
use domain::Contract;
use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Server};
use utoipa::{PartialSchema, ToSchema};

use crate::error::{ErrorBody, HandlerResult};
use crate::routes::{self, Rules};
use operation::{BEARER, Described};
pub(crate) use page::{asset, page};

/// The name of the schema of every error.
const ERROR: &str = "Error";

const LLM_CHAT: &str = "LLM Chat API";
const CHAT_API: &str = "Chat API";
const CHAT_SERVICE: &str = "Chat Service";
const CHAT_AI: &str = "ChatAI-API";
const PERSONA_CHAT: &str = "Persona Chat";
const ACCOUNTS: &str = "Accounts";
const TURNS: &str = "Turns";
const SERVICE: &str = "Service";

const TAGS: [(&str, &str); 8] = [
    (ACCOUNTS, "Registration, sign-in, and whose token it is."),
    (LLM_CHAT, "Conversations with titles, summaries and costs, and JSON streams."),
    (CHAT_API, "Sessions with a model of their own, and files for it to read."),
    (CHAT_SERVICE, "Conversations of a project."),
    (CHAT_AI, "Conversations with their messages inside, and plain text streams."),
    (PERSONA_CHAT, "Personas, and conversations with them."),
    (TURNS, "Watching and stopping an answer while it is written, whichever contract began it."),
    (SERVICE, "What the service says of itself."),
];

/// `GET /openapi.json`
pub(crate) async fn json() -> HandlerResult {
    static JSON: LazyLock<Result<Bytes, serde_json::Error>> =
        LazyLock::new(|| serde_json::to_vec(&document()).map(Bytes::from));
    let json = JSON.as_ref().map_err(|error| crate::error::ApiError::internal(error.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::json())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(json.clone()))
}

/// What every route is described as.
fn described() -> Vec<Described> {
    let all = [
        accounts::operations(),
        llm_chat::operations(),
        conversations::operations(),
        chat_api::operations(),
        chat_ai::operations(),
        personas::operations(),
        persona_chat::operations(),
        turns::operations(),
        service::operations(),
    ];
    all.into_iter().flatten().collect()
}

/// The whole description.
fn document() -> OpenApi {
    let rules = routes::rules();
    let mut schemas = BTreeMap::from([(ERROR.to_owned(), ErrorBody::schema())]);
    let mut nested = Vec::new();
    ErrorBody::schemas(&mut nested);
    schemas.extend(nested);
    let mut paths = PathsBuilder::new();
    for described in described() {
        let Some(method) = http_method(&described.method) else { continue };
        let path = described.path;
        let found = rules.iter().find(|(method, at, _)| *method == described.method && *at == path);
        let rules = found.map_or_else(|| Rules::of(Contract::LlmChat), |(_, _, rules)| *rules);
        let (operation, named) = described.build(&rules);
        schemas.extend(named);
        paths = paths.path(path, PathItem::new(method, operation));
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "The `access_token` of `POST /auth/login`, or a token of an issuer that is known here.",
    ));
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(BEARER, SecurityScheme::Http(bearer.build()))
        .build();
    components.headers.extend(headers::all());
    let info = InfoBuilder::new()
        .title("OmniChat")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("openapi/introduction.md")));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(TAGS.map(tag)))
        .paths(paths)
        .components(Some(components))
        .build()
}

fn tag((name, description): (&str, &str)) -> Tag {
    TagBuilder::new().name(name).description(Some(description)).build()
}

fn http_method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    })
}

/// A boolean in a body, as clients write it (C-11).
pub(crate) fn flag() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Boolean, Type::String, Type::Null]))
        .description(Some("A boolean, or a word for one: `\"true\"`, `\"false\"`, `\"yes\"`, `\"no\"`, …"))
        .default(Some(false.into()))
        .build()
}

#[cfg(test)]
mod tests;
