//! The test server accepts any signature, so ours are compared with those of botocore, the library of AWS's clients.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};
use testkit::blobs_contract::key;
use testkit::s3_server::python;

use super::stub::{Received, Stub};
use super::*;

/// The result of `sign.py` for this input.
fn botocore(asked: &Value) -> Value {
    let mut process = python()
        .args(["-c", include_str!("sign.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "its error is printed above");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An address in parts, with its query in order.
fn parts(link: &str) -> (String, BTreeMap<String, String>) {
    let (address, _) = link.split_once('?').unwrap();
    (address.to_owned(), Url::parse(link).unwrap().query_pairs().into_owned().collect())
}

/// S0-57
#[tokio::test]
async fn links_are_signed_as_botocore_signs_them() {
    let names = ["plain.pdf", "Übersicht «Q3» 50%+\"final\"; a=b&c~*'().pdf", "報告 書.pdf"];
    let endpoints = ["https://s3.example.com", "http://minio:9000", "https://example.com:8443/storage/s3"];
    for (name, endpoint) in names.into_iter().zip(endpoints) {
        let mut settings = settings(endpoint, "our-bucket");
        settings.region = "eu-central-1".to_owned();
        settings.link_lifetime = Duration::from_hours(1);
        let (key, name) = (key(7, 3), FileName::from_sender(name));
        let ours = S3Blobs::new(&settings).unwrap().link(key.clone(), name.clone()).await.unwrap().unwrap();
        let (address, query) = parts(&ours);
        let mut asked = json!({
            "what": "link", "endpoint": endpoint, "region": "eu-central-1", "bucket": "our-bucket",
            "key": key.as_str(), "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "expires": 3_600,
            "date": query["X-Amz-Date"], "type": "application/pdf",
            "disposition": disposition::attachment(name.as_str()),
        });
        let theirs = botocore(&asked);
        assert_eq!((address, query.clone()), parts(theirs.as_str().unwrap()));

        asked["secret_key"] = json!("another secret");
        let (_, wrong) = parts(botocore(&asked).as_str().unwrap());
        assert_ne!(query["X-Amz-Signature"], wrong["X-Amz-Signature"]);
        settings.secret_key = "another secret".into();
        let wrong = S3Blobs::new(&settings).unwrap().link(key, name).await.unwrap().unwrap();
        assert_ne!(query["X-Amz-Signature"], parts(&wrong).1["X-Amz-Signature"]);
    }
}

/// The signature that a request carries, and the headers that it covers.
fn signature(request: &Received) -> (&str, Value) {
    let (rest, signature) = request.header("authorization").split_once(",Signature=").unwrap();
    let (_, names) = rest.split_once(",SignedHeaders=").unwrap();
    let headers = names.split(';').map(|name| (name.to_owned(), json!(request.header(name))));
    (signature, Value::Object(headers.collect()))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_as_botocore_signs_them() {
    let stub = Stub::saying(Some(
        "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ));
    let blobs = blobs(&stub.endpoint, "our-bucket");
    let key = key(7, 3);
    put(&blobs, &key).await.unwrap();
    // The stub does not answer a delete with 204 or a list with XML, so both fail; here only the requests matter.
    blobs.delete(key.clone()).await.unwrap_err();
    blobs.check().await.unwrap_err();

    let received = stub.received();
    let sent: Vec<_> =
        received.iter().map(|request| (request.method.as_str(), request.target.as_str())).collect();
    let object = format!("/our-bucket/{key}");
    let list = "/our-bucket/?prefix=uploads%2F&list-type=2&max-keys=1";
    assert_eq!(sent, [("PUT", object.as_str()), ("DELETE", object.as_str()), ("GET", list)]);
    assert_eq!(received[0].header("content-type"), "application/pdf");
    assert_eq!(received[0].body, b"%PDF-1.7 text");

    for request in &received {
        let (signature, headers) = signature(request);
        for name in ["host", "x-amz-date", "x-amz-content-sha256"] {
            assert!(headers.get(name).is_some(), "{name} is not signed: {headers}");
        }
        let mut asked = json!({
            "what": "request", "method": request.method, "url": format!("{}{}", stub.endpoint, request.target),
            "headers": headers, "body": request.body, "region": "us-east-1",
            "access_key": ACCESS_KEY, "secret_key": SECRET_KEY,
        });
        let theirs = botocore(&asked);
        assert_eq!(theirs["signature"], signature, "{request:?}");
        assert_eq!(theirs["body"], request.header("x-amz-content-sha256"));
        asked["secret_key"] = json!("another secret");
        assert_ne!(botocore(&asked)["signature"], signature);
    }
}
