//! The words in which endpoints describe themselves for `/openapi.json`.
//!
//! Schemas come from the very types that the dialects read and write, errors from the errors themselves, and the rest
//! from the endpoint's own rules. The examples are those of the contracts' documents where they have one.

mod errors;
pub(crate) mod headers;
mod operation;
pub(crate) mod parameters;
pub(crate) mod tags;

pub(crate) use errors::ERROR_SCHEMA;
pub(crate) use operation::{BEARER, OperationDoc};
