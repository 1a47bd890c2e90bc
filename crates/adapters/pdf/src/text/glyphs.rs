//! The characters of glyphs, by their names (Adobe Glyph List Specification, section 2).

use lopdf::{Dictionary, Encoding, Object};

/// The characters of a glyph; `None` if its name is unknown.
pub(super) fn characters(name: &[u8]) -> Option<String> {
    // The part after a full stop names a variant of the glyph.
    let name = name.split(|byte| *byte == b'.').next().filter(|name| !name.is_empty())?;
    let parts: Option<Vec<String>> = name.split(|byte| *byte == b'_').map(part).collect();
    parts.map(|parts| parts.concat())
}

fn part(name: &[u8]) -> Option<String> {
    listed(name).or_else(|| numbered(name))
}

/// Looks up a name of the list, such as `eacute`. The library gives access to its list through fonts alone, so this
/// makes a font with one glyph.
fn listed(name: &[u8]) -> Option<String> {
    let differences = Object::Array(vec![Object::Integer(0), Object::Name(name.to_vec())]);
    let encoding = Dictionary::from_iter([("Differences", differences)]);
    let font = Dictionary::from_iter([
        ("Type", Object::Name(b"Font".to_vec())),
        ("Encoding", Object::Dictionary(encoding)),
    ]);
    let document = lopdf::Document::new();
    match font.get_font_encoding(&document) {
        Ok(encoding @ Encoding::Differences(_)) => encoding.bytes_to_string(&[0]).ok(),
        // The name is not in the list.
        _ => None,
    }
}

/// Reads a name that holds the number of its character, such as `uni20AC` or `u1F600`.
fn numbered(name: &[u8]) -> Option<String> {
    let name = str::from_utf8(name).ok()?;
    let is_hexadecimal = |digits: &str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    if let Some(digits) = name.strip_prefix("uni")
        && digits.len() >= 4
        && digits.len().is_multiple_of(4)
        && is_hexadecimal(digits)
    {
        let units = digits.as_bytes().chunks(4).map(|unit| str::from_utf8(unit).ok());
        let units: Option<Vec<u16>> =
            units.map(|unit| unit.and_then(|unit| u16::from_str_radix(unit, 16).ok())).collect();
        return String::from_utf16(&units?).ok();
    }
    let digits =
        name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len()) && is_hexadecimal(digits))?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::characters;

    #[test]
    fn names_are_looked_up_in_the_list() {
        assert_eq!(characters(b"eacute").as_deref(), Some("é"));
        assert_eq!(characters(b"a.sc").as_deref(), Some("a"));
        assert_eq!(characters(b"f_f_i").as_deref(), Some("ffi"));
    }

    #[test]
    fn names_may_hold_numbers() {
        assert_eq!(characters(b"uni20AC").as_deref(), Some("€"));
        assert_eq!(characters(b"uniD83DDE00").as_deref(), Some("😀"));
        assert_eq!(characters(b"u1F600").as_deref(), Some("😀"));
    }

    #[test]
    fn other_names_are_unknown() {
        for name in [&b"g17"[..], b"", b".notdef", b"uni20A", b"uniD83D", b"u110000", b"u20ac", b"\xff"] {
            assert_eq!(characters(name), None, "{}", name.escape_ascii());
        }
    }
}
