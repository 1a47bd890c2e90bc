//! JSON that is read field by field, so that a field that is not needed cannot spoil the others.
//!
//! The decoders read an ordinary event with `serde` at once. Only an event that does not have the expected types is read
//! through this module.

mod text;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

pub(crate) use text::Text;

/// A JSON value, which is read when it is asked for. It may hold anything that has the grammar of JSON: halves of surrogate
/// pairs, a name twice, any depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// Checks the grammar, and nothing else.
    pub(crate) fn parse(data: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(data).map(Self::from)
    }

    /// The JSON itself, without white space around it.
    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    pub(crate) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    pub(crate) fn is_list(self) -> bool {
        self.0.starts_with('[')
    }

    /// Whether it is `true`, also as a text or as 1.
    pub(crate) fn is_true(self) -> bool {
        self.0 == "true"
            || self.label().is_some_and(|label| label.eq_ignore_ascii_case("true") || label == "1")
    }

    /// Whether it is `null`, an empty text, an empty list or an empty object.
    pub(crate) fn is_empty(self) -> bool {
        match self.0.as_bytes().first() {
            Some(b'n') | None => true,
            Some(b'"') => self.0 == "\"\"",
            Some(b'[' | b'{') => {
                self.0.get(1..).is_some_and(|rest| rest.trim_start().starts_with([']', '}']))
            }
            Some(_) => false,
        }
    }

    /// Whether it stands for "no value" where no text of the answer belongs: it is empty, blank, or `false`.
    pub(crate) fn says_nothing(self) -> bool {
        let is_blank = || self.string().is_some_and(|text| text.trim().is_empty());
        self.is_empty() || self.0 == "false" || is_blank()
    }

    /// Returns the field of an object. If the name stands there several times, the last one that is not `null` counts.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.all(name).pop()
    }

    /// Returns all fields with this name that are not `null`.
    pub(crate) fn all(self, name: &str) -> Vec<Self> {
        self.fields(|field, value| field.is_name(name) && value.0 != "null")
    }

    /// Returns the values of the fields of an object.
    pub(crate) fn values(self) -> Vec<Self> {
        self.fields(|_, _| true)
    }

    /// Returns the elements of a list; nothing of any other value.
    pub(crate) fn items(self) -> Vec<Self> {
        let items = serde_json::from_str::<Vec<&RawValue>>(self.0).unwrap_or_default();
        items.into_iter().map(Self::from).collect()
    }

    /// Returns the text of a string.
    pub(crate) fn text(self) -> Option<Text> {
        serde_json::from_str(self.0).ok()
    }

    /// Returns the text of a string, with U+FFFD for halves of surrogate pairs.
    pub(crate) fn string(self) -> Option<String> {
        self.text().map(Text::into_string)
    }

    /// Returns a string or a number, as text.
    pub(crate) fn label(self) -> Option<String> {
        let is_number = self.0.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if is_number { Some(self.0.to_owned()) } else { self.string() }
    }

    /// Returns a number, also one that stands in a string.
    pub(crate) fn number(self) -> Option<f64> {
        self.label()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Returns a whole number that is not negative, such as `100`, `100.0`, `1e2` or `"100"`; at most 10^15.
    pub(crate) fn count(self) -> Option<u64> {
        let number = self.number().filter(|number| *number >= 0.0 && number.fract() == 0.0)?;
        format!("{:.0}", number.min(1e15)).parse().ok()
    }

    /// Whether this string, which is the name of a field, is this name.
    fn is_name(self, name: &str) -> bool {
        if self.0.contains('\\') {
            return self.string().is_some_and(|own| own == name);
        }
        self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) == Some(name)
    }

    /// Returns the values of those fields of an object that are wanted by their name and value.
    fn fields(self, is_wanted: impl Fn(Self, Self) -> bool) -> Vec<Self> {
        let fields = Fields { is_wanted, wanted: PhantomData };
        fields.deserialize(&mut serde_json::Deserializer::from_str(self.0)).unwrap_or_default()
    }
}

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get().trim())
    }
}

/// Picks fields of an object, in their order. `serde` would refuse a name that stands there twice. Names are compared as they
/// are written, because an object is read once for each name that is asked for.
struct Fields<'a, F> {
    is_wanted: F,
    wanted: PhantomData<Json<'a>>,
}

impl<'de, F: Fn(Json<'de>, Json<'de>) -> bool> DeserializeSeed<'de> for Fields<'de, F> {
    type Value = Vec<Json<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: Fn(Json<'de>, Json<'de>) -> bool> Visitor<'de> for Fields<'de, F> {
    type Value = Vec<Json<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut wanted = Vec::new();
        while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            let value = Json::from(value);
            if (self.is_wanted)(Json::from(name), value) {
                wanted.push(value);
            }
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(data: &str) -> Json<'_> {
        Json::parse(data).unwrap()
    }

    #[test]
    fn values_that_say_nothing_are_known() {
        for nothing in ["null", "false", r#""""#, r#"" \n""#, "[]", "[ ]", "{}", " { } "] {
            assert!(json(nothing).says_nothing(), "{nothing}");
        }
        for value in ["true", "0", r#""0""#, "[null]", r#"{"a":null}"#, r#""\ud83d""#] {
            assert!(!json(value).says_nothing(), "{value}");
        }
    }

    #[test]
    fn a_name_may_stand_twice() {
        let twice = json(r#"{"a":1,"b":[2, 3],"a":4,"a":null}"#);
        assert_eq!(twice.get("a"), Some(json("4")));
        assert_eq!(twice.all("a").len(), 2);
        assert_eq!(twice.get("b").unwrap().items(), [json("2"), json("3")]);
        assert_eq!(twice.get("c"), None);
        assert_eq!(json(r#"{"\ud83d":1}"#).get("\u{fffd}"), Some(json("1")));
        for other in ["7", "[1]", "null", r#""a""#] {
            assert_eq!(json(other).get("a"), None, "{other}");
        }
    }

    #[test]
    fn counts_have_many_forms() {
        for count in ["100", "100.0", r#""100""#, "1e2", r#"" 100.0 ""#] {
            assert_eq!(json(count).count(), Some(100), "{count}");
        }
        assert_eq!(json("1e300").count(), Some(1_000_000_000_000_000));
        for other in ["-1", "1.5", "null", "true", r#""many""#, r#""NaN""#, "[1]", r#""""#] {
            assert_eq!(json(other).count(), None, "{other}");
        }
    }

    #[test]
    fn any_depth_is_read() {
        let deep = format!(r#"{{"a":{}{},"b":1}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(json(&deep).get("b"), Some(json("1")));
    }
}
