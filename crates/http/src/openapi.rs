//! The parts of which dialects make the descriptions of their endpoints for `/openapi.json`.
//!
//! Schemas come from the types that the dialects read and write, error examples from real error values, and the rest
//! from the rules of the endpoint. Examples are those of the contracts' documents if they have one.

mod errors;
pub(crate) mod headers;
mod operation;
pub(crate) mod parameters;
pub(crate) mod tags;

use serde_json::Value;

pub(crate) use errors::ERROR_SCHEMA;
pub(crate) use operation::{BEARER, OperationDoc};

/// An example with some keys added or replaced.
pub(crate) fn with(mut example: Value, changes: Value) -> Value {
    if let (Value::Object(keys), Value::Object(changes)) = (&mut example, changes) {
        keys.extend(changes);
    }
    example
}
