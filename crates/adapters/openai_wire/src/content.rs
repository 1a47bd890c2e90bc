//! Which JSON is text of the answer.

use domain::Delta;
use ports::ModelError;

use crate::json::{Json, Text};
use crate::provider_error::broken;

/// The kinds of text in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The answer itself.
    Text,
    /// A refusal to answer.
    Refusal,
    /// The thoughts of the model.
    Reasoning,
}

impl Kind {
    /// All kinds, in the order in which the texts of a complete answer are passed on.
    pub(crate) const ALL: [Self; 3] = [Self::Reasoning, Self::Text, Self::Refusal];

    /// Whether it belongs to the answer, which must not be wrong. Thoughts may be lost.
    pub(crate) fn is_visible(self) -> bool {
        match self {
            Self::Text | Self::Refusal => true,
            Self::Reasoning => false,
        }
    }

    pub(crate) fn delta(self, text: String) -> Delta {
        match self {
            Self::Text => Delta::Text(text),
            Self::Refusal => Delta::Refusal(text),
            Self::Reasoning => Delta::Reasoning(text),
        }
    }
}

/// Texts in the order in which they were sent.
pub(crate) type Pieces = Vec<(Kind, Text)>;

/// Joins the texts of one kind.
pub(crate) fn whole(pieces: &Pieces, kind: Kind) -> String {
    let mut half = None;
    let texts = pieces.iter().filter(|(piece_kind, _)| *piece_kind == kind);
    let mut whole: String = texts.map(|(_, text)| text.clone().joined(&mut half)).collect();
    if half.is_some() {
        whole.push(char::REPLACEMENT_CHARACTER);
    }
    whole
}

/// How deep typed parts may stand in each other. Mistral's thoughts are the deepest that are known, with 4 levels.
const DEPTH_MAX: u8 = 16;
/// The fields of typed parts that hold text: those of `OpenAI` and Mistral, and of servers that pass on those of others.
const TEXTS: [&str; 3] = ["text", "value", "content"];
/// The fields of typed parts that hold thoughts and nothing else.
const THOUGHTS: [&str; 3] = ["thinking", "reasoning", "summary"];

/// Reads the fields with this name, which hold text of this kind, and appends the text to `pieces`. This is the rule of both
/// APIs:
///
/// - A string is text.
/// - `null`, an empty list and an empty object are no text.
/// - An object is a typed part, and a list holds such parts: Mistral sends
///   `[{"type":"thinking","thinking":[{"type":"text","text":"…"}]},{"type":"text","text":"…"}]`. A part that names another
///   type, such as `reference` or `image_url`, is passed over.
/// - Anything else in the place of the answer makes it unreadable, and so do two different texts under one name. In the
///   place of thoughts it is passed over.
pub(crate) fn read_field(
    object: Json<'_>,
    name: &str,
    kind: Kind,
    pieces: &mut Pieces,
) -> Result<(), ModelError> {
    field(object, name, kind, DEPTH_MAX, pieces)
}

fn field(object: Json<'_>, name: &str, kind: Kind, depth: u8, pieces: &mut Pieces) -> Result<(), ModelError> {
    let mut values = object.all(name);
    values.retain(|value| !value.is_empty());
    values.dedup();
    match values.as_slice() {
        [] => Ok(()),
        [value] => value_within(*value, kind, depth, pieces),
        _ => unreadable(kind),
    }
}

fn value_within(value: Json<'_>, kind: Kind, depth: u8, pieces: &mut Pieces) -> Result<(), ModelError> {
    let Some(depth) = depth.checked_sub(1) else { return unreadable(kind) };
    if let Some(text) = value.text() {
        pieces.push((kind, text));
        return Ok(());
    }
    let parts = if value.is_list() { value.items() } else { vec![value] };
    for value in parts.into_iter().filter(|part| !part.is_empty()) {
        if !value.is_object() {
            return unreadable(kind);
        }
        part(value, kind, depth, pieces)?;
    }
    Ok(())
}

fn part(part: Json<'_>, kind: Kind, depth: u8, pieces: &mut Pieces) -> Result<(), ModelError> {
    let has = |name: &&&str| part.get(name).is_some_and(|value| !value.is_empty());
    let thought = THOUGHTS.iter().find(has);
    let text = TEXTS.iter().find(has);
    let type_name = part.get("type").and_then(Json::string).filter(|name| !name.is_empty());
    let (kind, name) = match type_name.as_deref() {
        Some("refusal") => (Kind::Refusal, Some(&"refusal").filter(has).or(text)),
        Some(name) if ["think", "reason", "summary"].iter().any(|word| name.contains(word)) => {
            (Kind::Reasoning, thought.or(text))
        }
        Some(name) if name.contains("text") => (kind, text),
        Some(_) => return Ok(()),
        None if has(&&"refusal") => (Kind::Refusal, Some(&"refusal")),
        None if text.is_none() && thought.is_some() => (Kind::Reasoning, thought),
        // An object of which nothing is known.
        None if text.is_none() => return unreadable(kind),
        None => (kind, text),
    };
    name.map_or(Ok(()), |name| field(part, name, kind, depth, pieces))
}

fn unreadable(kind: Kind) -> Result<(), ModelError> {
    if kind.is_visible() { Err(broken("the text of the answer cannot be read")) } else { Ok(()) }
}
