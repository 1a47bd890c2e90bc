//! Checks of images in a message, which are given by URL. Nothing is fetched here: the model provider fetches the image,
//! and must not be sent to a private host.

mod data_url;
mod host;

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

/// Checks the URL of an image, which may have at most `max_bytes` bytes. An `https:` URL is passed on unchanged, a `data:`
/// URL in its canonical form.
pub(super) fn check(url: String, max_bytes: usize) -> Result<String, ImageError> {
    match url.trim_start().split_once(':') {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => check_remote(&url).map(|()| url),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("data") => data_url::canonical(url, max_bytes),
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

#[cfg(test)]
mod tests;
