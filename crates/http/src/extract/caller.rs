//! The authenticated caller.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use domain::Caller;

use crate::error::ApiError;

/// The caller that the middleware has authenticated.
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // If an endpoint with this extractor were public by mistake, every call would be refused.
        let caller = request.extensions().get::<Caller>().cloned();
        ready(caller.map(Self).ok_or_else(ApiError::no_token))
    }
}
