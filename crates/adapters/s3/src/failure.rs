//! What went wrong between us and the object store, and who must do something about it.

use std::time::Duration;

use domain::BlobKey;
use ports::BlobError;
use s3::error::S3Error;

/// The longest error code that is taken for one.
const LONGEST_CODE: usize = 64;

/// What a log says of a failure: nothing that was sent, and of an answer its error code alone.
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
    #[error("what answered is not an object store")]
    NotAStore,
    #[error("the request cannot be made")]
    Unsendable(#[source] S3Error),
}

/// Who must do something: the store, or we.
pub(super) fn classify(error: S3Error, limit: Duration) -> BlobError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all the library's others are about making a request")]
    let (failure, is_away) = match error {
        S3Error::HttpFailWithBody(status, body) => {
            let code = code(&body).map(str::to_owned);
            // A client that sends too slowly is told so with a 400.
            let is_away = matches!(status, 408 | 429 | 500..) || code.as_deref() == Some("RequestTimeout");
            (Failure::Answered { status, code }, is_away)
        }
        S3Error::Reqwest(error) if error.is_timeout() => (Failure::TooSlow(limit), true),
        S3Error::Reqwest(error) if error.is_redirect() => (Failure::NotAStore, false),
        // An address may hold a signature.
        S3Error::Reqwest(error) => (Failure::Unreached(error.without_url()), true),
        // A list that is none, from some page.
        S3Error::SerdeXml(_) => (Failure::NotAStore, false),
        error => (Failure::Unsendable(error), false),
    };
    let failure = Box::new(failure);
    if is_away { BlobError::Unavailable(failure) } else { BlobError::Refused(failure) }
}

/// Whether a delete failed only as there is no such object.
pub(super) fn is_absent_object(error: &S3Error) -> bool {
    matches!(error, S3Error::HttpFailWithBody(404, body) if code(body) == Some("NoSuchKey"))
}

/// The code in an error of S3: one word.
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
    fn answers_say_whether_we_or_the_store_must_change() {
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
    fn of_an_answer_its_code_alone_is_told() {
        let said = |body: &str| answered(403, body).source().unwrap().to_string();
        let body = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKID</AWSAccessKeyId></Error>";
        assert_eq!(said(body), "the object store answered 403 SignatureDoesNotMatch");
        for odd in ["", "<Code>", "<Code>two words</Code>", "</Code><Code>x", "<html>no</html>"] {
            assert_eq!(said(odd), "the object store answered 403", "{odd}");
        }
        assert_eq!(said(&format!("<Code>{}</Code>", "x".repeat(65))), "the object store answered 403");
    }

    #[test]
    fn an_object_that_is_missed_is_no_bucket_that_is_missed() {
        let missed =
            |code: &str| S3Error::HttpFailWithBody(404, format!("<Error><Code>{code}</Code></Error>"));
        assert!(is_absent_object(&missed("NoSuchKey")));
        assert!(!is_absent_object(&missed("NoSuchBucket")));
    }
}
