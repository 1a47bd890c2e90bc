//! A font's table of characters (`ToUnicode`) that the interpreter gives up, because it cannot read one of the entries.
//! Programs for Indic scripts, for one, write glyphs without any character as `<06fe> <>`. Others write too short lists.

use hayro_interpret::hayro_cmap::CMap;
use hayro_interpret::hayro_syntax::object::dict::keys::TO_UNICODE;
use hayro_interpret::hayro_syntax::object::{Dict, Stream};

use super::composite::predefined;

/// The entries of a font's table that can be read; `None` if the interpreter reads the table, or if there is none.
pub(super) fn repaired(font: &Dict<'_>) -> Option<CMap> {
    let table = font.get::<Stream<'_>>(TO_UNICODE)?.decoded_data().ok()?;
    if CMap::parse(&table, predefined).is_some() {
        return None;
    }
    let table = String::from_utf8_lossy(&table);
    let mut readable = String::new();
    for block in blocks(&table, "bfchar") {
        add_characters(block, &mut readable);
    }
    for block in blocks(&table, "bfrange") {
        add_ranges(block, &mut readable);
    }
    CMap::parse(readable.as_bytes(), predefined)
}

/// The blocks of a table that have this name.
fn blocks<'t>(table: &'t str, name: &str) -> Vec<&'t str> {
    let (begin, end) = (format!("begin{name}"), format!("end{name}"));
    table.split(&begin).skip(1).filter_map(|block| block.split(&end).next()).collect()
}

#[derive(Debug, Clone, Copy)]
enum Token<'t> {
    /// The digits of a hexadecimal string.
    Digits(&'t str),
    Open,
    Close,
}

fn tokens(block: &str) -> impl Iterator<Item = Token<'_>> {
    block.match_indices(['<', '[', ']']).filter_map(|(start, sign)| match sign {
        "[" => Some(Token::Open),
        "]" => Some(Token::Close),
        _ => Some(Token::Digits(block.get(start + 1..)?.split('>').next()?)),
    })
}

/// Adds the entries of a block of characters: a code and its text each.
fn add_characters(block: &str, readable: &mut String) {
    let mut tokens = tokens(block);
    while let (Some(Token::Digits(code)), Some(Token::Digits(text))) = (tokens.next(), tokens.next()) {
        add(readable, "bfchar", &[code, text]);
    }
}

/// Adds the entries of a block of ranges: the first and the last code, and the text of the first one or a list of texts.
fn add_ranges(block: &str, readable: &mut String) {
    let mut tokens = tokens(block);
    while let (Some(Token::Digits(first)), Some(Token::Digits(last))) = (tokens.next(), tokens.next()) {
        match tokens.next() {
            Some(Token::Digits(text)) => add(readable, "bfrange", &[first, last, text]),
            Some(Token::Open) => {
                let mut code = u32::from_str_radix(first.trim(), 16).unwrap_or_default();
                while let Some(Token::Digits(text)) = tokens.next() {
                    add(readable, "bfchar", &[&format!("{code:08X}"), text]);
                    code = code.saturating_add(1);
                }
            }
            Some(Token::Close) | None => return,
        }
    }
}

/// Adds an entry, unless one of its strings is empty or not hexadecimal.
fn add(readable: &mut String, kind: &str, strings: &[&str]) {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace();
    if strings.iter().all(|string| !string.trim().is_empty() && string.bytes().all(is_digit)) {
        readable.extend(["begin", kind, " <", &strings.join("> <"), "> end", kind, " "]);
    }
}

#[cfg(test)]
mod tests {
    use super::{add_characters, add_ranges};

    #[test]
    fn entries_that_can_be_read_are_kept() {
        let mut readable = String::new();
        add_characters("<0003> <0020>\n<06fe> <> <0004><00 41> <0005> <zz>", &mut readable);
        add_ranges("<00> <02> [<0041> <0042>] <03> <04> <0043> <05> <06> nonsense", &mut readable);
        let expected = [
            "beginbfchar <0003> <0020> endbfchar",
            "beginbfchar <0004> <00 41> endbfchar",
            "beginbfchar <00000000> <0041> endbfchar",
            "beginbfchar <00000001> <0042> endbfchar",
            "beginbfrange <03> <04> <0043> endbfrange",
        ];
        assert_eq!(readable.trim_end(), expected.join(" "));
    }
}
