//! Glyph names that are mere numbers, such as `a65`, `G41` or `65`. Bitmap fonts and fonts of some converters have them.

/// The text of a glyph whose name holds its own code: a decimal number after at most two letters, or two hexadecimal
/// digits after at most one. Any other number, such as that of a glyph in some font file, says nothing.
pub(super) fn text(name: &str, code: u32) -> Option<String> {
    // The part after a full stop names a variant of the glyph.
    let name = name.split('.').next()?;
    let number = name.trim_start_matches(|character: char| character.is_ascii_alphabetic());
    let is_decimal = name.len() - number.len() <= 2 && digits(number, 10) == Some(code);
    (is_decimal || hexadecimal(name) == Some(code)).then(|| coded(code)).flatten()
}

/// The number of a name that ends in two hexadecimal digits, after at most one letter.
pub(super) fn hexadecimal(name: &str) -> Option<u32> {
    // `AE` is a letter.
    if !name.starts_with('G') && !name.contains(|digit: char| digit.is_ascii_digit()) {
        return None;
    }
    let number = match name.len() {
        2 => name,
        3 => name.strip_prefix(|character: char| character.is_ascii_alphabetic())?,
        _ => return None,
    };
    digits(number, 16)
}

fn digits(number: &str, radix: u32) -> Option<u32> {
    // A sign would be accepted too.
    let number = number.starts_with(|first: char| first.is_digit(radix)).then_some(number)?;
    u32::from_str_radix(number, radix).ok()
}

/// The text of a code by ASCII and Latin-1.
pub(super) fn coded(code: u32) -> Option<String> {
    matches!(code, 0x20..=0x7e | 0xa1..=0xff).then(|| char::from_u32(code).map(String::from)).flatten()
}

/// The letters of a ligature in a bitmap font of TeX, whose glyphs are named after their codes: by pdfTeX and dvips in
/// decimal numbers, by dvipdfmx in hexadecimal ones.
pub(super) fn ligature(name: &str, code: u32) -> Option<String> {
    // The first numbers are of the older fonts, the second of those with accented letters.
    let letters = match code {
        11 | 27 => "ff",
        12 | 28 => "fi",
        13 | 29 => "fl",
        14 | 30 => "ffi",
        15 | 31 => "ffl",
        _ => return None,
    };
    [format!("a{code}"), format!("x{code:02X}")].contains(&name.to_owned()).then(|| letters.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{hexadecimal, ligature, text};

    #[test]
    fn names_that_hold_their_code_give_its_character() {
        for (name, code) in
            [("a65", 65), ("65", 65), ("c65", 65), ("G41", 65), ("41", 65), ("g65.alt", 65), ("ch65", 65)]
        {
            assert_eq!(text(name, code).as_deref(), Some("A"), "{name}");
        }
        assert_eq!(text("Ge9", 0xe9).as_deref(), Some("é"));
    }

    #[test]
    fn other_numbers_say_nothing() {
        for name in ["g66", "cid65", "a", "", ".notdef", "G4", "G411", "a-65", "é65", "a99999999999"] {
            assert_eq!(text(name, 65), None, "{name}");
        }
        assert_eq!(text("a7", 7), None);
    }

    #[test]
    fn codes_of_ligatures_are_those_of_tex() {
        assert_eq!(
            [("a12", 12), ("a28", 28)].map(|(name, code)| ligature(name, code).unwrap()),
            ["fi", "fi"]
        );
        assert_eq!(
            [("g12", 12), ("a12", 13), ("a16", 16)].map(|(name, code)| ligature(name, code)),
            [const { None }; 3]
        );
    }

    #[test]
    fn hexadecimal_numbers_have_two_digits() {
        assert_eq!(
            ["G41", "Gff", "e9", "AE", "+1"].map(hexadecimal),
            [Some(65), Some(255), Some(0xe9), None, None]
        );
    }
}
