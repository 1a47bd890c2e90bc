//! Parameters in the query.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};
use domain::Page;
use domain::limits::LIST_ROWS;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use validator::Validate;

use super::field::check;
use crate::error::{ApiError, FieldError};

/// The parameters in the query.
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for QueryParams<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self).map_err(ApiError::from))
    }
}

fn parse<T: DeserializeOwned + Validate>(query: &str) -> Result<T, FieldError> {
    let located: Query<Located<T>> =
        Query::from_query(query).map_err(|_| FieldError::whole("the query cannot be read"))?;
    let request = located.into_inner().0?;
    check(&request)?;
    Ok(request)
}

/// A value, or the error with the name of the invalid parameter, which the error of the framework does not have.
struct Located<T>(Result<T, FieldError>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = serde_path_to_error::deserialize(deserializer);
        Ok(Self(read.map_err(|error| locate(error.path(), &error.inner().to_string()))))
    }
}

/// The longest message that is made from an error of the parser, which may hold the value.
const MAX_MESSAGE_CHARS: usize = 300;

/// Turns an error of the parser into the error of the field at `path`.
pub(super) fn locate(path: &serde_path_to_error::Path, message: &str) -> FieldError {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _position)| message);
    let parent = Some(path.to_string()).filter(|path| path != ".");
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    if let Some(name) = missing {
        let param = parent.map_or_else(|| name.to_owned(), |parent| format!("{parent}.{name}"));
        return FieldError::new(&param, "is required");
    }
    let message: String = message.chars().take(MAX_MESSAGE_CHARS).collect();
    match parent {
        Some(param) => FieldError { message: format!("{param}: {message}"), param: Some(param) },
        None => FieldError { param: None, message },
    }
}

/// The query of lists whose contract does not define paging (C-40).
#[derive(Debug, serde::Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct ListQuery {
    /// The largest number of items in the response.
    #[validate(range(min = 1, max = "domain::limits::LIST_ROWS", message = "must be between 1 and 1000"))]
    #[param(minimum = 1, maximum = 1000, default = 1000, example = 50)]
    limit: Option<u32>,
    /// How many items to skip.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl ListQuery {
    /// The requested page.
    pub(crate) fn page(&self) -> Page {
        Page { limit: self.limit.unwrap_or(LIST_ROWS), offset: self.offset.unwrap_or(0) }
    }
}

/// A page with a number, as contract S1 asks for it and names it in its responses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberedPage {
    /// The number, from 1.
    pub(crate) number: u32,
    /// The largest number of items on a page.
    pub(crate) size: u32,
}

impl NumberedPage {
    /// The rows of the page. Nobody has as many as an offset can count.
    pub(crate) fn rows(self) -> Page {
        Page { limit: self.size, offset: self.number.saturating_sub(1).saturating_mul(self.size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<Page, FieldError> {
        parse::<ListQuery>(query).map(|query| query.page())
    }

    #[test]
    fn lists_have_a_limit() {
        assert_eq!(page("").unwrap(), Page { limit: 1000, offset: 0 });
        assert_eq!(page("limit=20&offset=3&other=x").unwrap(), Page { limit: 20, offset: 3 });
        for query in ["limit=0", "limit=1001", "limit=-1", "limit=", "limit=x", "limit=9223372036854775808"] {
            assert_eq!(page(query).unwrap_err().param.as_deref(), Some("limit"), "{query}");
        }
        assert_eq!(page("offset=1000001").unwrap_err().message, "offset must be at most 1000000");
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert!(page("limit=1&limit=2").is_err());
    }
}
