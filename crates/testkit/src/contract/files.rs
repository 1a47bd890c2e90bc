//! Files of conversations: attached, and read for requests to a model.

use std::collections::HashSet;
use std::slice::from_ref;
use std::sync::Arc;

use domain::limits::{FILE_NAME_CHARS, FILE_TEXT_BYTES};
use domain::{
    BlobId, BlobKey, Conversation, ConversationId, ConversationNumber, File, FileName, FileNumber, FileText,
    NewFile,
};
use futures_util::future::join;
use ports::Access;
use uuid::Uuid;

use super::Stores;
use super::objects::pending_deletions;
use super::racing::at_once;
use super::scene::{Scene, conversation_id, instant};

/// More bytes than any conversation of these cases has.
pub(super) const ALL: u64 = 1 << 30;

/// The key of an object of the user's that is not reserved yet.
pub(super) fn blob(scene: &Scene<'_>) -> BlobKey {
    BlobKey::upload(scene.owner, ConversationNumber(1), BlobId(Uuid::now_v7()))
}

/// The key of an object that is reserved: it may be put now.
pub(super) async fn reserved(scene: &Scene<'_>) -> BlobKey {
    let blob = blob(scene);
    scene.stores.files.reserve(blob.clone(), instant(1_000)).await.unwrap();
    blob
}

/// A file named `a.pdf`.
pub(super) fn file(scene: &Scene<'_>, conversation: ConversationId, blob: BlobKey, text: &str) -> NewFile {
    NewFile {
        conversation,
        blob,
        name: FileName::from_sender("a.pdf"),
        size: 4_711,
        pages: 3,
        pages_read: 2,
        text: text.to_owned(),
        at: scene.now(),
    }
}

async fn attach(scene: &Scene<'_>, file: NewFile) -> Access<File> {
    scene.stores.files.attach(scene.owner, file).await.unwrap()
}

/// Attaches a file with this text to a conversation of the user's.
pub(super) async fn attached(scene: &Scene<'_>, conversation: ConversationId, text: &str) -> File {
    let file = file(scene, conversation, reserved(scene).await, text);
    attach(scene, file).await.granted().expect("the conversation is the user's")
}

pub(super) async fn texts(stores: &Stores, conversation: ConversationId, max_bytes: u64) -> Vec<String> {
    let texts = stores.files.texts(conversation, max_bytes).await.unwrap();
    texts.into_iter().map(|file| file.text).collect()
}

/// Whether the next begin reports files; its turn is ended.
pub(super) async fn has_files(scene: &Scene<'_>, conversation: ConversationId) -> bool {
    let begun = scene.ask(conversation, "q").await;
    scene.answer(&begun, "a").await;
    begun.has_files
}

/// A file is stored unchanged, numbers begin at one, and `updated_at` of the conversation moves, but never back.
pub(super) async fn a_file_is_stored_unchanged(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talks = [scene.conversation_of(1).await, scene.conversation_of(1).await];
    for (number, talk) in (1..).zip([talks[0], talks[1], talks[0]]) {
        let before = scene.conversation(talk).await;
        let new = NewFile {
            name: FileName::from_sender("Zoë's 🏔.pdf"),
            size: 1 << 33,
            ..file(&scene, talk, reserved(&scene).await, "Says \"grüezi\",\n100% 🏔")
        };
        let expected = File {
            number: FileNumber(number),
            conversation: talk,
            blob: new.blob.clone(),
            name: new.name.clone(),
            size: new.size,
            pages: new.pages,
            pages_read: new.pages_read,
            text: new.text.clone(),
            created_at: new.at,
        };
        let said = FileText {
            name: new.name.clone(),
            pages: new.pages,
            pages_read: new.pages_read,
            text: new.text.clone(),
        };
        let at = new.at;
        assert_eq!(attach(&scene, new).await, Access::Granted(expected));
        assert_eq!(stores.files.texts(talk, ALL).await.unwrap().first(), Some(&said));
        assert_eq!(scene.conversation(talk).await, Conversation { updated_at: at, ..before });
    }
    assert!(pending_deletions(stores).await.is_empty());

    let before = scene.conversation(talks[0]).await;
    let late = NewFile { at: instant(-5), ..file(&scene, talks[0], reserved(&scene).await, "late") };
    let late = attach(&scene, late).await.granted().expect("the conversation is the user's");
    assert_eq!((late.number, late.created_at), (FileNumber(4), instant(-5)));
    assert_eq!(scene.conversation(talks[0]).await, before);
}

/// Only the owner can attach a file, and only to a conversation that is not deleted. Otherwise nothing changes.
pub(super) async fn a_file_is_attached_where_it_may_be(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let talk = scene.conversation_of(1).await;
    let before = scene.conversation(talk).await;
    let blob = reserved(&scene).await;
    let new = |to| file(&scene, to, blob.clone(), "text");

    assert_eq!(attach(&stranger, new(talk)).await, Access::Foreign);
    assert_eq!(attach(&scene, new(conversation_id())).await, Access::Absent);
    assert_eq!(scene.conversation(talk).await, before);
    stores.conversations.soft_delete(scene.owner, talk.into(), scene.now()).await.unwrap();
    for user in [&scene, &stranger] {
        assert_eq!(attach(user, new(talk)).await, Access::Absent);
    }
    let at = scene.now();
    let restored = stores.conversations.restore(scene.owner, talk.into(), at).await.unwrap();
    assert_eq!(restored, Access::Granted(Conversation { updated_at: at, ..before }));
    assert!(!has_files(&scene, talk).await);
    assert!(texts(stores, talk, ALL).await.is_empty());
    // The object is still reserved.
    assert_eq!(pending_deletions(stores).await, from_ref(&blob));
    let attached = attach(&scene, new(talk)).await.granted().expect("the conversation is the user's");
    assert_eq!(attached.number, FileNumber(1));
    stores.conversations.purge(scene.owner, talk.into()).await.unwrap();
    let gone = file(&scene, talk, reserved(&scene).await, "text");
    assert_eq!(attach(&scene, gone).await, Access::Absent);
}

/// An object that is not reserved, or no longer, or that is due, cannot become a file.
pub(super) async fn a_file_needs_its_reservation(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.conversation_of(1).await;
    let before = scene.conversation(talk).await;
    let (unknown, swept, due) = (blob(&scene), reserved(&scene).await, reserved(&scene).await);
    stores.files.confirm_deleted(vec![swept.clone()]).await.unwrap();
    let late = NewFile { at: instant(1_000), ..file(&scene, talk, due, "text") };
    for new in [file(&scene, talk, unknown, "text"), file(&scene, talk, swept, "text"), late] {
        assert_eq!(attach(&scene, new).await, Access::Absent);
    }
    assert_eq!(scene.conversation(talk).await, before);
    assert!(texts(stores, talk, ALL).await.is_empty());
    assert!(!has_files(&scene, talk).await);
}

/// Of many files for one object one is attached; a later one is refused.
pub(super) async fn an_object_belongs_to_one_file(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (talk, other) = (scene.conversation_of(1).await, scene.conversation_of(1).await);
    let blob = reserved(&scene).await;
    let owner = scene.owner;
    let outcomes = at_once([talk, other].into_iter().cycle().take(16).map(|to| {
        let (files, file) = (Arc::clone(&stores.files), file(&scene, to, blob.clone(), "text"));
        async move { files.attach(owner, file).await.unwrap() }
    }));
    let file_of = |outcome| match outcome {
        Access::Granted(file) => Some(file),
        Access::Foreign => panic!("both conversations are the user's"),
        Access::Absent => None,
    };
    let granted: Vec<File> = outcomes.await.into_iter().filter_map(file_of).collect();
    let [winner] = granted.as_slice() else { panic!("{} got the object", granted.len()) };
    assert_eq!(attach(&scene, file(&scene, other, blob, "text")).await, Access::Absent);
    for to in [talk, other] {
        assert_eq!(has_files(&scene, to).await, winner.conversation == to);
        assert_eq!(texts(stores, to, ALL).await.len(), usize::from(winner.conversation == to));
    }
    assert!(pending_deletions(stores).await.is_empty());
}

/// A begin reports whether the conversation has files, however the conversation was made.
pub(super) async fn a_begin_reports_whether_there_are_files(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("q").await;
    let with_turn = begun.conversation.id;
    assert!(!begun.has_files);
    // A file that is attached while a turn runs counts from the next turn on.
    attached(&scene, with_turn, "text").await;
    scene.answer(&begun, "a").await;
    assert!(has_files(&scene, with_turn).await);

    let new = scene.new_conversation();
    let without_turn = stores.conversations.create(new).await.unwrap().id;
    assert!(!has_files(&scene, without_turn).await);
    // A scan without text is a file as well.
    attached(&scene, without_turn, "").await;
    assert!(has_files(&scene, without_turn).await);
    stores.conversations.soft_delete(scene.owner, without_turn.into(), scene.now()).await.unwrap();
    stores.conversations.restore(scene.owner, without_turn.into(), scene.now()).await.unwrap();
    assert!(has_files(&scene, without_turn).await);
    assert!(!scene.start("q").await.has_files);

    // Turns that are begun together each get their own answer.
    let mut begins = Vec::new();
    for number in 0..8 {
        let talk = scene.conversation_of(1).await;
        if number % 2 == 0 {
            attached(&scene, talk, "text").await;
        }
        begins.push((scene.begin_in(talk, "q"), number % 2 == 0));
    }
    let answers = at_once(begins.into_iter().map(|(begin, expected)| {
        let turns = stores.turns_elsewhere();
        async move { (turns.begin(begin).await.unwrap().has_files, expected) }
    }));
    assert!(answers.await.into_iter().all(|(has_files, expected)| has_files == expected));
}

/// The texts of one conversation, newest first; files without text are among them.
pub(super) async fn texts_begin_with_the_newest(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (talk, other) = (scene.conversation_of(1).await, scene.conversation_of(1).await);
    assert!(texts(stores, talk, ALL).await.is_empty());
    for text in ["", "one", "", "two"] {
        attached(&scene, talk, text).await;
        attached(&scene, other, "elsewhere").await;
    }
    attached(&scene, talk, "three").await;
    attached(&scene, talk, "").await;
    assert_eq!(texts(stores, talk, ALL).await, ["", "three", "two", "", "one", ""]);
    assert_eq!(texts(stores, talk, u64::MAX).await.len(), 6);
    assert_eq!(texts(stores, other, ALL).await.len(), 4);
    assert!(texts(stores, conversation_id(), ALL).await.is_empty());
    // Names count: 15 bytes are "a.pdf", "a.pdf" and "three".
    assert_eq!(texts(stores, talk, 15).await, ["", "three"]);
    assert_eq!(texts(stores, talk, 16).await, ["", "three", "two"]);
}

/// Texts and names are counted in bytes; the last one may reach beyond the bound.
pub(super) async fn texts_are_bounded_in_bytes(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.conversation_of(1).await;
    for text in ["small", &"x".repeat(100), "grüezi"] {
        let new = file(&scene, talk, reserved(&scene).await, text);
        let new = NewFile { name: FileName::from_sender("ö"), ..new };
        attach(&scene, new).await.granted().expect("the conversation is the user's");
    }
    // Nine bytes, with its name.
    let newest = "grüezi";
    assert!(texts(stores, talk, 0).await.is_empty());
    for (max_bytes, count) in [(1, 1), (9, 1), (10, 2), (111, 2), (112, 3), (1_000, 3)] {
        let read = texts(stores, talk, max_bytes).await;
        assert_eq!((read.len(), read[0].as_str()), (count, newest), "{max_bytes}");
    }
}

/// The longest text that a file can have, with the longest name.
pub(super) async fn a_long_text_is_kept_whole(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.conversation_of(1).await;
    // Random, so that it does not compress.
    let mut text = String::with_capacity(FILE_TEXT_BYTES);
    while text.len() < FILE_TEXT_BYTES {
        text.push_str(&Uuid::now_v7().simple().to_string());
    }
    assert_eq!(text.len(), FILE_TEXT_BYTES);
    let name = FileName::from_sender(&"🏔".repeat(FILE_NAME_CHARS));
    for _ in 0..3 {
        let new = file(&scene, talk, reserved(&scene).await, &text);
        let new = NewFile { name: name.clone(), ..new };
        attach(&scene, new).await.granted().expect("the conversation is the user's");
    }
    let one = (text.len() + name.as_str().len()) as u64;
    let said = FileText { name, pages: 3, pages_read: 2, text };
    assert_eq!(stores.files.texts(talk, one + 1).await.unwrap(), [said.clone(), said.clone()]);
    assert_eq!(stores.files.texts(talk, one).await.unwrap(), [said]);
}

/// Files that are attached at the same time are all stored, and turns go on meanwhile.
pub(super) async fn files_may_be_attached_at_the_same_time(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (talk, owner) = (scene.conversation_of(1).await, scene.owner);
    let mut calls = Vec::new();
    for number in 0..16 {
        let file = file(&scene, talk, reserved(&scene).await, &format!("text {number}"));
        let files = Arc::clone(&stores.files);
        calls.push(async move { files.attach(owner, file).await.unwrap().granted().map(|file| file.number) });
    }
    let (numbers, ()) = join(at_once(calls), scene.exchange(talk, "q", "a")).await;
    let numbers: HashSet<i64> = numbers.into_iter().flatten().map(|number| number.0).collect();
    assert_eq!(numbers, (1..=16).collect());
    assert_eq!(texts(stores, talk, ALL).await.len(), 16);
    assert!(has_files(&scene, talk).await);
    assert!(pending_deletions(stores).await.is_empty());
}
