//! Prompts are made, read, changed and deleted, and each change keeps the version before it.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::{JsonText, Page, Prompt, PromptFields, PromptId, PromptVersion, Timestamp};
use ports::{NewPrompt, PromptChange, PromptFilter, PromptPatch};

use super::Stores;
use super::prompt_lists::{listed, search, searching};
use super::racing::at_once;
use super::scene::{Scene, instant};

pub(super) const ALL: Page = Page { limit: 100, offset: 0 };
const UNKNOWN: PromptId = PromptId(9_999);

pub(super) fn fields(title: &str, content: &str) -> PromptFields {
    PromptFields {
        title: title.to_owned(),
        scenario: "s".to_owned(),
        description: None,
        content: content.to_owned(),
        metadata: JsonText::empty_object(),
    }
}

pub(super) async fn made(scene: &Scene<'_>, fields: PromptFields) -> Prompt {
    let new = NewPrompt { owner: scene.owner, fields, at: scene.now() };
    scene.stores.prompts.create(new).await.unwrap()
}

pub(super) async fn prompt(scene: &Scene<'_>, title: &str, content: &str) -> PromptId {
    made(scene, fields(title, content)).await.id
}

pub(super) async fn found(scene: &Scene<'_>, id: PromptId) -> Prompt {
    scene.stores.prompts.find(scene.owner, id).await.unwrap().expect("the user sees the prompt")
}

pub(super) async fn updated(scene: &Scene<'_>, id: PromptId, patch: PromptPatch, at: Timestamp) -> Prompt {
    match scene.stores.prompts.update(scene.owner, id, patch, at).await.unwrap() {
        PromptChange::Done(prompt) => prompt,
        refused @ (PromptChange::Template | PromptChange::Absent) => panic!("{refused:?}"),
    }
}

async fn versions(scene: &Scene<'_>, id: PromptId) -> Vec<PromptVersion> {
    scene.stores.prompts.versions(scene.owner, id, ALL).await.unwrap()
}

pub(super) fn titled(title: &str) -> PromptPatch {
    PromptPatch { title: Some(title.to_owned()), ..PromptPatch::default() }
}

/// S1-42: a prompt is found unchanged, and the first one has the id 1.
pub(super) async fn a_prompt_is_found_as_it_was_made(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let long = "ä{v}👍".repeat(20_000);
    for (number, (description, content, metadata)) in (1..).zip([
        (None, "Summarize: {text}", "{}"),
        (Some(""), "100%_\\ 'x' \"y\"\n\t\r", r#"{"a":[1,2.50,null,true],"b":{"c":"Zoë 👍"}}"#),
        (Some("Says \"grüezi\""), long.as_str(), r#"{"":"'; DROP TABLE prompts; --"}"#),
    ]) {
        let fields = PromptFields {
            title: format!("Zoë's {number} \\ %"),
            scenario: "größe".to_owned(),
            description: description.map(str::to_owned),
            content: content.to_owned(),
            metadata: JsonText::from_parsed(metadata.to_owned()),
        };
        let at = scene.now();
        let new = NewPrompt { owner: scene.owner, fields: fields.clone(), at };
        let made = stores.prompts.create(new).await.unwrap();
        let expected = Prompt {
            id: PromptId(number),
            owner: Some(scene.owner),
            version: 1,
            fields: fields.clone(),
            usage_count: 0,
            created_at: at,
            updated_at: at,
        };
        assert_eq!(made, expected);
        assert_eq!(found(&scene, made.id).await, expected);
        assert_eq!(versions(&scene, made.id).await, [PromptVersion { version: 1, fields, created_at: at }]);
    }
}

/// Only its owner reads, changes, previews or deletes a prompt.
pub(super) async fn a_prompt_is_accessible_only_to_its_owner(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let id = prompt(&scene, "mine", "c").await;
    let before = found(&scene, id).await;
    let store = &stores.prompts;
    for (user, id) in [(stranger.owner, id), (scene.owner, UNKNOWN), (scene.owner, PromptId(i64::MAX))] {
        assert_eq!(store.find(user, id).await.unwrap(), None);
        assert_eq!(store.update(user, id, titled("x"), scene.now()).await.unwrap(), PromptChange::Absent);
        assert_eq!(store.delete(user, id).await.unwrap(), PromptChange::Absent);
        assert_eq!(store.versions(user, id, ALL).await.unwrap(), []);
        assert_eq!(store.version(user, id, 1).await.unwrap(), None);
        store.count_use(user, id).await.unwrap();
    }
    assert_eq!(found(&scene, id).await, before);
    let theirs = prompt(&stranger, "theirs", "c").await;
    assert_eq!(listed(&scene, searching("e"), ALL).await, (vec![id], 1));
    assert_eq!(listed(&stranger, searching("e"), ALL).await, (vec![theirs], 1));
}

/// S1-52: a change sets the fields that it names, also when it names one of them; the others stay.
pub(super) async fn a_prompt_is_changed_as_named(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = prompt(&scene, "title", "content").await;
    let other = prompt(&scene, "other", "content").await;
    let others = found(&scene, other).await;
    let mut expected = found(&scene, id).await;
    let some = |text: &str| Some(text.to_owned());
    let none = PromptPatch::default;
    for patch in [
        PromptPatch { title: some("TITLE two"), ..none() },
        PromptPatch { scenario: some("new"), ..none() },
        PromptPatch { description: some("Described \u{130}"), ..none() },
        PromptPatch { content: some("Content {x} ß"), ..none() },
        PromptPatch { metadata: Some(JsonText::from_parsed("{\"a\":1}".to_owned())), ..none() },
        PromptPatch { description: some(""), ..none() },
        none(),
        PromptPatch {
            title: some("3"),
            scenario: some("4"),
            description: some("5"),
            content: some("6"),
            metadata: Some(JsonText::empty_object()),
        },
    ] {
        let (at, before) = (scene.now(), expected.fields);
        let fields = PromptFields {
            title: patch.title.clone().unwrap_or(before.title),
            scenario: patch.scenario.clone().unwrap_or(before.scenario),
            description: patch.description.clone().or(before.description),
            content: patch.content.clone().unwrap_or(before.content),
            metadata: patch.metadata.clone().unwrap_or(before.metadata),
        };
        expected = Prompt { version: expected.version + 1, fields, updated_at: at, ..expected };
        assert_eq!(updated(&scene, id, patch, at).await, expected);
        assert_eq!(found(&scene, id).await, expected);
        // A search finds it by all that it has now.
        let PromptFields { title, content, description, .. } = &expected.fields;
        for text in [Some(title), Some(content), description.as_ref()].into_iter().flatten() {
            if !text.is_empty() {
                assert!(search(&scene, &text.to_uppercase()).await.contains(&id), "{text}");
            }
        }
    }
    for gone in ["two", "described", "content {x}"] {
        assert!(!search(&scene, gone).await.contains(&id), "{gone}");
    }
    assert_eq!(found(&scene, other).await, others);
}

/// Each change keeps the version before it. The time of the new one is later, whatever the clock says.
pub(super) async fn each_change_keeps_the_version_before_it(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = prompt(&scene, "v1", "c1").await;
    let mut expected = versions(&scene, id).await;
    let mut at = instant(500);
    for number in 2..=5 {
        let changed = updated(&scene, id, titled(&format!("v{number}")), at).await;
        assert_eq!((changed.version, changed.updated_at > expected[0].created_at), (number, true));
        let version =
            PromptVersion { version: number, fields: changed.fields, created_at: changed.updated_at };
        expected.insert(0, version);
        assert_eq!(versions(&scene, id).await, expected);
        // Clocks may stand still or go back.
        at = if number % 2 == 0 { changed.updated_at } else { instant(0) };
    }
    assert_eq!(expected[1].created_at, expected[2].created_at + TimeDelta::microseconds(1));
    assert_eq!(found(&scene, id).await.created_at, expected[4].created_at);
    for version in &expected {
        let found = stores.prompts.version(scene.owner, id, version.version).await.unwrap();
        assert_eq!(found.as_ref(), Some(version));
    }
    for unknown in [0, 6, u32::MAX] {
        assert_eq!(stores.prompts.version(scene.owner, id, unknown).await.unwrap(), None);
    }
    for (limit, offset, range) in [(2, 0, 0..2), (2, 1, 1..3), (9, 4, 4..5), (9, 5, 0..0)] {
        let page = stores.prompts.versions(scene.owner, id, Page { limit, offset }).await.unwrap();
        assert_eq!(page, expected[range], "{limit} {offset}");
    }
}

/// Changes at the same time follow each other: each one has a version, and no field is lost.
pub(super) async fn changes_at_the_same_time_lose_no_version(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = prompt(&scene, "start", "start").await;
    let changes = (0..24).map(|number: u32| {
        let (prompts, owner, at) = (Arc::clone(&stores.prompts), scene.owner, scene.now());
        let text = Some(number.to_string());
        let patch = if number.is_multiple_of(2) {
            PromptPatch { title: text, ..PromptPatch::default() }
        } else {
            PromptPatch { content: text, ..PromptPatch::default() }
        };
        async move { prompts.update(owner, id, patch, at).await.unwrap() }
    });
    let mut numbers = Vec::new();
    for change in at_once(changes).await {
        let PromptChange::Done(prompt) = change else { panic!("{change:?}") };
        numbers.push(prompt.version);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=25).collect::<Vec<_>>());
    let kept = versions(&scene, id).await;
    assert_eq!(kept.iter().map(|kept| kept.version).collect::<Vec<_>>(), (1..=25).rev().collect::<Vec<_>>());
    for pair in kept.windows(2) {
        let [new, old] = pair else { panic!("two versions") };
        assert!(new.created_at > old.created_at);
        // One of the two fields has changed; the other is as before.
        let changed = |one: &str, other: &str| usize::from(one != other);
        let (new, old) = (&new.fields, &old.fields);
        assert_eq!(changed(&new.title, &old.title) + changed(&new.content, &old.content), 1);
    }
    let now = found(&scene, id).await;
    assert_eq!(search(&scene, &now.fields.title).await, [id]);
    assert_eq!(search(&scene, &now.fields.content).await, [id]);
}

/// S1-53: a prompt is deleted with its versions, and its id is not used again.
pub(super) async fn a_prompt_is_deleted_with_its_versions(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (id, kept) = (prompt(&scene, "gone", "c").await, prompt(&scene, "kept", "c").await);
    for id in [id, kept] {
        updated(&scene, id, titled("two"), scene.now()).await;
    }
    let last = prompt(&scene, "last", "c").await;
    for id in [id, last] {
        assert_eq!(stores.prompts.delete(scene.owner, id).await.unwrap(), PromptChange::Done(()));
        assert_eq!(stores.prompts.delete(scene.owner, id).await.unwrap(), PromptChange::Absent);
        assert_eq!(stores.prompts.find(scene.owner, id).await.unwrap(), None);
        assert_eq!(versions(&scene, id).await, []);
        assert_eq!(stores.prompts.version(scene.owner, id, 1).await.unwrap(), None);
    }
    assert_eq!(listed(&scene, PromptFilter::default(), ALL).await, (vec![kept], 1));
    assert_eq!(versions(&scene, kept).await.len(), 2);
    assert!(prompt(&scene, "new", "c").await > last);
}

/// S1-51: a use adds one to the count, and changes nothing else.
pub(super) async fn a_use_changes_the_count_alone(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (id, other) = (prompt(&scene, "used", "c").await, prompt(&scene, "other", "c").await);
    updated(&scene, id, titled("two"), scene.now()).await;
    let (before, others, kept) =
        (found(&scene, id).await, found(&scene, other).await, versions(&scene, id).await);
    let uses = (0..20).map(|_| {
        let (prompts, owner) = (Arc::clone(&stores.prompts), scene.owner);
        async move { prompts.count_use(owner, id).await.unwrap() }
    });
    at_once(uses).await;
    assert_eq!(found(&scene, id).await, Prompt { usage_count: 20, ..before });
    assert_eq!(found(&scene, other).await, others);
    assert_eq!(versions(&scene, id).await, kept);
    let changed = updated(&scene, id, titled("three"), scene.now()).await;
    assert_eq!(changed.usage_count, 20);
}
