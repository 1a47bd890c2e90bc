//! What holds for an endpoint before its handler runs.

use actix_web::http::StatusCode;
use domain::Contract;

/// The rules of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The contract whose error table is used.
    pub(crate) contract: Contract,
    /// Who may call it.
    pub(crate) access: Access,
    /// The status of an invalid field: 422, or 400 where the contract names no 422 (C-5).
    pub(crate) bad_field: StatusCode,
    /// The largest JSON body.
    pub(crate) json_limit: JsonLimit,
}

/// The largest JSON body of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonLimit {
    /// The limit of the settings.
    Usual,
    /// A limit of its own, in bytes.
    Bytes(usize),
    /// The largest image of the settings in Base64, and room for the rest of the body.
    Images,
}

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every client.
    Public,
    /// Clients with a valid token.
    Private,
}

impl Rules {
    /// The rules of a contract's private endpoints, where they state nothing else.
    pub(crate) fn of(contract: Contract) -> Self {
        let bad_field = StatusCode::UNPROCESSABLE_ENTITY;
        Self { contract, access: Access::Private, bad_field, json_limit: JsonLimit::Usual }
    }
}
