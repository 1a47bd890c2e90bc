//! Booleans in the forms that clients write (C-11).

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// Reads a boolean in a body or a query: `true`, `1`, `"yes"`, `"On"` and so on; `null` is `None`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    deserializer.deserialize_any(Flag)
}

/// The schema of such a boolean.
pub(crate) fn flag_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Boolean, Type::String, Type::Null]))
        .description(Some("Whether to stream the reply. A boolean, or one of the strings `\"true\"`, `\"false\"`, `\"yes\"`, `\"no\"`, `\"on\"`, `\"off\"`, `\"1\"` and `\"0\"`"))
        .default(Some(false.into()))
        .build()
}

struct Flag;

impl Visitor<'_> for Flag {
    type Value = Option<bool>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        match value {
            0 => Ok(Some(false)),
            1 => Ok(Some(true)),
            _ => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        let flag = domain::text::flag(value);
        flag.map(Some).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Request {
        #[serde(default, deserialize_with = "super::flag")]
        stream: Option<bool>,
    }

    fn read(json: &str) -> Result<Option<bool>, serde_json::Error> {
        serde_json::from_str::<Request>(json).map(|request| request.stream)
    }

    #[test]
    fn booleans_are_read_in_all_forms() {
        for form in ["true", "1", "\"true\"", "\"1\"", "\"YES\"", "\"On\"", "\"True\""] {
            assert_eq!(read(&format!("{{\"stream\":{form}}}")).unwrap(), Some(true), "{form}");
        }
        for form in ["false", "0", "\"false\"", "\"0\"", "\"no\"", "\"OFF\""] {
            assert_eq!(read(&format!("{{\"stream\":{form}}}")).unwrap(), Some(false), "{form}");
        }
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read("{\"stream\":null}").unwrap(), None);
    }

    #[test]
    fn other_values_are_refused() {
        for form in ["\"maybe\"", "\"\"", "2", "-1", "[]", "{}", "1.0"] {
            assert!(read(&format!("{{\"stream\":{form}}}")).is_err(), "{form}");
        }
    }
}
