//! Reads titles that are written as JSON, with or without a code fence.

use serde_json::{Deserializer, Value};

/// The keys of objects that hold a title, in the order in which they are tried, in lower case.
const KEYS: [&str; 10] =
    ["title", "titel", "titre", "name", "heading", "topic", "subject", "answer", "result", "text"];
/// How deep a title may be nested.
const DEPTH: usize = 4;
const FENCE: &str = "```";

/// What a text is found to be.
pub(super) enum Found {
    /// JSON, or the content of a code fence, with this title.
    Title(String),
    /// JSON without a title.
    NoTitle,
    /// No JSON.
    NoJson,
}

/// Finds a title in JSON: in an object, a list or a string, which may be in a code fence, after an introduction, or be
/// written with single quotation marks.
pub(super) fn title(text: &str) -> Found {
    let fenced = in_fence(text);
    let text = fenced.as_ref().map_or(text, |fence| fence.content).trim();
    match serde_json::from_str(text) {
        Ok(Value::String(title)) => return Found::Title(title),
        Ok(Value::Null) => return Found::NoTitle,
        Ok(_) | Err(_) => {}
    }
    let brackets: &[char] = if text.starts_with('[') { &['['] } else { &['{'] };
    if let Some((_, from)) = text.find(brackets).map(|at| text.split_at(at)) {
        let value = Deserializer::from_str(from).into_iter::<Value>().next();
        let titled = value.and_then(Result::ok).and_then(|value| title_in(value, DEPTH));
        if let Some(title) = titled.or_else(|| title_in_broken(from)) {
            return Found::Title(title);
        }
        if text.starts_with('{') && text.ends_with('}') {
            return Found::NoTitle;
        }
    }
    match fenced {
        Some(fence) if fence.is_first => Found::Title(fence.content.to_owned()),
        Some(_) | None => Found::NoJson,
    }
}

/// A code fence in a text.
struct Fence<'a> {
    content: &'a str,
    /// Whether nothing precedes it.
    is_first: bool,
}

/// Returns the first code fence. It may lack its end.
fn in_fence(text: &str) -> Option<Fence<'_>> {
    let (before, from) = text.split_once(FENCE)?;
    // The rest of the line is the language. Without a line break there is none: the fence is in one line with the title.
    let (language, content) = from.split_once('\n').unwrap_or(("", from));
    let content = if language.contains(FENCE) { language } else { content };
    let content = content.split_once(FENCE).map_or(content, |(content, _)| content);
    Some(Fence { content, is_first: before.trim().is_empty() })
}

/// Returns the title in a value: a string, the first title in a list, the value of a known key, or the only string of an
/// object.
fn title_in(value: Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(title) => Some(title),
        Value::Array(values) => values.into_iter().find_map(|value| title_in(value, depth)),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            let rank = |name: &str| {
                let name = name.to_lowercase();
                KEYS.iter().position(|key| name == *key || name.ends_with(&format!("_{key}")))
            };
            let is_error = |name: &str| name.to_lowercase().contains("error");
            if fields.len() > 1 || fields.iter().any(|(name, _)| is_error(name)) {
                fields.retain(|(name, _)| rank(name).is_some());
            }
            fields.sort_by_key(|(name, _)| rank(name));
            fields.into_iter().find_map(|(_, value)| title_in(value, depth))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Returns the value of `title` in an object that is no valid JSON: `{'title': 'X'}`, `{title: "X",}`.
fn title_in_broken(text: &str) -> Option<String> {
    let (_, after_key) = text.split_once("title")?;
    let value = after_key.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (title, _) = value.get(1..)?.split_once(quote)?;
    Some(title.to_owned())
}
