//! Removes the thoughts that models write into their answers.

/// The brackets of tags, and the names of those around thoughts, in lower case. Mistral's models write `[THINK]`, Kimi's
/// write `◁think▷`.
const TAGS: [(char, char, &[&str]); 3] = [
    (
        '<',
        '>',
        &["think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "analysis"],
    ),
    ('[', ']', &["think"]),
    ('◁', '▷', &["think"]),
];
/// The most bytes of a tag, with its attributes.
const TAG_BYTES: usize = 128;
/// What follows the header of each message in OpenAI's Harmony format, which gpt-oss models write. The answer is the last
/// one, unless its channel is `analysis`.
const HARMONY_MESSAGE: &str = "<|message|>";
/// The beginnings of tokens of chat templates, which some servers leave at the end of answers.
const END_TOKENS: [&str; 3] = ["<|", "</s>", "<end_of_turn>"];

/// A tag that begins or ends thoughts.
struct Tag {
    closes: bool,
    /// The bytes from its first bracket to the one that closes it.
    bytes: usize,
}

/// Returns a text without the thoughts in it; `None` if its last thoughts do not end.
///
/// What precedes a closing tag without an opening one is thoughts too: many servers leave out the opening tag, which is
/// part of their prompt.
pub(super) fn without(text: &str) -> Option<String> {
    let (header, mut rest) = text.rsplit_once(HARMONY_MESSAGE).unwrap_or(("", text));
    if header.ends_with("analysis") {
        return None;
    }
    for token in END_TOKENS {
        rest = rest.split_once(token).map_or(rest, |(before, _)| before);
    }
    let mut kept = String::new();
    let mut is_thought = false;
    while let Some((before, from_tag, tag)) = next_tag(rest) {
        if tag.closes && !is_thought {
            kept.clear();
        } else if !is_thought {
            kept.push_str(before);
        }
        is_thought = !tag.closes;
        rest = from_tag.get(tag.bytes..).unwrap_or_default();
    }
    kept.push_str(rest);
    (!is_thought).then_some(kept)
}

/// Finds the next tag. Returns the text before it, the text from it on, and the tag.
fn next_tag(text: &str) -> Option<(&str, &str, Tag)> {
    let positions = text.char_indices().filter(|(_, c)| TAGS.iter().any(|(open, ..)| open == c));
    positions.map(|(at, _)| text.split_at(at)).find_map(|(before, from)| Some((before, from, tag(from)?)))
}

/// Reads the tag at the beginning of a text: `<think>`, `< /Thinking >`, `<think effort="low">`.
fn tag(text: &str) -> Option<Tag> {
    let (text, _) = text.split_at(text.floor_char_boundary(TAG_BYTES));
    let open = text.chars().next()?;
    let (_, close, names) = TAGS.into_iter().find(|(first, ..)| *first == open)?;
    let (inside, _) = text.get(open.len_utf8()..)?.split_once(close)?;
    let bytes = open.len_utf8() + inside.len() + close.len_utf8();
    let inside = inside.trim();
    let (closes, inside) = inside.strip_prefix('/').map_or((false, inside), |name| (true, name.trim_start()));
    let name = inside.split_whitespace().next()?.to_lowercase();
    names.contains(&name.as_str()).then_some(Tag { closes, bytes })
}
