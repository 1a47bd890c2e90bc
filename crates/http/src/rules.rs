//! The rules of an endpoint, which are applied before its handler runs.

use actix_web::http::StatusCode;
use domain::Contract;

/// The rules of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The contract, which decides the statuses and the messages of errors.
    pub(crate) contract: Contract,
    /// Whether a token is needed.
    pub(crate) access: Access,
    /// The status of an invalid field: 422, or 400 where the contract has no 422 (C-5).
    pub(crate) bad_field: StatusCode,
    /// The largest JSON body.
    pub(crate) json_limit: JsonLimit,
}

/// The largest JSON body of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonLimit {
    /// The limit in the settings.
    Default,
    /// A limit in bytes.
    Bytes(usize),
    /// The size of the largest allowed image in Base64, and 1 MiB for the rest of the body.
    Images,
}

/// Whether an endpoint needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// No token is needed.
    Public,
    /// A valid token is needed.
    Private,
}

impl Rules {
    /// The default rules of a contract: a token is needed, and an invalid field is 422.
    pub(crate) fn new(contract: Contract) -> Self {
        let bad_field = StatusCode::UNPROCESSABLE_ENTITY;
        Self { contract, access: Access::Private, bad_field, json_limit: JsonLimit::Default }
    }
}
