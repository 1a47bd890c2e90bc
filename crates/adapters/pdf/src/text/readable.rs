//! The characters of a document as they are given to a reader.

use unicode_normalization::UnicodeNormalization;

/// Spells out ligatures and forms that stand for letters, and leaves out what shows nothing.
pub(super) fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{f700}'..='\u{f71a}' => readable.push(thai(character)),
            // Words are found by their spaces and lines by their positions, whatever the font calls them.
            _ if character.is_whitespace() => readable.push(' '),
            _ if is_invisible(character) => {}
            _ if is_form(character) => {
                // The isolated form of an Arabic mark is a space with the mark.
                readable.extend(character.nfkc().filter(|letter| !letter.is_whitespace()));
            }
            _ => readable.push(character),
        }
    }
    readable
}

/// The letters and marks that Thai fonts have at other codes in the private use area, for other letters under or beside
/// them.
fn thai(character: char) -> char {
    match character {
        '\u{f700}' => 'ฐ',
        '\u{f701}'..='\u{f704}' => moved(character, '\u{f701}', '\u{e34}'),
        '\u{f705}'..='\u{f709}' => moved(character, '\u{f705}', '\u{e48}'),
        '\u{f70a}'..='\u{f70e}' => moved(character, '\u{f70a}', '\u{e48}'),
        '\u{f70f}' => 'ญ',
        '\u{f710}' => '\u{e31}',
        '\u{f711}' => '\u{e4d}',
        '\u{f712}' => '\u{e47}',
        '\u{f713}'..='\u{f717}' => moved(character, '\u{f713}', '\u{e48}'),
        _ => moved(character, '\u{f718}', '\u{e38}'),
    }
}

/// The character that is as far from the first one of another range.
fn moved(character: char, first: char, other: char) -> char {
    let offset = u32::from(character).wrapping_sub(first.into());
    char::from_u32(offset.wrapping_add(other.into())).unwrap_or(character)
}

/// Characters that show nothing, or nothing that another program knows.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Directions: the order of reading is found by the positions of the glyphs.
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            // Private use, the byte order mark, replacements and non-characters.
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}' | '\u{f0000}'..
        )
        || u32::from(character) & 0xfffe == 0xfffe
}

/// Forms of letters that have characters of their own: Latin ligatures, Hebrew and Arabic forms, radicals of Han.
fn is_form(character: char) -> bool {
    matches!(character,
        '\u{fb00}'..='\u{fb06}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fd5}'
    )
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn forms_are_spelt_out() {
        assert_eq!(readable("e\u{fb03}cient \u{fb06}"), "efficient st");
        assert_eq!(readable("\u{fefb}\u{fee1}"), "لام");
        assert_eq!(readable("\u{fe76}"), "\u{64e}");
        assert_eq!(readable("\u{2f47}"), "日");
        assert_eq!(readable("ร\u{f70a}ว\u{f710}"), "ร\u{e48}ว\u{e31}");
    }

    #[test]
    fn characters_that_show_nothing_are_left_out() {
        assert_eq!(readable("\0a\u{7}\u{feff}\u{fffd}\u{f0b7}\u{ffff}b\u{202e}"), "ab");
        assert_eq!(readable("a\u{a0}b\tc\n"), "a b c ");
        // Persian words need it.
        assert_eq!(readable("می\u{200c}خواهم"), "می\u{200c}خواهم");
    }
}
