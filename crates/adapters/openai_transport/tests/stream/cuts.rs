//! Answers that are cut off, after every byte.

use domain::FailureKind;
use testkit::FakeLlm;
use testkit::fake_llm::{InjectedFault, Place, Reply};

use crate::{LONG, PATHS, call};

const WHOLE: &str = "You said: one two three";

#[tokio::test]
async fn a_chat_that_is_cut_off_is_never_complete() {
    cut_everywhere(PATHS[0]).await;
}

#[tokio::test]
async fn a_response_that_is_cut_off_is_never_complete() {
    cut_everywhere(PATHS[1]).await;
}

async fn cut_everywhere(path: &str) {
    let server = FakeLlm::start().await;
    let mut cuts = 0;
    for at in (0..).step_by(5) {
        server.script(Reply::fault(InjectedFault::CutAfter(Place::Bytes(at))));
        let (said, error) = call(&server.base_url(), path, LONG).await;
        cuts += 1;
        assert!(WHOLE.starts_with(&said), "{path}, cut at {at}: {said}");
        let Some(error) = error else {
            // The end was received before the cut.
            assert_eq!(said, WHOLE, "{path}, cut at {at}");
            break;
        };
        assert_eq!(error.failure(), FailureKind::Truncated, "{path}, cut at {at}");
    }
    assert!(cuts > 200, "{path}: {cuts}");
    assert_eq!(server.call_count(), cuts, "{path}: one call each");
}

#[tokio::test]
async fn a_clean_end_without_a_reason_is_truncated() {
    for path in PATHS {
        let server = FakeLlm::start().await;
        for words in 0..5 {
            server.script(Reply::fault(InjectedFault::EndAfter(Place::Words(words))));
            let (said, error) = call(&server.base_url(), path, LONG).await;
            assert_eq!(said.split_inclusive(' ').count(), words, "{path}");
            assert_eq!(error.unwrap().failure(), FailureKind::Truncated, "{path}, after {words}");
        }
        assert_eq!(server.call_count(), 5);
    }
}
