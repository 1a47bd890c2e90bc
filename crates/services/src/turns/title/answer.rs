//! Finds the title in the answer of a model. Models are asked for the title alone, and often write more.

use domain::Title;
use domain::limits::TITLE_CHARS;
use domain::text::{is_invisible, without_controls};

use super::{json, line, thoughts};

/// The most bytes of a line that are read.
const LINE_BYTES: usize = 4 * TITLE_CHARS;

/// Returns the bare title: without thoughts, JSON, a code fence, a label, Markdown and quotation marks. Returns `None` if
/// there is none.
pub(super) fn title(answer: &str) -> Option<Title> {
    let text = thoughts::without(&without_controls(answer, &['\n', '\r', '\t']))?;
    let found = match json::title(&text) {
        json::Found::Title(title) => first_title(&title),
        json::Found::NoTitle => None,
        json::Found::NoJson => first_title(&text),
    }?;
    let cut: String = found.chars().take(TITLE_CHARS).collect();
    Title::parse(&cut).ok()
}

/// Returns the first line that can be a title, bare. A line that announces the title (`Here is a title:`) is passed over,
/// unless nothing follows it.
fn first_title(text: &str) -> Option<String> {
    let mut announcement = None;
    for line in text.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        // A longer line is cut in the end, and reading it would take long.
        let (line, _) = line.split_at(line.floor_char_boundary(LINE_BYTES));
        let bare = line::bare(line);
        if !is_title(&bare) {
            continue;
        }
        if !line.trim_end().ends_with([':', '：']) {
            return Some(bare);
        }
        announcement.get_or_insert(bare);
    }
    announcement
}

/// Whether a line has anything but punctuation: a letter, a digit or a symbol, such as an emoji.
fn is_title(line: &str) -> bool {
    let is_symbol = |c: char| c >= '\u{2190}' && !('\u{3000}'..='\u{303f}').contains(&c) && !is_invisible(c);
    line.chars().any(|c| c.is_alphanumeric() || is_symbol(c))
}

#[cfg(test)]
mod tests;
