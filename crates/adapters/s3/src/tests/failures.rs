//! The object store cannot be reached, refuses requests, or is another kind of server.

use std::time::Instant;

use testkit::blobs_contract::key;

use super::stub::Stub;
use super::*;

const FORBIDDEN: &str =
    "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>";

/// The results of put, delete and check, in this order.
async fn outcomes(blobs: &S3Blobs) -> [Result<(), BlobError>; 3] {
    let key = key(1, 1);
    [put(blobs, &key).await, blobs.delete(key).await, blobs.check().await]
}

async fn assert_unavailable(blobs: &S3Blobs) -> String {
    let mut said = String::new();
    for outcome in outcomes(blobs).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, BlobError::Unavailable(_)), "{error:?}");
        assert_no_secret(&format!("{error:?} {}", chain(&error)));
        said = chain(&error);
    }
    said
}

async fn assert_refused(blobs: &S3Blobs) -> String {
    let mut said = String::new();
    for outcome in outcomes(blobs).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, BlobError::Refused(_)), "{error:?}");
        assert_no_secret(&format!("{error:?} {}", chain(&error)));
        said = chain(&error);
    }
    said
}

/// F43
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_unavailable_at_once() {
    let server = S3Server::start();
    let bucket = server.bucket();
    let blobs = blobs(&server.endpoint(), &bucket);
    let key = key(1, 1);
    put(&blobs, &key).await.unwrap();
    blobs.check().await.unwrap();

    server.stop();
    // The connection is refused, and there is no retry until the time is over.
    let said = assert_unavailable(&blobs).await;
    assert!(!said.contains("took longer"), "{said}");
    // A link is made without the server.
    assert!(blobs.link(key, FileName::from_sender("x.pdf")).await.unwrap().is_some());
}

/// F43
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_unavailable_in_bounded_time() {
    let stub = Stub::saying(None);
    let limit = Duration::from_millis(300);
    let blobs = S3Blobs::with_limit(&settings(&stub.endpoint, "bucket"), limit).unwrap();
    let said = assert_unavailable(&blobs).await;
    assert!(said.ends_with("the object store took longer than 2s") || said.ends_with("300ms"), "{said}");
    // One request each.
    assert_eq!(stub.received().len(), 3);
}

/// S0-44
#[tokio::test(flavor = "multi_thread")]
async fn a_check_waits_for_two_seconds_at_most() {
    let stub = Stub::saying(None);
    let blobs = blobs(&stub.endpoint, "bucket");
    let start = Instant::now();
    let error = blobs.check().await.unwrap_err();
    assert!(matches!(error, BlobError::Unavailable(_)), "{error:?}");
    // Other requests may take 30 s.
    assert!((2..20).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

/// F43
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_server_is_unavailable_and_gets_each_request_once() {
    for status in ["500 Internal Server Error", "503 Slow Down", "429 Too Many Requests"] {
        let stub = Stub::answering(status, "<Error><Code>SlowDown</Code></Error>");
        let said = assert_unavailable(&blobs(&stub.endpoint, "bucket")).await;
        assert!(said.ends_with(" SlowDown"), "{said}");
        assert_eq!(stub.received().len(), 3, "{status}");
    }
}

/// F43
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forbids_refuses() {
    let stub = Stub::answering("403 Forbidden", FORBIDDEN);
    let said = assert_refused(&blobs(&stub.endpoint, "bucket")).await;
    assert_eq!(said, "the file storage refused the request: the object store answered 403 AccessDenied");
}

/// F43
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_unavailable() {
    let broken = [
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<ListBucket",
        "HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nx",
    ];
    for answer in broken {
        let blobs = blobs(&Stub::saying(Some(answer)).endpoint, "bucket");
        let checked = blobs.check().await;
        assert!(matches!(checked, Err(BlobError::Unavailable(_))), "{answer:?}: {checked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_exist_refuses() {
    let server = S3Server::shared();
    let said = assert_refused(&blobs(&server.endpoint(), "no-such-bucket")).await;
    assert!(said.ends_with("the object store answered 404 NoSuchBucket"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_not_taken_for_an_object_store() {
    let stub = Stub::answering("200 OK", "<html><p>Please sign in.</p></html>");
    let blobs = blobs(&stub.endpoint, "bucket");
    for outcome in outcomes(&blobs).await {
        assert!(matches!(outcome, Err(BlobError::Refused(_))), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_keeps_nothing() {
    let page = Stub::answering("200 OK", "<html><p>Please sign in.</p></html>");
    let location = format!("Location: {}/sign-in\r\n", page.endpoint);
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect"] {
        let answer = format!("HTTP/1.1 {status}\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n");
        let stub = Stub::saying(Some(answer.leak()));
        let kept = put(&blobs(&stub.endpoint, "bucket"), &key(1, 1)).await;
        assert!(matches!(kept, Err(BlobError::Refused(_))), "{status}: {kept:?}");
    }
    // The target of the redirect has received no signature.
    for received in page.received() {
        assert!(received.headers.iter().all(|(name, _)| name != "authorization"), "{received:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_goes_on_when_its_caller_leaves() {
    let server = S3Server::shared();
    let bucket = server.bucket();
    let (blobs, key) = (blobs(&server.endpoint(), &bucket), key(1, 1));
    let left = timeout(Duration::ZERO, put(&blobs, &key)).await;
    assert!(left.is_err(), "{left:?}");
    let start = Instant::now();
    while server.object(&bucket, key.as_str()).is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "the object never appeared");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
