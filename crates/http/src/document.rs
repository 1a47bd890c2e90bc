//! The API description, `/openapi.json`: made of the descriptions of all endpoints.

use std::collections::BTreeMap;

use actix_web::http::Method;
use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Server};
use utoipa::{PartialSchema, ToSchema};

use crate::endpoint::Endpoint;
use crate::error::ErrorBody;
use crate::openapi::{BEARER, ERROR_SCHEMA, headers, tags};

/// The API description of these endpoints.
pub(crate) fn build(endpoints: Vec<Endpoint>) -> OpenApi {
    let mut schemas = BTreeMap::from([(ERROR_SCHEMA.to_owned(), ErrorBody::schema())]);
    let mut nested = Vec::new();
    ErrorBody::schemas(&mut nested);
    schemas.extend(nested);
    let mut paths = PathsBuilder::new();
    for Endpoint { method, path, rules, doc, .. } in endpoints {
        let (Some(doc), Some(method)) = (doc, http_method(&method)) else { continue };
        let (operation, named) = doc().build(&rules);
        schemas.extend(named);
        paths = paths.path(path, PathItem::new(method, operation));
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "The `access_token` of `POST /auth/login`, or a token of another issuer that the service is configured to trust.",
    ));
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(BEARER, SecurityScheme::Http(bearer.build()))
        .build();
    components.headers.extend(headers::all());
    let info = InfoBuilder::new()
        .title("OmniChat")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("document/introduction.md")));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(tags::all()))
        .paths(paths)
        .components(Some(components))
        .build()
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

#[cfg(test)]
mod tests;
