//! Requests for prompts.

use std::collections::BTreeMap;

use domain::limits::{
    PROMPT_CONTENT_CHARS, PROMPT_DESCRIPTION_CHARS, PROMPT_SCENARIO_CHARS, PROMPT_SEARCH_CHARS,
    PROMPT_TITLE_CHARS,
};
use domain::text::clean_optional;
use domain::{JsonText, Page, PromptFields, PromptId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use services::{PreviewRequest, PreviewSource, PromptFilter, PromptPatch};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use validator::Validate;

use crate::error::{ApiError, FieldError};
use crate::extract::{NumberedPage, flag, object, parsed, some_integer, text};

/// A prompt to create.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewPrompt)]
pub(crate) struct CreateRequest {
    #[schema(min_length = 1, max_length = 255)]
    title: String,
    /// The template. Variables are written `{name}`.
    #[schema(min_length = 1, max_length = 100_000)]
    content: String,
    /// What the prompt is for, in a word or two.
    #[schema(min_length = 1, max_length = 100)]
    scenario: String,
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// Any JSON object with at most 16 keys, 16 KiB and 32 levels.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl TryFrom<CreateRequest> for PromptFields {
    type Error = FieldError;

    fn try_from(request: CreateRequest) -> Result<Self, FieldError> {
        let CreateRequest { title, content, scenario, description, metadata } = request;
        let metadata = metadata.map(|entries| object("metadata", entries)).transpose()?;
        Ok(Self {
            title: parse_title(&title)?,
            scenario: parse_scenario(&scenario)?,
            description: description.map(|raw| parse_description(&raw)).transpose()?,
            content: parse_content(&content)?,
            metadata: metadata.unwrap_or_else(JsonText::empty_object),
        })
    }
}

/// Changes of a prompt. At least one field is required.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = PromptPatch)]
pub(crate) struct UpdateRequest {
    #[schema(min_length = 1, max_length = 255)]
    title: Option<String>,
    /// The template. Variables are written `{name}`.
    #[schema(min_length = 1, max_length = 100_000)]
    content: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    scenario: Option<String>,
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// A JSON object in place of the old one.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl TryFrom<UpdateRequest> for PromptPatch {
    type Error = FieldError;

    fn try_from(request: UpdateRequest) -> Result<Self, FieldError> {
        let UpdateRequest { title, content, scenario, description, metadata } = request;
        let patch = Self {
            title: title.map(|raw| parse_title(&raw)).transpose()?,
            scenario: scenario.map(|raw| parse_scenario(&raw)).transpose()?,
            description: description.map(|raw| parse_description(&raw)).transpose()?,
            content: content.map(|raw| parse_content(&raw)).transpose()?,
            metadata: metadata.map(|entries| object("metadata", entries)).transpose()?,
        };
        if patch == Self::default() {
            return Err(FieldError::whole("title, content, scenario, description or metadata is required"));
        }
        Ok(patch)
    }
}

fn parse_title(raw: &str) -> Result<String, FieldError> {
    text("title", raw.trim(), PROMPT_TITLE_CHARS)
}

fn parse_scenario(raw: &str) -> Result<String, FieldError> {
    text("scenario", raw.trim(), PROMPT_SCENARIO_CHARS)
}

fn parse_description(raw: &str) -> Result<String, FieldError> {
    parsed("description", clean_optional(raw, PROMPT_DESCRIPTION_CHARS))
}

fn parse_content(raw: &str) -> Result<String, FieldError> {
    text("content", raw, PROMPT_CONTENT_CHARS)
}

/// The default `page_size` of the list.
const PAGE_SIZE: u32 = 20;

/// The query of `GET /api/chat/prompts`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct PromptsQuery {
    /// Lists only prompts with this scenario.
    #[param(max_length = 100, example = "summarization")]
    scenario: Option<String>,
    /// Whether system templates are listed too.
    #[serde(default, deserialize_with = "flag")]
    #[param(default = true)]
    include_templates: Option<bool>,
    /// Lists only prompts with this text in their title, content or description, in any letter case. Each character
    /// stands for itself.
    #[param(max_length = 10_000)]
    search: Option<String>,
    /// The page, from 1. A page beyond the last one has no prompts.
    #[validate(range(min = 1, message = "must be at least 1"))]
    #[param(minimum = 1, default = 1, example = 1)]
    page: Option<u32>,
    /// The largest number of prompts on a page.
    #[validate(range(min = 1, max = 100, message = "must be between 1 and 100"))]
    #[param(minimum = 1, maximum = 100, default = 20, example = 20)]
    page_size: Option<u32>,
}

impl PromptsQuery {
    /// The requested page.
    pub(crate) fn page(&self) -> NumberedPage {
        NumberedPage { number: self.page.unwrap_or(1), size: self.page_size.unwrap_or(PAGE_SIZE) }
    }

    /// The filter. An empty text is no condition.
    pub(crate) fn filter(self) -> Result<PromptFilter, FieldError> {
        let condition = |name: &str, raw: Option<String>, max_chars| {
            let cleaned = raw.map(|raw| parsed(name, clean_optional(&raw, max_chars))).transpose()?;
            Ok(cleaned.filter(|text| !text.is_empty()))
        };
        let scenario = self.scenario.map(|raw| raw.trim().to_owned());
        Ok(PromptFilter {
            scenario: condition("scenario", scenario, PROMPT_SCENARIO_CHARS)?,
            include_templates: self.include_templates.unwrap_or(true),
            search: condition("search", self.search, PROMPT_SEARCH_CHARS)?,
        })
    }
}

/// The most versions in a response. Each may have 100,000 characters.
const VERSIONS: u32 = 100;

/// The query of `GET /api/chat/prompts/{id}/versions`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct VersionsQuery {
    /// The largest number of versions in the response.
    #[validate(range(min = 1, max = "VERSIONS", message = "must be between 1 and 100"))]
    #[param(minimum = 1, maximum = 100, default = 100, example = 10)]
    limit: Option<u32>,
    /// How many versions to skip.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl VersionsQuery {
    /// The requested page.
    pub(crate) fn page(&self) -> Page {
        Page { limit: self.limit.unwrap_or(VERSIONS), offset: self.offset.unwrap_or(0) }
    }
}

/// A preview to make, of a prompt or of a template in the request. If both are given, the prompt is previewed.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = PreviewRequest)]
pub(crate) struct MakePreviewRequest {
    /// The prompt.
    #[serde(default, deserialize_with = "some_integer")]
    prompt_id: Option<i64>,
    /// The version of the prompt; the current one by default.
    #[serde(default, deserialize_with = "some_integer")]
    version: Option<u32>,
    /// A template.
    #[schema(max_length = 100_000)]
    content: Option<String>,
    #[schema(schema_with = variables_schema, required = false)]
    variables: Option<BTreeMap<String, Variable>>,
}

fn variables_schema() -> Object {
    let value = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(
            "The values of the variables, by name. Numbers and booleans are put in as they are written. A variable \
             without a value stays as it is.",
        ))
        .additional_properties(Some(ObjectBuilder::new().schema_type(value)))
        .build()
}

impl MakePreviewRequest {
    /// The preview to make.
    pub(crate) fn into_command(self) -> Result<PreviewRequest, ApiError> {
        let Self { prompt_id, version, content, variables } = self;
        let content =
            content.map(|raw| parsed("content", clean_optional(&raw, PROMPT_CONTENT_CHARS))).transpose()?;
        let mut values = BTreeMap::new();
        for (name, Variable(raw)) in variables.unwrap_or_default() {
            values.insert(name, parsed("variables", clean_optional(&raw, PROMPT_CONTENT_CHARS))?);
        }
        let source = PreviewSource::of(prompt_id.map(PromptId), version, content)?;
        Ok(PreviewRequest { source, values })
    }
}

/// The value of a variable: a text, or a number or a boolean as it is written.
#[derive(Debug)]
struct Variable(String);

impl<'de> Deserialize<'de> for Variable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        match json.get().as_bytes() {
            [b'"', ..] => serde_json::from_str(json.get()).map(Self).map_err(D::Error::custom),
            [b'-' | b'0'..=b'9' | b't' | b'f', ..] => Ok(Self(json.get().to_owned())),
            _ => Err(D::Error::custom("expected a string, a number or a boolean")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &str) -> Result<BTreeMap<String, String>, String> {
        let body: MakePreviewRequest = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let command = body.into_command().map_err(|error| error.to_string())?;
        Ok(command.values)
    }

    /// S1-48
    #[test]
    fn values_are_texts_or_as_they_are_written() {
        let values = values(
            r#"{"content": "x", "variables": {"a": "t\u00e9\n", "b": 1.50, "c": -7, "d": true, "e": false, "f": "",
                "g": 12345678901234567890123, "h": 1e3, "i": "a\u0007b", "ä ö": "x"}}"#,
        )
        .unwrap();
        for (name, value) in [
            ("a", "té\n"),
            ("b", "1.50"),
            ("c", "-7"),
            ("d", "true"),
            ("e", "false"),
            ("f", ""),
            ("g", "12345678901234567890123"),
            ("h", "1e3"),
            ("i", "ab"),
            ("ä ö", "x"),
        ] {
            assert_eq!(values.get(name).map(String::as_str), Some(value), "{name}");
        }
        for empty in [r#"{"content": "x", "variables": null}"#, r#"{"content": "x", "variables": {}}"#] {
            assert_eq!(self::values(empty), Ok(BTreeMap::new()));
        }
    }

    /// S1-48, Threat 65
    #[test]
    fn other_values_are_refused() {
        for value in ["null", "[]", "[\"a\"]", "{}", "\"a\\u0000\""] {
            let json = format!("{{\"content\": \"x\", \"variables\": {{\"a\": {value}}}}}");
            assert!(values(&json).is_err(), "{value}");
        }
        for variables in ["[]", "\"a\"", "1", "true"] {
            assert!(values(&format!("{{\"content\": \"x\", \"variables\": {variables}}}")).is_err());
        }
    }
}
