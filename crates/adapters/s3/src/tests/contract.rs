//! The contract suite, each case in a bucket of its own.

use testkit::blobs_contract::{ReadObject, Storage};

use super::*;

/// S0-3, C-30
fn storage() -> Storage {
    let server = S3Server::shared();
    let bucket = server.bucket();
    let blobs = Arc::new(blobs(&server.endpoint(), &bucket));
    let read: ReadObject = Arc::new(move |key| {
        let object = server.object(&bucket, key.as_str());
        Box::pin(async move { object })
    });
    Storage { blobs, read }
}

testkit::blobs_contract!(storage());
