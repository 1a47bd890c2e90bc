//! Deserializes values in the forms in which operators write them: `"10"` as a number, `Yes` as a flag, `a, b` as a
//! list, and a secret of digits as text. No error quotes a value, as it may be a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use figment::providers::{Format, Yaml};
use figment::value::Value;
use secrecy::SecretString;
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::sources::place_and_problem;

/// A single value, as text.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a single value")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.trim().to_owned()))
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar(flag.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A text; a number or a flag is read as its text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Scalar::deserialize(deserializer).map(|scalar| scalar.0)
}

/// An optional [`text`].
pub(super) fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}

/// An optional secret.
pub(super) fn some_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    text(deserializer).map(|text| Some(text.into()))
}

/// A whole number.
pub(super) fn whole<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom("must be a whole number, and not too large"))
}

/// A number.
pub(super) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| D::Error::custom("must be a number"))
}

/// An optional [`decimal`].
pub(super) fn some_decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    decimal(deserializer).map(Some)
}

/// A flag: true or false.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    let flag = domain::text::flag(&text);
    flag.ok_or_else(|| D::Error::custom("must be true or false (or yes/no, on/off, 1/0)"))
}

/// A list: a YAML list, or one text with commas between the members.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct ListVisitor;

    impl<'de> Visitor<'de> for ListVisitor {
        type Value = Vec<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list, with commas between its members")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
            let text = text.trim();
            let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
            let members = inner.split(',').map(|member| member.trim().trim_matches(['"', '\'']));
            Ok(members.filter(|member| !member.is_empty()).map(str::to_owned).collect())
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Vec<String>, E> {
            Ok(vec![number.to_string()])
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Vec<String>, E> {
            Ok(vec![number.to_string()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Vec<String>, A::Error> {
            let mut list = Vec::new();
            while let Some(Scalar(member)) = members.next_element()? {
                list.push(member);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_any(ListVisitor)
}

/// An optional [`list`].
pub(super) fn some_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    list(deserializer).map(Some)
}

/// A whole number in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole(pub(super) u32);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        whole(deserializer).map(Self)
    }
}

/// A table: a YAML table, or a text such as `a=1,b=2` or `{a: 1, b: 2}`.
pub(super) fn table<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    struct TableVisitor<T>(PhantomData<T>);

    impl<'de, T: DeserializeOwned> Visitor<'de> for TableVisitor<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a table")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            let values: BTreeMap<String, Value> = table_text(text.trim()).ok_or_else(|| {
                E::custom(
                    "must be a table, such as `a=1,b=2`; in braces, a name that begins with @ needs quotes",
                )
            })?;
            let entries = values.into_iter().map(|(key, value)| match value.deserialize() {
                Ok(entry) => Ok((key, entry)),
                Err(error) => {
                    let (place, problem) = place_and_problem(error);
                    let place: Vec<String> = std::iter::once(key).chain(place).collect();
                    Err(E::custom(format!("at {}, {problem}", place.join("."))))
                }
            });
            entries.collect()
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut table = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry()? {
                table.insert(key, value);
            }
            Ok(table)
        }
    }

    deserializer.deserialize_any(TableVisitor(PhantomData))
}

/// The entries of a table that is written as `{a: 1, b: 2}` or as `a=1,b=2`; each has a value.
fn table_text(text: &str) -> Option<BTreeMap<String, Value>> {
    let yaml = if text.starts_with('{') {
        text.to_owned()
    } else {
        let pairs: Vec<String> =
            text.split(',').filter(|pair| !pair.trim().is_empty()).map(yaml_pair).collect();
        format!("{{{}}}", pairs.join(","))
    };
    let entries: BTreeMap<String, Value> = Yaml::from_str(&yaml).ok()?;
    let is_set = |value: &Value| !matches!(value, Value::Empty(..));
    entries.values().all(is_set).then_some(entries)
}

/// `a=1` as `'a': 1`. The quotes are for names that begin with `@`, which YAML does not take without.
fn yaml_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) if name.trim_start().starts_with(['"', '\'']) => format!("{name}: {value}"),
        Some((name, value)) => format!("'{}': {value}", name.trim().replace('\'', "''")),
        None => pair.to_owned(),
    }
}
