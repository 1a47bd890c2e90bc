//! The page at `/docs`: Swagger UI, which the binary holds whole, so that it works without internet.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ContentType};
use actix_web::web::Path;
use actix_web::{HttpResponse, HttpResponseBuilder};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::error::{ApiError, HandlerResult};

/// The page. Its files are named from the root: `/docs` and `/docs/` are one page, and relative names would differ.
static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("page/index.html").replace("{version}", &version()));
const START: &str = include_str!("page/start.js");
const STYLE: &str = include_str!("page/style.css");

/// The files of Swagger UI that the page asks for.
const OF_SWAGGER_UI: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// Scripts, styles and calls of this host alone. Swagger UI draws its arrows from `data:` images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const A_YEAR: &str = "public, max-age=31536000, immutable";

/// `GET /docs`
pub(crate) async fn page() -> HandlerResult {
    Ok(answer("no-cache").insert_header(ContentType::html()).body(PAGE.as_str()))
}

/// `GET /docs/{file}`
pub(crate) async fn asset(file: Path<String>) -> HandlerResult {
    match file.as_str() {
        "start.js" => Ok(answer(A_YEAR).content_type("text/javascript; charset=utf-8").body(START)),
        "style.css" => Ok(answer(A_YEAR).content_type("text/css; charset=utf-8").body(STYLE)),
        name if OF_SWAGGER_UI.contains(&name) => of_swagger_ui(name),
        _ => Err(ApiError::no_route()),
    }
}

/// A word that changes with the files, so that they can be kept for long.
fn version() -> String {
    let mut hasher = DefaultHasher::new();
    (START, STYLE).hash(&mut hasher);
    for name in OF_SWAGGER_UI {
        if let Ok(file) = held(name) {
            file.bytes.hash(&mut hasher);
        }
    }
    format!("{:x}", hasher.finish())
}

fn held(name: &str) -> Result<SwaggerFile<'static>, ApiError> {
    let found = utoipa_swagger_ui::serve(name, Arc::new(Config::default()));
    found.map_err(|error| ApiError::internal(error.to_string()))?.ok_or_else(ApiError::no_route)
}

fn of_swagger_ui(name: &str) -> HandlerResult {
    let file = held(name)?;
    let mut answer = answer(A_YEAR);
    answer.content_type(file.content_type);
    if file.gzpipped {
        answer.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(match file.bytes {
        Cow::Borrowed(bytes) => answer.body(bytes),
        Cow::Owned(bytes) => answer.body(bytes),
    })
}

fn answer(caching: &'static str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CONTENT_SECURITY_POLICY, POLICY)).insert_header((CACHE_CONTROL, caching));
    answer
}
