//! How conversations are changed, on mocked ports.

use std::collections::HashSet;
use std::sync::Arc;

use domain::{ConversationPatch, ErrorCode, ModelName};
use omnichat_services::{Conversations, DescribeError};
use ports::{Access, MockConversationStore, MockFileStore, MockTurnStore};

use crate::support::{caller, clock, conversation, ids, settings, turns_with};

/// Conversations in this store, where only `gpt-4o` is offered.
fn conversations(store: MockConversationStore) -> Conversations {
    let mut settings = settings();
    settings.models.allow = Some(HashSet::from(["gpt-4o".to_owned()]));
    let (turns, _, tasks) = turns_with(MockTurnStore::new(), MockFileStore::new(), Vec::new(), settings);
    Conversations::new(Arc::new(store), turns, clock(), Arc::new(ids()), tasks)
}

fn to_model(name: &str) -> ConversationPatch {
    ConversationPatch { model: Some(ModelName::parse(name).unwrap()), ..ConversationPatch::default() }
}

#[tokio::test]
async fn a_conversation_cannot_be_given_a_model_that_is_not_offered() {
    let mut store = MockConversationStore::new();
    store.expect_patch().never();
    let patched =
        conversations(store).patch(&caller(), conversation().id.into(), to_model("gpt-3.5-turbo")).await;
    assert_eq!(patched.unwrap_err().describe().code, ErrorCode::ModelNotAllowed);
}

#[tokio::test]
async fn a_conversation_can_be_given_a_model_that_is_offered() {
    let mut store = MockConversationStore::new();
    store
        .expect_patch()
        .withf(|_, _, patch, _| patch.model.as_ref().is_some_and(|model| model.as_str() == "gpt-4o"))
        .times(1)
        .returning(|_, _, patch, _| {
            Ok(Access::Granted(domain::Conversation { model: patch.model, ..conversation() }))
        });
    let patched = conversations(store).patch(&caller(), conversation().id.into(), to_model("gpt-4o")).await;
    assert_eq!(patched.unwrap().model.unwrap().as_str(), "gpt-4o");
}
