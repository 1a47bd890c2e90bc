//! Ids and names in the path.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use domain::{ConversationKey, ProjectId, TurnId};
use uuid::Uuid;

use super::field::FieldError;
use crate::error::Refusal;

/// A conversation as the request names it. The answer names it in the same words (C-3).
pub(crate) struct ConversationPath {
    /// As it was written.
    pub(crate) written: String,
    /// What it names.
    pub(crate) key: ConversationKey,
}

/// A turn.
pub(crate) struct TurnPath(pub(crate) TurnId);

/// A project.
pub(crate) struct ProjectPath(pub(crate) ProjectId);

/// The one value of a path, decoded.
fn value(request: &HttpRequest) -> Option<String> {
    request.match_info().load().ok()
}

impl FromRequest for ConversationPath {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let named =
            value(request).and_then(|written| Some(Self { key: ConversationKey::parse(&written)?, written }));
        ready(named.ok_or_else(Refusal::no_conversation))
    }
}

impl FromRequest for TurnPath {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = value(request).and_then(|text| Uuid::try_parse(&text).ok());
        ready(id.map(|id| Self(TurnId(id))).ok_or_else(Refusal::no_turn))
    }
}

impl FromRequest for ProjectPath {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = value(request).unwrap_or_default();
        let project = ProjectId::parse(&text).map_err(|error| FieldError::new("project_id", error));
        ready(project.map(Self).map_err(Refusal::from))
    }
}
