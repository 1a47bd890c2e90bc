//! Rules that several fields have in common.

use std::fmt::Display;

use domain::{JsonText, MessageKey};
use serde_json::{Map, Value};
use validator::{Validate, ValidationErrors};

use crate::error::FieldError;

/// The parsed value of a field. The error says which rule the field breaks.
pub(crate) fn parsed<T>(param: &str, result: Result<T, impl Display>) -> Result<T, FieldError> {
    result.map_err(|error| FieldError::new(param, error))
}

/// A text of a user: not blank, without control characters, at most `max_chars` characters.
pub(crate) fn text(param: &str, raw: &str, max_chars: usize) -> Result<String, FieldError> {
    parsed(param, domain::text::clean(raw, max_chars))
}

/// A parameter that names a message, in any form of its id.
pub(crate) fn message_key(param: &str, raw: Option<&str>) -> Result<Option<MessageKey>, FieldError> {
    let Some(raw) = raw else { return Ok(None) };
    let key = MessageKey::parse(raw);
    key.map(Some).ok_or_else(|| FieldError::new(param, "must be the id or the number of a message"))
}

/// The limits of a JSON object, a little above those of the Conversations API of `OpenAI`.
const OBJECT_BYTES: usize = 16 * 1024;
const OBJECT_KEYS: usize = 16;
const OBJECT_DEPTH: usize = 32;

/// A JSON object of the caller, which is stored unchanged.
pub(crate) fn object(param: &str, object: Map<String, Value>) -> Result<JsonText, FieldError> {
    if object.len() > OBJECT_KEYS {
        return Err(FieldError::new(param, format_args!("must have at most {OBJECT_KEYS} keys")));
    }
    let value = Value::Object(object);
    if !is_storable(&value, OBJECT_DEPTH) {
        let rule = format_args!("must not contain the character U+0000 or more than {OBJECT_DEPTH} levels");
        return Err(FieldError::new(param, rule));
    }
    let json = value.to_string();
    if json.len() > OBJECT_BYTES {
        return Err(FieldError::new(param, format_args!("must have at most {OBJECT_BYTES} bytes")));
    }
    Ok(JsonText::from_parsed(json))
}

fn is_storable(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return false };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.contains('\0'),
        Value::Array(values) => values.iter().all(|value| is_storable(value, below)),
        Value::Object(entries) => {
            entries.iter().all(|(key, value)| !key.contains('\0') && is_storable(value, below))
        }
    }
}

/// Checks the rules that a request declares. If several are broken, the error is about the first field by name.
pub(super) fn check(request: &impl Validate) -> Result<(), FieldError> {
    request.validate().map_err(|errors| first(&errors))
}

fn first(errors: &ValidationErrors) -> FieldError {
    let fields = errors.field_errors();
    let Some((field, broken)) = fields.iter().min_by_key(|(field, _)| *field) else {
        return FieldError::whole("the request is not valid");
    };
    let rule = broken.iter().find_map(|error| error.message.as_deref()).unwrap_or("is not valid");
    FieldError::new(field, rule)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(value: Value) -> Result<JsonText, FieldError> {
        let Value::Object(entries) = value else { panic!("an object is given") };
        object("metadata", entries)
    }

    #[test]
    fn objects_keep_their_types() {
        let value = json!({"a": true, "b": 1, "c": 1.5, "d": null, "e": ["x"]});
        assert_eq!(parsed(value.clone()).unwrap().as_str(), value.to_string());
    }

    #[test]
    fn objects_have_limits() {
        let mut nested = json!(1);
        for _ in 0..40 {
            nested = json!({ "a": nested });
        }
        let wide: Map<String, Value> = (0..17).map(|key| (key.to_string(), json!(1))).collect();
        let large = json!({"a": "x".repeat(OBJECT_BYTES)});
        for value in [nested, Value::Object(wide), large, json!({"a": "\0"}), json!({"\0": 1})] {
            assert_eq!(parsed(value).unwrap_err().param.as_deref(), Some("metadata"));
        }
    }

    #[test]
    fn the_message_of_a_broken_rule_is_a_sentence() {
        let error = text("content", " ", 10).unwrap_err();
        assert_eq!(error.message, "content must not be empty");
        assert_eq!(text("content", "a\0", 10).unwrap_err().param.as_deref(), Some("content"));
        assert_eq!(text("content", "a\u{7}b", 2).unwrap(), "ab");
    }
}
