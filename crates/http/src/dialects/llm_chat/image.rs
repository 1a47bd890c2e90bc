//! Checks of images in a message, which are given by URL. Nothing is fetched here: the model provider fetches the image,
//! and must not be sent to a private host.

mod host;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// The longest `https:` URL, in bytes.
const MAX_URL_BYTES: usize = 8 * 1024;

/// What is wrong with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ImageError {
    /// Not one of the two kinds of URL.
    #[error(
        "has an image that is neither an https: URL nor a data: URL of a png, jpeg, gif or webp in Base64"
    )]
    NoUrl,
    /// Not a valid URL, or one that parsers read in different ways.
    #[error("has an image whose URL is not well-formed")]
    Malformed,
    /// A URL that is too long.
    #[error("has an image whose URL is too long")]
    TooLong,
    /// A host that is not on the public internet.
    #[error("has an image at a host that is not public")]
    PrivateHost,
    /// Not valid Base64.
    #[error("has an image that is not valid Base64")]
    NoBase64,
    /// The bytes are not of the named media type.
    #[error("has an image whose bytes are not of the type it names")]
    OtherType,
    /// More bytes than are allowed.
    #[error("has an image of more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
}

/// Checks the URL of an image, which may have at most `max_bytes` bytes. The URL is passed on unchanged.
pub(super) fn check(url: &str, max_bytes: usize) -> Result<(), ImageError> {
    match url.split_once(':') {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => check_remote(url),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data") => check_data(rest, max_bytes),
        Some(_) | None => Err(ImageError::NoUrl),
    }
}

/// Checks an `https:` URL. Forms that URL parsers read differently are refused, so that the provider's parser sees the
/// same host as this one.
fn check_remote(url: &str) -> Result<(), ImageError> {
    if url.len() > MAX_URL_BYTES {
        return Err(ImageError::TooLong);
    }
    if url.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace()) {
        return Err(ImageError::Malformed);
    }
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains(['@', '%']) {
        return Err(ImageError::Malformed);
    }
    let parsed = Url::parse(url).map_err(|_| ImageError::Malformed)?;
    let host = parsed.host().ok_or(ImageError::Malformed)?;
    if host::is_public(&host) { Ok(()) } else { Err(ImageError::PrivateHost) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl Kind {
    fn from_media_type(media_type: &str) -> Option<Self> {
        let known = [
            ("image/png", Self::Png),
            ("image/jpeg", Self::Jpeg),
            ("image/gif", Self::Gif),
            ("image/webp", Self::Webp),
        ];
        known.iter().find(|(name, _)| name.eq_ignore_ascii_case(media_type)).map(|(_, kind)| *kind)
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

/// How many characters of Base64 hold the magic bytes of every type.
const MAGIC_CHARS: usize = 16;

/// Checks an image in the URL itself. Only its start and its end are decoded; the rest is checked without a copy.
fn check_data(rest: &str, max_bytes: usize) -> Result<(), ImageError> {
    let (head, body) = rest.split_once(',').ok_or(ImageError::NoUrl)?;
    let (media_type, encoding) = head.split_once(';').ok_or(ImageError::NoUrl)?;
    let kind = Kind::from_media_type(media_type).filter(|_| encoding.eq_ignore_ascii_case("base64"));
    let kind = kind.ok_or(ImageError::NoUrl)?;
    let body = body.as_bytes();
    let (groups, rest) = body.as_chunks::<4>();
    let (Some((last, others)), true) = (groups.split_last(), rest.is_empty()) else {
        return Err(ImageError::NoBase64);
    };
    if others.len().saturating_mul(3) > max_bytes {
        return Err(ImageError::TooLarge { max: max_bytes });
    }
    let tail = STANDARD.decode(last).map_err(|_| ImageError::NoBase64)?;
    if !others.as_flattened().iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) {
        return Err(ImageError::NoBase64);
    }
    if others.len() * 3 + tail.len() > max_bytes {
        return Err(ImageError::TooLarge { max: max_bytes });
    }
    let start = body.get(..MAGIC_CHARS).unwrap_or(body);
    let start = STANDARD.decode(start).map_err(|_| ImageError::NoBase64)?;
    if kind.is_start_of(&start) { Ok(()) } else { Err(ImageError::OtherType) }
}

#[cfg(test)]
mod tests;
