//! The API description, and a page that shows it: Swagger UI, embedded in the binary so that it works offline.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ContentType};
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{HttpResponse, HttpResponseBuilder};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::undescribed("/openapi.json", web::to(document)),
        Endpoint::undescribed("/docs", web::to(page)),
        Endpoint::undescribed("/docs/{file}", web::to(asset)),
    ]
}

/// A function that returns the API description as JSON.
pub(crate) struct DocumentSource(pub(crate) fn() -> Result<Bytes, ApiError>);

/// The page. Its files have absolute paths, because `/docs` and `/docs/` are the same page.
static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("docs/index.html").replace("{version}", &version()));
const START: &str = include_str!("docs/start.js");
const STYLE: &str = include_str!("docs/style.css");

/// The files of Swagger UI that the page uses.
const SWAGGER_UI_FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// Only scripts, styles and calls of this host are allowed. Swagger UI uses `data:` images for its arrows.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files may be cached for a year, because their version is part of their URL.
const CACHE_A_YEAR: &str = "public, max-age=31536000, immutable";

/// `GET /openapi.json`
async fn document(source: Data<DocumentSource>) -> HandlerResult {
    let json = (source.0)()?;
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::json())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(json))
}

/// `GET /docs`
async fn page() -> HandlerResult {
    Ok(response("no-cache").insert_header(ContentType::html()).body(PAGE.as_str()))
}

/// `GET /docs/{file}`
async fn asset(file: Path<String>) -> HandlerResult {
    match file.as_str() {
        "start.js" => Ok(response(CACHE_A_YEAR).content_type("text/javascript; charset=utf-8").body(START)),
        "style.css" => Ok(response(CACHE_A_YEAR).content_type("text/css; charset=utf-8").body(STYLE)),
        name if SWAGGER_UI_FILES.contains(&name) => swagger_ui(name),
        _ => Err(ApiError::no_route()),
    }
}

/// A hash of the files, which changes when they change.
fn version() -> String {
    let mut hasher = DefaultHasher::new();
    (START, STYLE).hash(&mut hasher);
    for name in SWAGGER_UI_FILES {
        if let Ok(file) = swagger_ui_file(name) {
            file.bytes.hash(&mut hasher);
        }
    }
    format!("{:x}", hasher.finish())
}

fn swagger_ui_file(name: &str) -> Result<SwaggerFile<'static>, ApiError> {
    let found = utoipa_swagger_ui::serve(name, Arc::new(Config::default()));
    found.map_err(|error| ApiError::internal(error.to_string()))?.ok_or_else(ApiError::no_route)
}

fn swagger_ui(name: &str) -> HandlerResult {
    let file = swagger_ui_file(name)?;
    let mut response = response(CACHE_A_YEAR);
    response.content_type(file.content_type);
    if file.gzpipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(match file.bytes {
        Cow::Borrowed(bytes) => response.body(bytes),
        Cow::Owned(bytes) => response.body(bytes),
    })
}

fn response(caching: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY)).insert_header((CACHE_CONTROL, caching));
    response
}
