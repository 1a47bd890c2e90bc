//! Images in `data:` URLs (RFC 2397). They are read as browsers read them, with further parameters, line breaks in the
//! Base64 or no padding, and are sent on in the one form that every provider reads:
//! `data:image/png;base64,` and standard Base64 with padding (RFC 4648, section 4).

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::ImageError;

/// Reads Base64 as the "forgiving" decoding of browsers does: padding may be left out, and the bits after the last byte
/// are ignored (<https://infra.spec.whatwg.org/#forgiving-base64-decode>).
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl Kind {
    /// The kind of a media type, or of one of the unregistered names under which clients send it.
    fn from_media_type(media_type: &str) -> Option<Self> {
        let known = [
            ("image/png", Self::Png),
            ("image/x-png", Self::Png),
            ("image/jpeg", Self::Jpeg),
            ("image/jpg", Self::Jpeg),
            ("image/pjpeg", Self::Jpeg),
            ("image/gif", Self::Gif),
            ("image/webp", Self::Webp),
        ];
        known.iter().find(|(name, _)| name.eq_ignore_ascii_case(media_type)).map(|(_, kind)| *kind)
    }

    /// What stands before the Base64 in a canonical URL of this kind.
    fn head(self) -> &'static str {
        match self {
            Self::Png => "data:image/png;base64,",
            Self::Jpeg => "data:image/jpeg;base64,",
            Self::Gif => "data:image/gif;base64,",
            Self::Webp => "data:image/webp;base64,",
        }
    }

    fn is_start_of(self, bytes: &[u8]) -> bool {
        match self {
            Self::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Jpeg => bytes.starts_with(b"\xff\xd8\xff"),
            Self::Gif => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
            Self::Webp => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        }
    }
}

/// How many characters of Base64 hold the magic bytes of every kind.
const MAGIC_CHARS: usize = 16;

/// The canonical form of a `data:` URL, whose image may have at most `max_bytes` bytes. A URL that has this form already
/// is not copied.
pub(super) fn canonical(url: String, max_bytes: usize) -> Result<String, ImageError> {
    let (head, body) = url.split_once(',').ok_or(ImageError::NoUrl)?;
    let (_scheme, media_type) = head.split_once(':').ok_or(ImageError::NoUrl)?;
    let mut parameters = media_type.split(';').map(str::trim);
    let kind = parameters.next().and_then(Kind::from_media_type);
    let is_base64 = parameters.any(|parameter| parameter.eq_ignore_ascii_case("base64"));
    let kind = kind.filter(|_| is_base64).ok_or(ImageError::NoUrl)?;
    if url.starts_with(kind.head()) && is_standard(body) {
        check_image(kind, body.as_bytes(), max_bytes)?;
        return Ok(url);
    }
    let body = standard(body, max_bytes)?;
    check_image(kind, body.as_bytes(), max_bytes)?;
    Ok(format!("{}{body}", kind.head()))
}

/// Whether this is standard Base64 with its padding. Only the end, where the padding and spare bits are, is decoded.
fn is_standard(body: &str) -> bool {
    let (groups, rest) = body.as_bytes().as_chunks::<4>();
    let Some((last, others)) = groups.split_last() else { return false };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let last_is_good = STANDARD.decode(last).is_ok();
    rest.is_empty() && last_is_good && others.as_flattened().iter().all(is_plain)
}

/// Makes standard Base64, with padding, of Base64 in any form: with white space, with the alphabet of URLs (RFC 4648,
/// section 5), with characters that are percent-encoded for the URL, without padding. It grows no further than an image
/// of `max_bytes` needs.
fn standard(body: &str, max_bytes: usize) -> Result<String, ImageError> {
    let most_chars = max_bytes.div_ceil(3).saturating_mul(4);
    let mut chars = String::with_capacity(body.len().min(most_chars));
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' { percent_decoded(&mut bytes)? } else { byte };
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => {}
            b'-' => chars.push('+'),
            b'_' => chars.push('/'),
            b'+' | b'/' | b'=' => chars.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => chars.push(byte.into()),
            _ => return Err(ImageError::NoBase64),
        }
        if chars.len() > most_chars {
            return Err(ImageError::TooLarge { max: max_bytes });
        }
    }
    // The last group is decoded and encoded anew: its padding may be missing, and its spare bits need not be zero.
    let start_of_last = chars.len().saturating_sub(1) / 4 * 4;
    let last = FORGIVING.decode(chars.split_off(start_of_last)).map_err(|_| ImageError::NoBase64)?;
    STANDARD.encode_string(last, &mut chars);
    if is_standard(&chars) { Ok(chars) } else { Err(ImageError::NoBase64) }
}

/// The byte that two hexadecimal digits stand for; they follow a `%`.
fn percent_decoded(bytes: &mut std::str::Bytes<'_>) -> Result<u8, ImageError> {
    let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
    let byte = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
    byte.ok_or(ImageError::NoBase64)
}

/// Checks an image in standard Base64: its kind by its first bytes, and its size. Only both ends are decoded.
fn check_image(kind: Kind, body: &[u8], max_bytes: usize) -> Result<(), ImageError> {
    let padding = body.iter().rev().take_while(|byte| **byte == b'=').count();
    if (body.len() / 4 * 3).saturating_sub(padding) > max_bytes {
        return Err(ImageError::TooLarge { max: max_bytes });
    }
    let start = body.get(..MAGIC_CHARS).unwrap_or(body);
    let start = FORGIVING.decode(start).map_err(|_| ImageError::NoBase64)?;
    if kind.is_start_of(&start) { Ok(()) } else { Err(ImageError::OtherType) }
}
