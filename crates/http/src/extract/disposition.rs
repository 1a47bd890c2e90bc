//! The name of a form's field, and of the file in it.

use std::borrow::Cow;

use actix_multipart::Field;
use actix_web::http::header::{CONTENT_DISPOSITION, ContentDisposition, HeaderValue};
use domain::FileName;

/// What the header `Content-Disposition` of a part says (RFC 7578, section 4.2).
#[derive(Debug)]
pub(super) struct Disposition {
    /// The name of the field.
    pub(super) name: String,
    /// The client's name for the file.
    pub(super) file_name: FileName,
}

impl Disposition {
    /// Reads the header of a part; `None` if the part is no field of a form.
    pub(super) fn of(part: &Field) -> Option<Self> {
        Self::read(part.headers().get(CONTENT_DISPOSITION)?.as_bytes())
    }

    /// Parameters that cannot be read are left out, so that an odd file name does not lose the file.
    fn read(header: &[u8]) -> Option<Self> {
        let header = text(header);
        let (kind, rest) = header.split_once(';')?;
        let mut disposition = parsed(kind).filter(ContentDisposition::is_form_data)?;
        for parameter in parameters(rest) {
            let read = parsed(&format!("{kind};{}", without_wrong_quotes(parameter)));
            disposition.parameters.extend(read.into_iter().flat_map(|read| read.parameters));
        }
        // Some clients send a name that is not ASCII as `filename*`, although RFC 7578 does not have this parameter.
        let extended = disposition.get_filename_ext().map(|name| text(&name.value));
        let file_name = extended.as_deref().or(disposition.get_filename()).unwrap_or_default();
        Some(Self { name: disposition.get_name()?.to_owned(), file_name: FileName::from_sender(file_name) })
    }
}

/// The text of bytes whose encoding nobody names: UTF-8, else Latin-1, in which every byte is a character.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().copied().map(char::from).collect::<String>().into(),
    }
}

fn parsed(header: &str) -> Option<ContentDisposition> {
    ContentDisposition::from_raw(&HeaderValue::from_bytes(header.as_bytes()).ok()?).ok()
}

/// An extended parameter (`filename*`) without the quotes that some clients put around its value (RFC 5987 has none).
fn without_wrong_quotes(parameter: &str) -> Cow<'_, str> {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim_end().ends_with('*') => {
            format!("{name}={}", value.trim().trim_matches('"')).into()
        }
        Some(_) | None => parameter.into(),
    }
}

/// The parameters of a header. A semicolon within quotes separates nothing.
fn parameters(rest: &str) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_end = |c: char| {
        let is_end = c == ';' && !is_quoted;
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = is_quoted && c == '\\' && !is_escaped;
        is_end
    };
    rest.split(is_end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &[u8]) -> Option<(String, String)> {
        let header = [b"form-data; ", header].concat();
        Disposition::read(&header).map(|read| (read.name, read.file_name.to_string()))
    }

    #[track_caller]
    fn is_named(parameters: &[u8], file_name: &str) {
        let expected = Some(("file".to_owned(), file_name.to_owned()));
        for header in [
            [b"name=\"file\"; ", parameters].concat(),
            [parameters, b"; name=\"file\""].concat(),
            [b"name=file;", parameters, b";"].concat(),
        ] {
            assert_eq!(read(&header), expected, "{}", header.escape_ascii());
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_read_as_latin_1() {
        is_named(b"filename=\"r\xe9sum\xe9.pdf\"", "r\u{e9}sum\u{e9}.pdf");
        is_named(b"filename=r\xe9sum\xe9.pdf", "r\u{e9}sum\u{e9}.pdf");
        is_named(b"filename=\"\xff\xfe.pdf\"", "\u{ff}\u{fe}.pdf");
        is_named("filename=\"r\u{e9}sum\u{e9}.pdf\"".as_bytes(), "r\u{e9}sum\u{e9}.pdf");
        is_named("filename=\"\u{5831}\u{544a}.pdf\"".as_bytes(), "\u{5831}\u{544a}.pdf");
        // 0x80 to 0x9f are control characters in Latin-1.
        is_named(b"filename=\"a\x80\x9fb.pdf\"", "ab.pdf");
        is_named(b"filename=\"../\xe9/\xe8.pdf\"", "\u{e8}.pdf");
    }

    /// RFC 5987
    #[test]
    fn an_extended_name_comes_before_a_plain_one() {
        is_named(b"filename*=UTF-8''r%C3%A9sum%C3%A9.pdf", "r\u{e9}sum\u{e9}.pdf");
        is_named(b"filename*=iso-8859-1'en'r%E9sum%E9.pdf", "r\u{e9}sum\u{e9}.pdf");
        is_named(b"filename=\"plain.pdf\"; filename*=UTF-8''%e2%82%ac.pdf", "\u{20ac}.pdf");
        is_named(b"filename*=\"UTF-8''%e2%82%ac.pdf\"", "\u{20ac}.pdf");
        is_named(b"filename*=UTF-8''..%2F..%2Fetc%2Fpasswd%00", "passwd");
    }

    #[test]
    fn a_parameter_that_cannot_be_read_loses_neither_the_field_nor_the_other_name() {
        for odd in ["filename*=nonsense", "filename*=", "filename=", "=", "*=x", "filename", "x*='", ""] {
            is_named(odd.as_bytes(), "document.pdf");
            is_named(format!("filename=\"a.pdf\"; {odd}").as_bytes(), "a.pdf");
        }
        is_named(br#"filename="a;b\"c;d.pdf""#, "a;b\"c;d.pdf");
        is_named(br#"filename="a\\"; size=7"#, "document.pdf");
        assert_eq!(read(b"name=\"file\"; filename=\"a.pdf"), Some(("file".into(), "document.pdf".into())));
    }

    #[test]
    fn a_part_without_the_name_of_a_field_is_no_field() {
        for header in
            ["", "form-data", "form-data;", "form-data; filename=a.pdf", "attachment; name=file", ";"]
        {
            assert!(Disposition::read(header.as_bytes()).is_none(), "{header}");
        }
        assert!(Disposition::read(b"FORM-DATA;name=file").is_some());
    }
}
