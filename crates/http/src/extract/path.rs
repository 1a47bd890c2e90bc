//! Parameters in the path.

use std::future::{Ready, ready};
use std::num::{IntErrorKind, ParseIntError};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use domain::{ConversationKey, ProjectId, TurnId};
use uuid::Uuid;

use super::field::parsed;
use crate::error::{ApiError, FieldError};

/// A conversation. The response names it as the request does (C-3).
pub(crate) struct ConversationPath {
    /// The id as written in the request.
    pub(crate) written: String,
    /// The conversation that it names.
    pub(crate) key: ConversationKey,
}

/// A turn.
pub(crate) struct TurnPath(pub(crate) TurnId);

/// A project.
pub(crate) struct ProjectPath(pub(crate) ProjectId);

/// A number.
pub(crate) struct NumberPath(pub(crate) i64);

/// The one parameter of a path, decoded.
fn value(request: &HttpRequest) -> Option<String> {
    request.match_info().load().ok()
}

impl FromRequest for ConversationPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let named =
            value(request).and_then(|written| Some(Self { key: ConversationKey::parse(&written)?, written }));
        ready(named.ok_or_else(ApiError::no_conversation))
    }
}

impl FromRequest for TurnPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = value(request).and_then(|text| Uuid::try_parse(&text).ok());
        ready(id.map(|id| Self(TurnId(id))).ok_or_else(ApiError::no_turn))
    }
}

impl FromRequest for NumberPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = request.match_info().iter().next().map_or("id", |(name, _)| name);
        let text = value(request).unwrap_or_default();
        let number = text.parse().or_else(|error: ParseIntError| match error.kind() {
            // A valid number that is too large for us: nothing has it, so it is not found.
            kind if *kind == IntErrorKind::PosOverflow => Ok(i64::MAX),
            kind if *kind == IntErrorKind::NegOverflow => Ok(i64::MIN),
            _ => Err(FieldError::new(name, "must be an integer")),
        });
        ready(number.map(Self).map_err(ApiError::from))
    }
}

impl FromRequest for ProjectPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = value(request).unwrap_or_default();
        let project = parsed("project_id", ProjectId::parse(&text));
        ready(project.map(Self).map_err(ApiError::from))
    }
}
