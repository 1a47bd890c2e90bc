//! Attaching files and sweeping their objects, on mocked ports.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::{BlobKey, ConversationNumber, ErrorCode, ErrorKind, FileName, FileNumber, FileText, Part, Role};
use mockall::Sequence;
use omnichat_services::{
    Conversations, DescribeError, Files, FilesError, FilesSetup, SweepResult, Tasks, Upload, UploadLimit,
};
use ports::{
    Access, Begun, BlobError, Bytes, Extracted, ExtractionError, MockBlobs, MockConversationStore,
    MockFileStore, MockTextExtractor, MockTurnStore, StoreError, Window,
};

use crate::support::{
    Step, caller, clock, conversation, ids, kept, now, question, settings, turns, turns_with,
};

const PDF: &[u8] = b"%PDF-1.7 ...";

struct Setup {
    store: MockFileStore,
    conversations: MockConversationStore,
    blobs: MockBlobs,
    extractor: MockTextExtractor,
}

impl Setup {
    fn new() -> Self {
        let mut conversations = MockConversationStore::new();
        conversations.expect_find().returning(|_, _| Ok(Access::Granted(conversation())));
        Self {
            store: MockFileStore::new(),
            conversations,
            blobs: MockBlobs::new(),
            extractor: MockTextExtractor::new(),
        }
    }

    fn reading(text: &'static str) -> Self {
        let mut setup = Self::new();
        let extracted = Extracted { pages: 2, pages_read: 1, text: text.to_owned() };
        setup.extractor.expect_extract().returning(move |_| Ok(extracted.clone()));
        setup
    }

    fn files(self) -> Files {
        let (turns, _, tasks) = turns(MockTurnStore::new(), Vec::new());
        let conversations =
            Conversations::new(Arc::new(self.conversations), turns, clock(), Arc::new(ids()), tasks);
        Files::new(FilesSetup {
            store: Arc::new(self.store),
            conversations,
            blobs: Arc::new(self.blobs),
            extractor: Arc::new(self.extractor),
            clock: clock(),
            ids: Arc::new(ids()),
            tasks: Tasks::new(tokio::runtime::Handle::current()),
            upload_limit: UploadLimit::megabytes(1),
        })
    }
}

fn upload(bytes: &[u8]) -> Upload {
    Upload { name: FileName::from_sender("report.pdf"), bytes: Bytes::copy_from_slice(bytes) }
}

async fn refused(setup: Setup, bytes: &[u8]) -> FilesError {
    let files = setup.files();
    let slot = files.reserve_upload(&caller(), ConversationNumber(1)).await.unwrap();
    files.attach(&caller(), slot, upload(bytes)).await.unwrap_err()
}

#[tokio::test]
async fn an_object_is_reserved_then_stored_then_attached() {
    let mut setup = Setup::reading("All\u{0} of it\r\n\u{7}.");
    let mut order = Sequence::new();
    setup
        .store
        .expect_reserve()
        .withf(|blob, due| blob.as_str().starts_with("uploads/") && *due > now() + TimeDelta::minutes(1))
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _| Ok(()));
    setup
        .blobs
        .expect_put()
        .withf(|_, bytes, media_type| &bytes[..] == PDF && media_type == domain::file::PDF)
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, _, _| Ok(()));
    setup
        .store
        .expect_attach()
        .withf(|_, file| file.text == "All of it\n." && file.pages == 2 && file.size == PDF.len() as u64)
        .times(1)
        .in_sequence(&mut order)
        .returning(|_, file| Ok(Access::Granted(file.with_number(FileNumber(1)))));
    setup.blobs.expect_link().returning(|_, _| Ok(Some("https://s3.example.com/x".to_owned())));
    let files = setup.files();
    let slot = files.reserve_upload(&caller(), ConversationNumber(1)).await.unwrap();
    let attached = files.attach(&caller(), slot, upload(PDF)).await.unwrap();
    assert_eq!((attached.file.name.as_str(), attached.file.pages_read), ("report.pdf", 1));
    assert_eq!(attached.link.as_deref(), Some("https://s3.example.com/x"));
}

#[tokio::test]
async fn nothing_is_stored_of_a_file_that_is_no_pdf_or_too_large() {
    let error = refused(Setup::new(), b"<html>").await;
    let told = error.describe();
    assert_eq!(
        (told.code, told.code.kind(), told.param),
        (ErrorCode::NotAPdf, ErrorKind::Invalid, Some("file"))
    );
    let mut large = PDF.to_vec();
    large.resize(UploadLimit::megabytes(1).bytes() + 1, b' ');
    let error = refused(Setup::new(), &large).await;
    assert_eq!(
        (error.describe().code, error.to_string().as_str()),
        (ErrorCode::FileTooLarge, "The file is larger than 1 MB")
    );
}

#[tokio::test]
async fn nothing_is_stored_of_a_file_that_cannot_be_read() {
    let cases = [
        (ExtractionError::Encrypted, ErrorKind::Invalid, ErrorCode::PdfEncrypted),
        (ExtractionError::Unreadable, ErrorKind::Invalid, ErrorCode::PdfUnreadable),
        (ExtractionError::TooComplex, ErrorKind::Invalid, ErrorCode::PdfTooComplex),
        (ExtractionError::Busy, ErrorKind::Unavailable, ErrorCode::FilesBusy),
        (ExtractionError::Failed("no program".into()), ErrorKind::Internal, ErrorCode::InternalError),
    ];
    for (error, kind, code) in cases {
        let mut setup = Setup::new();
        setup.extractor.expect_extract().return_once(|_| Err(error));
        let refused = refused(setup, PDF).await.describe();
        assert_eq!((refused.code.kind(), refused.code), (kind, code));
        assert_eq!(refused.retry_after.is_some(), kind == ErrorKind::Unavailable);
    }
}

/// F43
#[tokio::test]
async fn no_file_is_attached_if_its_object_could_not_be_stored() {
    for error in [BlobError::Unavailable("away".into()), BlobError::Refused("no such bucket".into())] {
        let mut setup = Setup::reading("text");
        setup.blobs.expect_link().returning(|_, _| Ok(None));
        setup.store.expect_reserve().returning(|_, _| Ok(()));
        setup.blobs.expect_put().return_once(|_, _, _| Err(error));
        let refused = refused(setup, PDF).await.describe();
        assert_eq!(
            (refused.code.kind(), refused.code),
            (ErrorKind::Unavailable, ErrorCode::StorageUnavailable)
        );
        assert!(refused.retry_after.is_some());
    }
}

#[tokio::test]
async fn a_file_cannot_be_attached_to_a_conversation_of_another_user() {
    for (access, code) in [
        (Access::Foreign, ErrorCode::ConversationForbidden),
        (Access::Absent, ErrorCode::ConversationNotFound),
    ] {
        let mut setup = Setup::new();
        setup.conversations = MockConversationStore::new();
        setup.conversations.expect_find().return_once(|_, _| Ok(access));
        let admitted = setup.files().reserve_upload(&caller(), ConversationNumber(1)).await;
        assert_eq!(admitted.unwrap_err().describe().code, code);
    }
}

#[tokio::test]
async fn a_conversation_that_is_deleted_meanwhile_is_not_found() {
    let mut setup = Setup::reading("text");
    setup.blobs.expect_link().returning(|_, _| Ok(None));
    setup.store.expect_reserve().returning(|_, _| Ok(()));
    setup.blobs.expect_put().returning(|_, _, _| Ok(()));
    setup.store.expect_attach().returning(|_, _| Ok(Access::Absent));
    assert_eq!(refused(setup, PDF).await.describe().code.kind(), ErrorKind::NotFound);
}

/// F44
#[tokio::test]
async fn the_number_of_uploads_in_memory_is_limited() {
    let files = Setup::new().files();
    let mut slots = Vec::new();
    let refused = loop {
        match files.reserve_upload(&caller(), ConversationNumber(1)).await {
            Ok(slot) => slots.push(slot),
            Err(error) => break error,
        }
        assert!(slots.len() <= 100, "there is no limit");
    };
    let refused = refused.describe();
    assert_eq!((refused.code.kind(), refused.code), (ErrorKind::Unavailable, ErrorCode::FilesBusy));
    assert!(refused.retry_after.is_some());
    slots.pop();
    assert!(files.reserve_upload(&caller(), ConversationNumber(1)).await.is_ok());
}

fn blob(name: &str) -> BlobKey {
    BlobKey::from_stored(name.to_owned())
}

#[tokio::test]
async fn due_objects_are_deleted_and_confirmed() {
    let mut setup = Setup::new();
    setup.store.expect_pending_deletions().returning(|_, _| Ok(vec![blob("a"), blob("b"), blob("c")]));
    setup.blobs.expect_delete().returning(|key| match key.as_str() {
        "b" => Err(BlobError::Refused("no permission".into())),
        _ => Ok(()),
    });
    setup
        .store
        .expect_reserve()
        .withf(|key, due| *key == blob("b") && *due > now())
        .times(1)
        .returning(|_, _| Ok(()));
    setup
        .store
        .expect_confirm_deleted()
        .withf(|blobs| *blobs == [blob("a"), blob("c")])
        .times(1)
        .returning(|_| Ok(()));
    assert_eq!(setup.files().sweep().await.unwrap(), SweepResult::Complete);
}

#[tokio::test]
async fn a_sweep_ends_when_the_storage_is_not_available() {
    let mut setup = Setup::new();
    setup.store.expect_pending_deletions().returning(|_, _| Ok(vec![blob("a"), blob("b"), blob("c")]));
    setup.blobs.expect_delete().times(1).returning(|_| Err(BlobError::Unavailable("away".into())));
    assert_eq!(setup.files().sweep().await.unwrap(), SweepResult::StorageUnavailable);
}

#[tokio::test]
async fn a_full_sweep_is_followed_by_another() {
    let mut setup = Setup::new();
    setup
        .store
        .expect_pending_deletions()
        .returning(|_, limit| Ok((0..limit).map(|n| blob(&n.to_string())).collect()));
    setup.blobs.expect_delete().returning(|_| Ok(()));
    setup.store.expect_confirm_deleted().times(1).returning(|_| Ok(()));
    assert_eq!(setup.files().sweep().await.unwrap(), SweepResult::Partial);
}

#[tokio::test(start_paused = true)]
async fn sweeping_continues_after_a_failure() {
    let mut setup = Setup::new();
    let (told, mut swept) = tokio::sync::mpsc::unbounded_channel();
    let mut tries = 0;
    setup.store.expect_pending_deletions().returning(move |_, _| {
        tries += 1;
        let _ = told.send(tries);
        if tries == 1 { Err(StoreError::Unavailable("away".into())) } else { Ok(Vec::new()) }
    });
    setup.files().start_sweeping();
    let both = async { (swept.recv().await, swept.recv().await) };
    let seen = tokio::time::timeout(Duration::from_mins(2), both).await.unwrap();
    assert_eq!(seen, (Some(1), Some(2)));
}

/// S1-40
#[tokio::test(start_paused = true)]
async fn the_text_of_files_comes_before_the_history() {
    let mut store = MockTurnStore::new();
    store.expect_begin().returning(|begin| {
        Ok(Begun {
            conversation: conversation(),
            persona: None,
            question: domain::Seq(1),
            appended: Vec::new(),
            model: begin.default_model,
            window: Window::default(),
            has_files: true,
        })
    });
    store.expect_finish().returning(|finish| Ok(kept(finish)));
    let mut files = MockFileStore::new();
    files.expect_texts().times(1).returning(|_, _| {
        let file = |name: &str, text: &str| FileText {
            name: FileName::from_sender(name),
            pages: 1,
            pages_read: 1,
            text: text.to_owned(),
        };
        Ok(vec![file("new.pdf", "newer"), file("scan.pdf", ""), file("old.pdf", "older")])
    });
    let (turns, model, _) = turns_with(store, files, vec![Step::Say("Yes."), Step::Finish], settings());
    turns.send(&caller(), question("What do they say?")).await.unwrap().whole().await.unwrap();
    let request = model.requests.lock().unwrap().remove(0);
    let file = |name: &str, text: &str| Part::File { name: name.to_owned(), text: text.to_owned() };
    assert_eq!(request.messages[0].role, Role::User);
    let scan = file("scan.pdf", "[No text could be read from this file.]");
    assert_eq!(request.messages[0].parts[..], [file("old.pdf", "older"), scan, file("new.pdf", "newer")]);
    assert_eq!(request.messages[1].parts[..], [Part::Text("What do they say?".to_owned())]);
}
