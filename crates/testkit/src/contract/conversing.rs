//! Conversations are made, read, edited, hidden and deleted.

use domain::{
    Contract, ConversationKey, ConversationNumber, ConversationPatch, HistoryLocation, JsonText, MessagePage,
    Seq, Title, Totals,
};
use ports::{Access, MessagesOfSeveral, Purged};
use serde_json::{Value, json};

use super::Stores;
use super::scene::{Scene, conversation_id, instant, model, project, reply, turn_of};

fn metadata(json: &Value) -> JsonText {
    JsonText::from_parsed(json.to_string())
}

fn value(text: &JsonText) -> Value {
    serde_json::from_str(text.as_str()).expect("metadata is JSON")
}

/// A conversation that is made without messages is empty and has all its fields.
pub(super) async fn a_conversation_is_made_without_messages(stores: &Stores) {
    let scene = Scene::new(stores).await;
    for begun_by in Contract::ALL {
        let mut new = scene.new_conversation();
        new.begun_by = begun_by;
        new.title = Some(Title::parse("T").unwrap());
        new.metadata = metadata(&json!({"a": {"b": [1, "ü", null]}}));
        new.application = Some(i64::MAX);
        let made = stores.conversations.create(new.clone()).await.unwrap();
        assert_eq!((made.id, made.owner, made.begun_by), (new.id, scene.owner, begun_by));
        assert_eq!((&made.label, &made.title, made.application), (&new.label, &new.title, new.application));
        assert_eq!(value(&made.metadata), value(&new.metadata));
        assert_eq!((made.last_seq, made.running, made.message_count), (Seq(0), None, 0));
        assert_eq!((made.totals, made.active), (Totals::default(), true));
        assert_eq!((made.created_at, made.updated_at), (new.at, new.at));
        assert_eq!(scene.conversation(new.id).await, made);
        assert!(scene.messages(new.id).await.is_empty());
        let begun = scene.ask(new.id, "q").await;
        assert_eq!((begun.question, begun.window.messages.len()), (Seq(1), 0));
    }
}

/// A conversation is found by every form of its key, only by its owner.
pub(super) async fn a_conversation_is_found_by_every_key(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let mut new = scene.new_conversation();
    new.home = HistoryLocation::OpenAi("conv_68a1".to_owned());
    let made = stores.conversations.create(new.clone()).await.unwrap();
    assert_eq!(made.home, new.home);
    let local = stores.conversations.create(scene.new_conversation()).await.unwrap();
    let provider = ConversationKey::Provider("conv_68a1".to_owned());
    for key in [made.id.into(), made.number.into(), provider.clone()] {
        let found = stores.conversations.find(scene.owner, key.clone()).await.unwrap();
        assert_eq!(found, Access::Granted(made.clone()));
        assert_eq!(stores.conversations.find(stranger.owner, key).await.unwrap(), Access::Foreign);
    }
    assert_eq!(scene.conversation(local.id).await, local);
    let absent = [
        conversation_id().into(),
        ConversationNumber(made.number.0 + 1_000).into(),
        ConversationKey::Provider("conv_other".to_owned()),
    ];
    for key in absent {
        assert_eq!(stores.conversations.find(scene.owner, key).await.unwrap(), Access::Absent);
    }
    stores.conversations.soft_delete(scene.owner, provider.clone(), scene.now()).await.unwrap();
    for key in [made.id.into(), made.number.into(), provider] {
        assert_eq!(stores.conversations.find(scene.owner, key).await.unwrap(), Access::Absent);
    }
}

/// A patch sets the fields that it names, merges metadata at the top level, and leaves the rest.
pub(super) async fn a_patch_changes_what_it_names(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut new = scene.new_conversation();
    new.metadata = metadata(&json!({"kept": 1, "nested": {"a": 1}, "gone": true}));
    new.project = Some(project("p"));
    let before = stores.conversations.create(new).await.unwrap();
    let patch = ConversationPatch {
        title: Some(Title::parse("New").unwrap()),
        metadata: Some(metadata(&json!({"nested": {"b": 2}, "gone": null, "added": "ü"}))),
        ..ConversationPatch::default()
    };
    let at = instant(1_000);
    let patched = stores.conversations.patch(scene.owner, before.id.into(), patch, at).await.unwrap();
    let patched = patched.granted().expect("the conversation is the user's");
    assert_eq!(patched.title.as_ref().map(Title::as_str), Some("New"));
    let merged = json!({"kept": 1, "nested": {"b": 2}, "gone": null, "added": "ü"});
    assert_eq!((value(&patched.metadata), patched.updated_at), (merged.clone(), at));
    assert_eq!((&patched.model, &patched.project), (&None, &before.project));
    assert_eq!((patched.created_at, patched.number), (before.created_at, before.number));
    assert_eq!(scene.conversation(before.id).await, patched);

    let patch = ConversationPatch { model: Some(model("switched")), ..ConversationPatch::default() };
    let patched = stores.conversations.patch(scene.owner, before.number.into(), patch, at).await.unwrap();
    let patched = patched.granted().expect("the conversation is the user's");
    assert_eq!((&patched.model, value(&patched.metadata)), (&Some(model("switched")), merged));
    assert_eq!(patched.title.as_ref().map(Title::as_str), Some("New"));
    assert_eq!(scene.ask(before.id, "q").await.model, model("switched"));
}

/// Only its owner can patch a conversation, and only while it is not deleted.
pub(super) async fn a_patch_is_refused_where_it_must_be(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    let before = scene.conversation(id).await;
    let stranger = scene.of_another_user().await;
    let patch = ConversationPatch { title: Some(Title::parse("x").unwrap()), ..ConversationPatch::default() };
    let patched = async |user, key: ConversationKey| {
        stores.conversations.patch(user, key, patch.clone(), scene.now()).await.unwrap()
    };
    assert_eq!(patched(stranger.owner, id.into()).await, Access::Foreign);
    assert_eq!(patched(scene.owner, conversation_id().into()).await, Access::Absent);
    assert_eq!(scene.conversation(id).await, before);
    stores.conversations.soft_delete(scene.owner, id.into(), scene.now()).await.unwrap();
    assert_eq!(patched(scene.owner, id.into()).await, Access::Absent);
}

/// Hiding a conversation sets `updated_at`. A repeated finish returns it, as nothing else reads a hidden conversation.
pub(super) async fn hiding_a_conversation_updates_it(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let finish = scene.completion_of(&begun, reply(["a"]));
    scene.finished(finish.clone()).await;
    let at = instant(3_000);
    stores.conversations.soft_delete(scene.owner, begun.conversation.id.into(), at).await.unwrap();
    let (_, change) = scene.finished(finish).await;
    assert_eq!(change.updated_at, at);
}

/// A hidden conversation is absent until it is restored, and then it is unchanged.
pub(super) async fn a_hidden_conversation_can_be_restored(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(2).await;
    let (before, path) = (scene.conversation(id).await, scene.path(id).await);
    let stranger = scene.of_another_user().await;
    let store = &stores.conversations;
    assert_eq!(store.restore(scene.owner, id.into(), scene.now()).await.unwrap(), Access::Absent);
    assert_eq!(store.soft_delete(stranger.owner, id.into(), scene.now()).await.unwrap(), Access::Foreign);
    let absent = conversation_id();
    assert_eq!(store.soft_delete(scene.owner, absent.into(), scene.now()).await.unwrap(), Access::Absent);
    assert_eq!(scene.conversation(id).await, before);

    assert_eq!(store.soft_delete(scene.owner, id.into(), scene.now()).await.unwrap(), Access::Granted(id));
    assert_eq!(store.soft_delete(scene.owner, id.into(), scene.now()).await.unwrap(), Access::Absent);
    let page = MessagePage::default();
    assert_eq!(store.messages(scene.owner, id.into(), page).await.unwrap(), Access::Absent);
    assert_eq!(store.messages_of(scene.owner, vec![id]).await.unwrap(), MessagesOfSeveral::default());
    assert_eq!(store.restore(scene.owner, absent.into(), scene.now()).await.unwrap(), Access::Absent);
    assert!(store.restore(stranger.owner, id.into(), scene.now()).await.unwrap().granted().is_none());

    let at = instant(2_000);
    let restored = store.restore(scene.owner, before.number.into(), at).await.unwrap();
    let restored = restored.granted().expect("the conversation is back");
    assert_eq!(restored, domain::Conversation { updated_at: restored.updated_at, ..before });
    assert_eq!((scene.conversation(id).await, scene.path(id).await), (restored, path));
    assert_eq!(store.restore(scene.owner, id.into(), at).await.unwrap(), Access::Absent);
}

/// A purge deletes a conversation for good, hidden or not, and returns the turn that runs in it.
pub(super) async fn a_purge_deletes_everything(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (idle, hidden, kept) =
        (scene.conversation_of(2).await, scene.conversation_of(1).await, scene.conversation_of(1).await);
    let busy = scene.start("q").await;
    scene.checkpoint(&busy, 0, super::scene::reply(["par"])).await;
    let store = &stores.conversations;
    store.soft_delete(scene.owner, hidden.into(), scene.now()).await.unwrap();
    let stranger = scene.of_another_user().await;
    assert_eq!(store.purge(stranger.owner, idle.into()).await.unwrap(), Access::Foreign);
    assert_eq!(store.purge(scene.owner, conversation_id().into()).await.unwrap(), Access::Absent);

    let busy_key: ConversationKey = busy.conversation.number.into();
    let running = Some(turn_of(&busy));
    for (key, id, running) in [
        (ConversationKey::from(idle), idle, None),
        (hidden.into(), hidden, None),
        (busy_key, busy.conversation.id, running),
    ] {
        let purged = store.purge(scene.owner, key.clone()).await.unwrap();
        assert_eq!(purged, Access::Granted(Purged { id, running }));
        assert_eq!(store.purge(scene.owner, key.clone()).await.unwrap(), Access::Absent);
        assert_eq!(store.find(scene.owner, key.clone()).await.unwrap(), Access::Absent);
        assert_eq!(store.restore(scene.owner, key, scene.now()).await.unwrap(), Access::Absent);
        assert_eq!(store.messages_of(scene.owner, vec![id]).await.unwrap(), MessagesOfSeveral::default());
    }
    assert_eq!(scene.path(kept).await.len(), 2);
}
