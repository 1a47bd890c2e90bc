//! Parts of a message as JSON: `{"v":1,"parts":[{"type":"text","text":"…"},…]}`.

use std::borrow::Cow;

use domain::{JsonText, Part};
use serde::{Deserialize, Serialize};

use crate::StoredError;

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    parts: Vec<StoredPart<'a>>,
}

#[derive(Deserialize)]
struct Read {
    v: u32,
    parts: Vec<StoredPart<'static>>,
}

/// The one field that every version has.
#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StoredPart<'a> {
    Text { text: Cow<'a, str> },
    Image { url: Cow<'a, str> },
    File { name: Cow<'a, str>, text: Cow<'a, str> },
    ToolCall { call: Cow<'a, str>, name: Cow<'a, str>, arguments: Cow<'a, str> },
    ToolResult { call: Cow<'a, str>, output: Cow<'a, str> },
    Refusal { text: Cow<'a, str> },
    Reasoning { text: Cow<'a, str> },
}

/// Writes parts.
#[must_use]
pub fn parts_to_json(parts: &[Part]) -> String {
    let written = Written { v: VERSION, parts: parts.iter().map(StoredPart::from).collect() };
    // Serialising fails only for maps whose keys are not strings, and there is none.
    serde_json::to_string(&written).unwrap_or_default()
}

/// Reads parts.
///
/// # Errors
/// [`StoredError`] for broken JSON, an unknown version or an unknown kind of part.
pub fn parts_from_json(json: &str) -> Result<Vec<Part>, StoredError> {
    match serde_json::from_str::<Read>(json) {
        Ok(read) if read.v == VERSION => Ok(read.parts.into_iter().map(Part::from).collect()),
        Ok(read) => Err(StoredError::Version(read.v)),
        Err(error) => Err(match serde_json::from_str::<VersionOnly>(json) {
            Ok(other) if other.v != VERSION => StoredError::Version(other.v),
            Ok(_) | Err(_) => StoredError::Json(error),
        }),
    }
}

impl<'a> From<&'a Part> for StoredPart<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text { text: text.into() },
            Part::Image { url } => Self::Image { url: url.into() },
            Part::File { name, text } => Self::File { name: name.into(), text: text.into() },
            Part::ToolCall { call, name, arguments } => {
                Self::ToolCall { call: call.into(), name: name.into(), arguments: arguments.as_str().into() }
            }
            Part::ToolResult { call, output } => {
                Self::ToolResult { call: call.into(), output: output.into() }
            }
            Part::Refusal(text) => Self::Refusal { text: text.into() },
            Part::Reasoning(text) => Self::Reasoning { text: text.into() },
        }
    }
}

impl From<StoredPart<'_>> for Part {
    fn from(part: StoredPart<'_>) -> Self {
        match part {
            StoredPart::Text { text } => Self::Text(text.into_owned()),
            StoredPart::Image { url } => Self::Image { url: url.into_owned() },
            StoredPart::File { name, text } => {
                Self::File { name: name.into_owned(), text: text.into_owned() }
            }
            StoredPart::ToolCall { call, name, arguments } => Self::ToolCall {
                call: call.into_owned(),
                name: name.into_owned(),
                arguments: JsonText::from_parsed(arguments.into_owned()),
            },
            StoredPart::ToolResult { call, output } => {
                Self::ToolResult { call: call.into_owned(), output: output.into_owned() }
            }
            StoredPart::Refusal { text } => Self::Refusal(text.into_owned()),
            StoredPart::Reasoning { text } => Self::Reasoning(text.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind of part, as the first version wrote it. Never change this text.
    const FIRST_VERSION: &str = concat!(
        r#"{"v":1,"parts":[{"type":"text","text":"Hi \"you\"\n"},"#,
        r#"{"type":"image","url":"https://example.org/a.png"},"#,
        r#"{"type":"file","name":"a.txt","text":"inside"},"#,
        r#"{"type":"tool_call","call":"call_1","name":"weather","arguments":"{\"city\":\"Bern\"}"},"#,
        r#"{"type":"tool_result","call":"call_1","output":"7 °C"},"#,
        r#"{"type":"refusal","text":"no"},"#,
        r#"{"type":"reasoning","text":"hm"}]}"#,
    );

    fn every_kind() -> Vec<Part> {
        vec![
            Part::Text("Hi \"you\"\n".into()),
            Part::Image { url: "https://example.org/a.png".into() },
            Part::File { name: "a.txt".into(), text: "inside".into() },
            Part::ToolCall {
                call: "call_1".into(),
                name: "weather".into(),
                arguments: JsonText::from_parsed(r#"{"city":"Bern"}"#.into()),
            },
            Part::ToolResult { call: "call_1".into(), output: "7 °C".into() },
            Part::Refusal("no".into()),
            Part::Reasoning("hm".into()),
        ]
    }

    #[test]
    fn every_kind_of_part_comes_back() {
        for part in every_kind() {
            let parts = vec![part];
            assert_eq!(parts_from_json(&parts_to_json(&parts)).unwrap(), parts);
        }
        assert_eq!(parts_from_json(&parts_to_json(&[])).unwrap(), []);
    }

    #[test]
    fn the_first_version_can_be_read() {
        assert_eq!(parts_from_json(FIRST_VERSION).unwrap(), every_kind());
    }

    #[test]
    fn the_first_version_is_written() {
        assert_eq!(parts_to_json(&every_kind()), FIRST_VERSION);
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let sorted = r#"{"parts":[{"text":"a","type":"text"}],"v":1}"#;
        assert_eq!(parts_from_json(sorted).unwrap(), [Part::Text("a".into())]);
    }

    #[test]
    fn an_unknown_version_is_an_error_that_names_it() {
        let same_shape = r#"{"v":2,"parts":[]}"#;
        let other_shape = r#"{"v":3,"pieces":{}}"#;
        assert!(matches!(parts_from_json(same_shape), Err(StoredError::Version(2))));
        assert!(matches!(parts_from_json(other_shape), Err(StoredError::Version(3))));
    }

    #[test]
    fn garbage_is_an_error() {
        for garbage in ["", "null", "[]", "{", r#"{"parts":[]}"#, r#"{"v":1}"#, r#"{"v":1,"parts":[7]}"#] {
            assert!(matches!(parts_from_json(garbage), Err(StoredError::Json(_))), "{garbage}");
        }
    }

    #[test]
    fn an_unknown_kind_of_part_is_an_error() {
        let unknown = r#"{"v":1,"parts":[{"type":"smell","text":"rose"}]}"#;
        assert!(matches!(parts_from_json(unknown), Err(StoredError::Json(_))));
    }
}
