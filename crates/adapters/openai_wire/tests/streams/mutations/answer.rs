//! What the server of a stream says.

use std::fmt::Write;

use super::random::Random;

/// An answer, in the pieces in which it is sent. They are cut in UTF-16, so half of a character may stand in each of two.
pub(super) struct Answer {
    pub(super) text: Vec<Vec<u16>>,
    pub(super) refusal: Vec<Vec<u16>>,
    pub(super) reasoning: Vec<Vec<u16>>,
    pub(super) has_call: bool,
    pub(super) has_usage: bool,
}

const WORDS: [&str; 12] =
    ["Hello", " ", "\n\n", "😀", "été", "null", "[DONE]", "\"quoted\"", "{\"a\":1}", "a", "a", "data: x"];

impl Answer {
    pub(super) fn random(random: &mut Random) -> Self {
        let is_refused = random.once_in(6);
        Self {
            text: if is_refused { Vec::new() } else { pieces(random) },
            refusal: if is_refused { pieces(random) } else { Vec::new() },
            reasoning: if random.once_in(2) { pieces(random) } else { Vec::new() },
            has_call: random.once_in(4),
            has_usage: !random.once_in(4),
        }
    }

    pub(super) fn text(&self) -> String {
        whole(&self.text)
    }

    pub(super) fn refusal(&self) -> String {
        whole(&self.refusal)
    }
}

fn pieces(random: &mut Random) -> Vec<Vec<u16>> {
    let words: String = (0..=random.below(5)).map(|_| random.one_of(&WORDS)).collect();
    let mut rest: Vec<u16> = words.encode_utf16().collect();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let after = rest.split_off(rest.len().min(1 + random.below(16)));
        pieces.push(std::mem::replace(&mut rest, after));
    }
    pieces
}

fn whole(pieces: &[Vec<u16>]) -> String {
    String::from_utf16(&pieces.concat()).unwrap()
}

/// Writes text as JSON, in ASCII.
pub(super) fn quoted(text: &[u16]) -> String {
    let mut json = String::from("\"");
    for unit in text {
        match u8::try_from(*unit).map(char::from) {
            Ok(character @ (' '..='~')) if !matches!(character, '"' | '\\') => json.push(character),
            _ => write!(json, "\\u{unit:04x}").unwrap(),
        }
    }
    json + "\""
}
