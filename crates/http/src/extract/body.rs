//! JSON bodies, read with a limit of size and of time.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use validator::Validate;

use super::field::check;
use super::query::locate;
use crate::HttpSettings;
use crate::error::{ApiError, FieldError};
use crate::rules::{JsonLimit, Rules};

/// A body that is read but not yet parsed, for endpoints where it is optional.
pub(crate) struct RawBody {
    bytes: Bytes,
    is_json: bool,
}

/// A JSON object as the body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl RawBody {
    /// Parses the JSON object in it; `None` if the body is empty.
    pub(crate) fn optional<T: DeserializeOwned + Validate>(&self) -> Result<Option<T>, ApiError> {
        if self.bytes.is_empty() { Ok(None) } else { self.parse().map(Some) }
    }

    fn parse<T: DeserializeOwned + Validate>(&self) -> Result<T, ApiError> {
        if !self.is_json {
            return Err(ApiError::malformed("The Content-Type must be application/json"));
        }
        let not_text = |_| ApiError::malformed("The body is not valid JSON (it is not UTF-8)");
        let text = std::str::from_utf8(&self.bytes).map_err(not_text)?;
        // `serde` would also read a struct from an array, in the order of its fields.
        if !text.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| broken(&error))?;
            return Err(FieldError::whole("The body must be a JSON object").into());
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let request: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            // If the body is not valid JSON after the invalid field, that is the error to report.
            let broken_later = serde_json::from_str::<IgnoredAny>(text).err();
            broken_later.map_or_else(|| invalid(&error), |error| broken(&error))
        })?;
        deserializer.end().map_err(|error| broken(&error))?;
        check(&request)?;
        Ok(request)
    }
}

fn invalid(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    match error.inner().classify() {
        Category::Data => locate(error.path(), &error.inner().to_string()).into(),
        Category::Io | Category::Syntax | Category::Eof => broken(error.inner()),
    }
}

fn broken(error: &serde_json::Error) -> ApiError {
    let message = error.to_string();
    // The body is valid JSON; only the parser limits the nesting.
    if message.starts_with("recursion limit") {
        return FieldError::whole("The body is nested too deeply").into();
    }
    let position = format!("line {}, column {}", error.line(), error.column());
    ApiError::malformed(format!("The body is not valid JSON ({position})"))
}

impl FromRequest for RawBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let rules = request.extensions().get::<Rules>().copied();
        let settings = request.app_data::<Data<HttpSettings>>();
        let default = settings.map_or(1024 * 1024, |settings| settings.json_limit);
        let limit = match rules.map_or(JsonLimit::Default, |rules| rules.json_limit) {
            JsonLimit::Default => default,
            JsonLimit::Bytes(limit) => limit,
            JsonLimit::Images => settings.map_or(default, |settings| settings.image_json_limit()),
        };
        let time = body_time(request, limit);
        let too_large = declared_length(request) > limit;
        let is_json = is_json(request.content_type());
        let payload = payload.take();
        Box::pin(async move {
            if too_large {
                return Err(ApiError::too_large(limit));
            }
            let bytes = tokio::time::timeout(time, read(payload, limit)).await;
            Ok(Self { bytes: bytes.map_err(|_| ApiError::too_slow())??, is_json })
        })
    }
}

/// The lowest rate at which a body may arrive: half a megabit per second.
const LOWEST_BYTES_PER_SECOND: usize = 64 * 1024;

/// How long a body of at most `limit` bytes may take to arrive.
pub(crate) fn body_time(request: &HttpRequest, limit: usize) -> Duration {
    let settings = request.app_data::<Data<HttpSettings>>();
    let any_body = settings.map_or(Duration::from_secs(30), |settings| settings.body_timeout);
    let bytes = if request.headers().contains_key(CONTENT_LENGTH) { declared_length(request) } else { limit };
    any_body + Duration::from_secs((bytes.min(limit) / LOWEST_BYTES_PER_SECOND) as u64)
}

/// The value of `Content-Length` in bytes; 0 without a valid one.
pub(crate) fn declared_length(request: &HttpRequest) -> usize {
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
    usize::try_from(declared).unwrap_or(usize::MAX)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::malformed("The body could not be read"))?;
        if body.len() + chunk.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = RawBody::from_request(request, payload);
        Box::pin(async move { body.await?.parse().map(Self) })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, Validate)]
    struct Request {
        name: String,
        #[validate(range(min = 1, message = "must be at least 1"))]
        count: Option<u32>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its type matters")]
        list: Vec<u8>,
    }

    fn parse(json: &str) -> Result<Request, ApiError> {
        RawBody { bytes: Bytes::copy_from_slice(json.as_bytes()), is_json: true }.parse()
    }

    fn code_and_message(json: &str) -> (&'static str, String) {
        let error = parse(json).unwrap_err();
        (error.code(), error.to_string())
    }

    #[test]
    fn unknown_fields_are_ignored_and_null_is_the_same_as_absent() {
        let request = parse(r#"{"name":"a","count":null,"owner":"bob"}"#).unwrap();
        assert_eq!((request.name.as_str(), request.count), ("a", None));
        assert!(request.inner.is_none());
    }

    #[test]
    fn a_body_that_is_not_json_is_malformed() {
        let lone_surrogate = r#"{"name":"\ud800"}"#;
        let with_bom = "\u{feff}{\"name\":\"a\"}";
        let broken_later = ["{}}", "{\"name\":5", "{\"name\":5,\"x\":nul}"];
        let broken = ["{", "", "{\"name\":\"a\"}x", "{name:1}", "nul", lone_surrogate, with_bom];
        for json in broken.into_iter().chain(broken_later) {
            assert_eq!(code_and_message(json).0, "invalid_json", "{json}");
        }
    }

    #[test]
    fn a_body_that_is_not_utf8_is_malformed() {
        let body = RawBody { bytes: Bytes::from_static(b"{\"name\":\"a\",\"x\":\"\xff\"}"), is_json: true };
        assert_eq!(body.parse::<Request>().unwrap_err().code(), "invalid_json");
    }

    #[test]
    fn an_invalid_field_is_named_with_its_path() {
        let cases = [
            (r#"{"name":5}"#, "name: invalid type: integer `5`, expected a string"),
            (r"{}", "name is required"),
            (r#"{"name":null}"#, "name: invalid type: null, expected a string"),
            (r#"{"name":"a","count":0}"#, "count must be at least 1"),
            (r#"{"name":"a","inner":{}}"#, "inner.list is required"),
            (
                r#"{"name":"a","inner":{"list":[1,"x"]}}"#,
                "inner.list[1]: invalid type: string \"x\", expected u8",
            ),
            (r#"{"name":"a","name":"b"}"#, "duplicate field `name`"),
        ];
        for (json, message) in cases {
            assert_eq!(code_and_message(json), ("validation_error", message.to_owned()), "{json}");
        }
    }

    #[test]
    fn a_body_must_be_an_object() {
        for json in ["[]", "[\"a\"]", "null", "\"\"", "1"] {
            assert_eq!(code_and_message(json).0, "validation_error", "{json}");
        }
    }

    #[test]
    fn too_deep_nesting_is_a_validation_error() {
        let deep = format!("{{\"name\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        assert_eq!(code_and_message(&deep).0, "validation_error");
    }

    #[test]
    fn a_value_in_a_message_is_shortened() {
        let long = format!("{{\"name\":\"a\",\"count\":\"{}\"}}", "x".repeat(10_000));
        assert!(code_and_message(&long).1.len() < 400);
    }

    #[test]
    fn json_has_several_content_types() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(json), "{json}");
        }
        for other in ["", "text/plain", "application/x-www-form-urlencoded", "text/x+json"] {
            assert!(!is_json(other), "{other}");
        }
    }
}
