//! Signed links, with which an object can be read without an access key.

use std::collections::BTreeMap;

use testkit::blobs_contract::key;

use super::*;

const NAME: &str = "Übersicht «Q3» 50%+\"final\"; a=b&c.pdf";

fn query(link: &str) -> BTreeMap<String, String> {
    Url::parse(link).unwrap().query_pairs().into_owned().collect()
}

async fn link(blobs: &S3Blobs, key: &BlobKey, name: &str) -> String {
    blobs.link(key.clone(), FileName::from_sender(name)).await.unwrap().unwrap()
}

/// S0-57
#[tokio::test]
async fn a_link_tells_how_long_it_is_valid() {
    let (blobs, key) = (blobs("https://s3.example.com", "bucket"), key(7, 3));
    let link = link(&blobs, &key, NAME).await;
    assert!(link.starts_with(&format!("https://s3.example.com/bucket/{key}?")), "{link}");
    assert!(link.contains("X-Amz-Expires=86400&"), "{link}");
    let query = query(&link);
    assert_eq!(query["X-Amz-Algorithm"], "AWS4-HMAC-SHA256");
    assert!(query["X-Amz-Credential"].ends_with("/us-east-1/s3/aws4_request"), "{query:?}");
    assert_eq!(query["X-Amz-SignedHeaders"], "host");
    assert_eq!(query["response-content-type"], "application/pdf");
    assert_eq!(
        query["response-content-disposition"],
        "attachment; filename*=UTF-8''%C3%9Cbersicht%20%C2%ABQ3%C2%BB%2050%25%2B%22final%22%3B%20a%3Db%26c.pdf"
    );
    assert!(!link.contains(SECRET_KEY));
}

#[tokio::test]
async fn a_link_of_more_than_a_week_is_refused() {
    for (seconds, is_made) in [(1, true), (604_800, true), (604_801, false), (u64::MAX, false)] {
        let mut settings = settings("https://s3.example.com", "bucket");
        settings.link_lifetime = Duration::from_secs(seconds);
        let made = S3Blobs::new(&settings).unwrap().link(key(7, 3), FileName::from_sender(NAME)).await;
        match made {
            Ok(link) => assert!(is_made, "{link:?}"),
            Err(error) => assert!(!is_made && matches!(error, BlobError::Refused(_)), "{error:?}"),
        }
    }
}

/// A link without the port that a browser leaves out of `Host` is signed without it.
#[tokio::test]
async fn a_link_names_the_host_as_a_browser_does() {
    let blobs = blobs("https://S3.example.com:443/", "bucket");
    let link = link(&blobs, &key(7, 3), NAME).await;
    assert!(link.starts_with("https://s3.example.com/bucket/uploads/"), "{link}");
}

/// S0-3
#[tokio::test(flavor = "multi_thread")]
async fn a_link_reads_the_object_under_its_name() {
    let server = S3Server::shared();
    let blobs = blobs(&server.endpoint(), &server.bucket());
    let key = key(7, 3);
    put(&blobs, &key).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(link(&blobs, &key, NAME).await).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    let disposition = answer.headers()["content-disposition"].to_str().unwrap();
    assert_eq!(disposition, disposition::attachment(NAME));
    assert_eq!(answer.bytes().await.unwrap(), b"%PDF-1.7 text".as_slice());

    blobs.delete(key.clone()).await.unwrap();
    let gone = client.get(link(&blobs, &key, NAME).await).send().await.unwrap();
    assert!(gone.status().is_client_error(), "{}", gone.status());
}
