//! The contract suite of file storage, and tests of what only a disk can get wrong.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use domain::file::PDF;
use tempfile::TempDir;
use testkit::blobs_contract::{ReadObject, Storage, key};

use super::*;

/// Objects in a directory of the test's own, which does not exist yet.
fn fresh() -> (DiskBlobs, TempDir) {
    let scratch = TempDir::new().unwrap();
    (DiskBlobs::new(scratch.path().join("data/files")), scratch)
}

fn storage() -> Storage {
    let (blobs, scratch) = fresh();
    let scratch = Arc::new(scratch);
    let read: ReadObject = Arc::new(move |key| {
        let path = scratch.path().join("data/files").join(key.as_str());
        Box::pin(async move { fs::read(path).ok() })
    });
    Storage { blobs: Arc::new(blobs), read }
}

testkit::blobs_contract!(storage());

/// Every path below a directory, without that directory.
fn everything_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything_below(&path));
        }
        found.push(path);
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn put(blobs: &DiskBlobs, key: &BlobKey) -> Result<(), BlobError> {
    blobs.put(key.clone(), b"x".as_slice().into(), PDF).await
}

#[tokio::test]
async fn files_and_directories_are_accessible_to_their_owner_alone() {
    let (blobs, scratch) = fresh();
    put(&blobs, &key(7, 3)).await.unwrap();
    let found = everything_below(scratch.path());
    // data, files, uploads, 7, 3 and the object: nothing else is left of the put.
    assert_eq!(found.len(), 6, "{found:?}");
    for path in found {
        assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

#[tokio::test]
async fn the_last_delete_leaves_only_the_root() {
    let (blobs, scratch) = fresh();
    let (first, second) = (key(7, 3), key(7, 4));
    put(&blobs, &first).await.unwrap();
    put(&blobs, &second).await.unwrap();
    blobs.delete(first).await.unwrap();
    let root = scratch.path().join("data/files");
    assert!(!root.join("uploads/7/3").exists());
    assert!(root.join("uploads/7/4").exists());
    blobs.delete(second).await.unwrap();
    assert_eq!(everything_below(&root), Vec::<PathBuf>::new());
    assert!(root.exists());
}

#[tokio::test]
async fn a_delete_removes_the_part_of_an_interrupted_put() {
    let (blobs, scratch) = fresh();
    let (cut_off, other) = (key(7, 3), key(7, 4));
    for key in [&cut_off, &other] {
        let part = objects::abandoned_part(&blobs.path(key).unwrap());
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(part, b"a part").unwrap();
    }
    blobs.delete(cut_off).await.unwrap();
    let uploads = scratch.path().join("data/files/uploads/7");
    assert!(!uploads.join("3").exists());
    // The part of another object may still be written.
    assert_eq!(everything_below(&uploads.join("4")).len(), 1);
}

#[tokio::test]
async fn a_check_leaves_nothing_behind() {
    let (blobs, scratch) = fresh();
    blobs.check().await.unwrap();
    blobs.check().await.unwrap();
    assert_eq!(everything_below(&scratch.path().join("data/files")), Vec::<PathBuf>::new());
    assert_eq!(mode(&scratch.path().join("data/files")), 0o700);
}

#[tokio::test]
async fn a_full_disk_is_unavailable() {
    let (blobs, scratch) = fresh();
    let root = scratch.path().join("data/files");
    fs::create_dir_all(&root).unwrap();
    // This device is always full.
    symlink("/dev/full", root.join(".probe")).unwrap();
    let checked = blobs.check().await;
    assert!(matches!(checked, Err(BlobError::Unavailable(_))), "{checked:?}");
    // The probe that could not be written was removed, so the next check succeeds.
    blobs.check().await.unwrap();
}

#[tokio::test]
async fn a_root_that_cannot_be_a_directory_refuses() {
    let scratch = TempDir::new().unwrap();
    fs::write(scratch.path().join("data"), b"a file").unwrap();
    for root in ["data", "data/files"] {
        let blobs = DiskBlobs::new(scratch.path().join(root));
        let checked = blobs.check().await;
        assert!(matches!(checked, Err(BlobError::Refused(_))), "{checked:?}");
        let kept = put(&blobs, &key(7, 3)).await;
        assert!(matches!(kept, Err(BlobError::Refused(_))), "{kept:?}");
        // There is no object in it, so there is nothing to delete.
        blobs.delete(key(7, 3)).await.unwrap();
    }
}

#[tokio::test]
async fn a_directory_in_the_place_of_an_object_stays() {
    let (blobs, scratch) = fresh();
    let key = key(7, 3);
    let path = scratch.path().join("data/files").join(key.as_str());
    fs::create_dir_all(path.join("inside")).unwrap();
    let kept = put(&blobs, &key).await;
    assert!(matches!(kept, Err(BlobError::Refused(_))), "{kept:?}");
    let deleted = blobs.delete(key).await;
    assert!(matches!(deleted, Err(BlobError::Refused(_))), "{deleted:?}");
    // The put that failed left no part of itself.
    assert_eq!(everything_below(path.parent().unwrap()).len(), 2);
}

#[tokio::test]
async fn names_that_begin_with_a_dot_are_reserved() {
    let (blobs, _scratch) = fresh();
    for hidden in [".probe", "uploads/.x.pdf.1-0.part", ".uploads/x"] {
        let kept = put(&blobs, &BlobKey::from_stored(hidden.to_owned())).await;
        assert!(matches!(kept, Err(BlobError::Refused(_))), "{hidden}: {kept:?}");
    }
}

#[tokio::test]
async fn a_name_that_no_disk_takes_is_refused() {
    let (blobs, _scratch) = fresh();
    for name in ["a".repeat(300), "a\0b".to_owned()] {
        let kept = put(&blobs, &BlobKey::from_stored(format!("uploads/{name}"))).await;
        assert!(matches!(kept, Err(BlobError::Refused(_))), "{kept:?}");
    }
}

#[tokio::test]
async fn a_check_waits_for_one_that_hangs_and_no_longer() {
    let (blobs, _scratch) = fresh();
    let hanging = Arc::clone(&blobs.checking).lock_owned().await;
    let start = std::time::Instant::now();
    let checked = blobs.check().await;
    assert!(matches!(checked, Err(BlobError::Unavailable(_))), "{checked:?}");
    // It waits for 2 s, and other calls for 30.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    drop(hanging);
    blobs.check().await.unwrap();
}

#[test]
fn failures_of_the_disk_are_told_from_refusals() {
    use io::ErrorKind as Kind;
    let (blobs, _scratch) = fresh();
    for refused in [Kind::PermissionDenied, Kind::ReadOnlyFilesystem] {
        assert!(matches!(blobs.classify(refused.into()), BlobError::Refused(_)), "{refused}");
    }
    for away in [Kind::StorageFull, Kind::QuotaExceeded, Kind::StaleNetworkFileHandle, Kind::TimedOut] {
        assert!(matches!(blobs.classify(away.into()), BlobError::Unavailable(_)), "{away}");
    }
    // EIO has no kind of its own.
    let broken = io::Error::from_raw_os_error(5);
    assert!(matches!(blobs.classify(broken), BlobError::Unavailable(_)));
}
