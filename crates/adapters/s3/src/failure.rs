//! Failures of the object store, classified by whether a retry can help.

use std::time::Duration;

use domain::BlobKey;
use ports::BlobError;
use s3::error::S3Error;

/// The limit of an error code, in bytes; a longer text is not taken for a code.
const LONGEST_CODE: usize = 64;

/// A failure as it is logged: nothing of the request, and of the response only status and error code.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the key {0:?} is not a plain path")]
    NotAPath(BlobKey),
    #[error("the object store answered {status}{}", code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
    Answered { status: u16, code: Option<String> },
    #[error("the object store took longer than {0:?}")]
    TooSlow(Duration),
    #[error("the object store cannot be reached")]
    Unreached(#[source] reqwest::Error),
    #[error("the server is not an object store")]
    NotAStore,
    #[error("the request cannot be sent")]
    Unsendable(#[source] S3Error),
}

/// Decides whether the store is unavailable, so that a retry can help, or refuses the request.
pub(super) fn classify(error: S3Error, limit: Duration) -> BlobError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's other errors are about making a request"
    )]
    let (failure, is_unavailable) = match error {
        S3Error::HttpFailWithBody(status, body) => {
            let code = code(&body).map(str::to_owned);
            // S3 answers 400 with the code RequestTimeout if the client sends too slowly.
            let is_unavailable =
                matches!(status, 408 | 429 | 500..) || code.as_deref() == Some("RequestTimeout");
            (Failure::Answered { status, code }, is_unavailable)
        }
        S3Error::Reqwest(error) if error.is_timeout() => (Failure::TooSlow(limit), true),
        S3Error::Reqwest(error) if error.is_redirect() => (Failure::NotAStore, false),
        // The address may hold a signature.
        S3Error::Reqwest(error) => (Failure::Unreached(error.without_url()), true),
        // The response to a list is not one of S3: it may be some web page.
        S3Error::SerdeXml(_) => (Failure::NotAStore, false),
        error => (Failure::Unsendable(error), false),
    };
    let failure = Box::new(failure);
    if is_unavailable { BlobError::Unavailable(failure) } else { BlobError::Refused(failure) }
}

/// Whether a delete failed because there is no such object.
pub(super) fn is_absent_object(error: &S3Error) -> bool {
    matches!(error, S3Error::HttpFailWithBody(404, body) if code(body) == Some("NoSuchKey"))
}

/// The error code in the body of an error of S3: one word.
fn code(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_word = code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word.then_some(code)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn answered(status: u16, body: &str) -> BlobError {
        classify(S3Error::HttpFailWithBody(status, body.to_owned()), Duration::from_secs(1))
    }

    #[test]
    fn failures_of_the_store_are_told_from_refusals() {
        for status in [408, 429, 500, 502, 503, 504, 507] {
            assert!(matches!(answered(status, ""), BlobError::Unavailable(_)), "{status}");
        }
        for status in [301, 307, 400, 401, 403, 404, 405, 411, 413] {
            assert!(matches!(answered(status, ""), BlobError::Refused(_)), "{status}");
        }
        let slow = "<Error><Code>RequestTimeout</Code></Error>";
        assert!(matches!(answered(400, slow), BlobError::Unavailable(_)));
    }

    #[test]
    fn of_a_response_only_status_and_code_are_logged() {
        let said = |body: &str| answered(403, body).source().unwrap().to_string();
        let body = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKID</AWSAccessKeyId></Error>";
        assert_eq!(said(body), "the object store answered 403 SignatureDoesNotMatch");
        for odd in ["", "<Code>", "<Code>two words</Code>", "</Code><Code>x", "<html>no</html>"] {
            assert_eq!(said(odd), "the object store answered 403", "{odd}");
        }
        assert_eq!(said(&format!("<Code>{}</Code>", "x".repeat(65))), "the object store answered 403");
    }

    #[test]
    fn a_missing_object_is_told_from_a_missing_bucket() {
        let missed =
            |code: &str| S3Error::HttpFailWithBody(404, format!("<Error><Code>{code}</Code></Error>"));
        assert!(is_absent_object(&missed("NoSuchKey")));
        assert!(!is_absent_object(&missed("NoSuchBucket")));
    }
}
