//! The contract suite of file storage on a test server, and tests of outages, signatures and links.

mod contract;
mod failures;
mod links;
mod signatures;
mod stub;

use domain::BlobKey;
use domain::chain;
use testkit::S3Server;

use super::*;

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn settings(endpoint: &str, bucket: &str) -> S3Settings {
    // The first test installs it; for all others the call fails.
    let _ = rustls::crypto::ring::default_provider().install_default();
    S3Settings {
        endpoint: endpoint.to_owned(),
        region: "us-east-1".to_owned(),
        bucket: bucket.to_owned(),
        access_key: ACCESS_KEY.into(),
        secret_key: SECRET_KEY.into(),
        link_lifetime: Duration::from_hours(24),
    }
}

fn blobs(endpoint: &str, bucket: &str) -> S3Blobs {
    S3Blobs::new(&settings(endpoint, bucket)).unwrap()
}

async fn put(blobs: &S3Blobs, key: &BlobKey) -> Result<(), BlobError> {
    blobs.put(key.clone(), b"%PDF-1.7 text".as_slice().into(), PDF).await
}

fn assert_no_secret(text: &str) {
    assert!(!text.contains(SECRET_KEY), "{text}");
    assert!(!text.contains(ACCESS_KEY), "{text}");
}

#[test]
fn debug_output_does_not_show_the_access_key() {
    let settings = settings("http://127.0.0.1:1", "bucket");
    assert_no_secret(&format!("{settings:?} {:?}", S3Blobs::new(&settings).unwrap()));
}

#[test]
fn an_endpoint_is_a_plain_address() {
    for (raw, taken) in [
        ("https://s3.example.com", "https://s3.example.com"),
        ("https://S3.Example.com:443/", "https://s3.example.com"),
        ("http://minio:9000", "http://minio:9000"),
        ("http://minio:80//", "http://minio"),
        ("https://example.com/storage/s3/", "https://example.com/storage/s3"),
    ] {
        assert_eq!(endpoint(raw).unwrap(), taken);
    }
    for bad in ["", "s3.example.com", "ftp://s3", "https://name:word@s3", "https://s3?a=b", "https://s3#a"] {
        let refused = endpoint(bad);
        assert!(matches!(refused, Err(S3SetupError::Endpoint)), "{bad}: {refused:?}");
    }
}
