//! Values in the forms that clients write: booleans (C-11), whole numbers, words, and ids as texts or numbers (C-3).

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, Unexpected, Visitor};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// Reads a boolean in a body or a query: `true`, `1`, `"yes"`, `"On"` and so on; `null` is `None`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    deserializer.deserialize_any(Flag)
}

/// The schema of the field `stream`, which is `false` by default.
pub(crate) fn flag_schema() -> Object {
    stream_schema(false)
}

/// The schema of the field `stream`, which is `true` by default.
pub(crate) fn set_flag_schema() -> Object {
    stream_schema(true)
}

fn stream_schema(default: bool) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Boolean, Type::String, Type::Null]))
        .description(Some("Whether to stream the reply. A boolean, or one of the strings `\"true\"`, `\"false\"`, `\"yes\"`, `\"no\"`, `\"on\"`, `\"off\"`, `\"1\"` and `\"0\"`"))
        .default(Some(default.into()))
        .build()
}

/// The largest whole number that every JSON reader reads exactly (RFC 8259, section 6).
const LARGEST_EXACT: u64 = 9_007_199_254_740_991;
const LARGEST_EXACT_FLOAT: f64 = 9_007_199_254_740_991.0;

/// A text that may also be written as a whole number, because other contracts show the same id as a number: `123` is
/// `"123"`.
#[derive(Debug)]
pub(crate) struct TextOrNumber(pub(crate) String);

impl<'de> Deserialize<'de> for TextOrNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumberVisitor)
    }
}

/// The schema of an optional [`TextOrNumber`] with this description.
pub(crate) fn text_or_number_schema(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Integer, Type::Null]))
        .description(Some(description))
}

struct TextOrNumberVisitor;

impl Visitor<'_> for TextOrNumberVisitor {
    type Value = TextOrNumber;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a text or a whole number from 0 to {LARGEST_EXACT}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TextOrNumber, E> {
        Ok(TextOrNumber(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<TextOrNumber, E> {
        match number {
            0..=LARGEST_EXACT => Ok(TextOrNumber(number.to_string())),
            _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<TextOrNumber, E> {
        let whole = whole(number).and_then(|whole| u64::try_from(whole).ok());
        let whole = whole.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))?;
        self.visit_u64(whole)
    }
}

/// Reads an optional whole number, which may be written with a fraction of zero: JSON has one type of number, and `5.0`
/// is 5. `null` is `None`.
pub(crate) fn some_integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(Integer(PhantomData))
}

/// Reads a whole number as [`some_integer`] does, which must not be `null`.
pub(crate) fn integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<T, D::Error> {
    some_integer(deserializer)?.ok_or_else(|| D::Error::invalid_type(Unexpected::Unit, &"a whole number"))
}

/// Reads one of the words of an enum. By itself, `serde_json` takes a word that is not a text for broken JSON, and accepts
/// `{"word": null}`.
pub(crate) fn word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}

/// The whole number that this number is, if every JSON reader reads it exactly.
fn whole(number: f64) -> Option<i64> {
    let is_exact = number.fract() == 0.0 && number.abs() <= LARGEST_EXACT_FLOAT;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is in range")]
    is_exact.then_some(number as i64)
}

struct Integer<T>(PhantomData<T>);

impl<T: TryFrom<i64>> Visitor<'_> for Integer<T> {
    type Value = Option<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number in range")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let converted = T::try_from(number);
        converted.map(Some).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let signed =
            i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
        self.visit_i64(signed)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        let whole = whole(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))?;
        self.visit_i64(whole)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
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

    use super::*;

    #[derive(Deserialize)]
    struct Request {
        #[serde(default, deserialize_with = "flag")]
        stream: Option<bool>,
        id: Option<TextOrNumber>,
        #[serde(default, deserialize_with = "some_integer")]
        number: Option<u32>,
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
    fn an_id_is_a_text_or_a_whole_number() {
        let id = |json: &str| {
            let request: Request = serde_json::from_str(&format!("{{\"id\":{json}}}"))?;
            Ok::<_, serde_json::Error>(request.id.map(|id| id.0))
        };
        for (json, read) in [
            ("\"conv_1\"", "conv_1"),
            ("\"5\"", "5"),
            ("5", "5"),
            ("5.0", "5"),
            ("5e0", "5"),
            ("0", "0"),
            ("9007199254740991", "9007199254740991"),
        ] {
            assert_eq!(id(json).unwrap().as_deref(), Some(read), "{json}");
        }
        assert_eq!(id("null").unwrap(), None);
        for json in
            ["5.5", "-1", "-5.0", "9007199254740992", "9007199254740993.0", "1e300", "true", "[5]", "{}"]
        {
            let error = id(json).unwrap_err().to_string();
            assert!(error.contains("a text or a whole number from 0 to 9007199254740991"), "{json}: {error}");
        }
    }

    #[test]
    fn a_whole_number_may_have_a_fraction_of_zero() {
        let number = |json: &str| {
            serde_json::from_str::<Request>(&format!("{{\"number\":{json}}}")).map(|request| request.number)
        };
        for (json, read) in [("1000", 1000), ("1000.0", 1000), ("1e3", 1000), ("4294967295", u32::MAX)] {
            assert_eq!(number(json).unwrap(), Some(read), "{json}");
        }
        assert_eq!(number("null").unwrap(), None);
        for json in
            ["1000.5", "-1", "-1.0", "4294967296", "18446744073709551615", "1e300", "\"1000\"", "true"]
        {
            assert!(number(json).is_err(), "{json}");
        }
    }

    #[test]
    fn other_values_are_refused() {
        for form in ["\"maybe\"", "\"\"", "2", "-1", "[]", "{}", "1.0"] {
            assert!(read(&format!("{{\"stream\":{form}}}")).is_err(), "{form}");
        }
    }
}
