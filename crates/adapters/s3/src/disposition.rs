//! The header that gives a downloaded file its name.

use std::fmt::Write;

/// `Content-Disposition` of a download with this name (RFC 6266, RFC 8187). It is ASCII, whatever the name holds.
pub(super) fn attachment(name: &str) -> String {
    let mut header = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            header.push(char::from(byte));
        } else {
            // Writing to a string never fails.
            let _ = write!(header, "%{byte:02X}");
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn names_are_encoded() {
        let of = |name: &str| attachment(name).replace("attachment; filename*=UTF-8''", "");
        assert_eq!(attachment("a-b_c.~1.pdf"), "attachment; filename*=UTF-8''a-b_c.~1.pdf");
        assert_eq!(of("Über €.pdf"), "%C3%9Cber%20%E2%82%AC.pdf");
        assert_eq!(of("報告.pdf"), "%E5%A0%B1%E5%91%8A.pdf");
    }

    #[test]
    fn nothing_in_a_name_ends_the_header() {
        let evil = "a\r\nSet-Cookie: x=1\r\n\r\n\";'%*+\\/\0\u{202e}";
        let header = attachment(evil);
        let value = header.strip_prefix("attachment; filename*=UTF-8''").unwrap();
        assert!(
            value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)),
            "{value}"
        );
        assert!(value.starts_with("a%0D%0ASet-Cookie%3A%20x%3D1%0D%0A%0D%0A%22%3B%27%25%2A%2B%5C%2F%00"));
    }
}
