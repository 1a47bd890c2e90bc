//! Personas are made, read, changed and deleted.

use domain::{ConversationKey, Page, Persona, PersonaId, Relation};
use ports::{Access, BeginError, NewPersona, PersonaPatch, PersonaRecord, Signals};

use super::Stores;
use super::scene::{Scene, instant, path_of, reply, turn_of};

const ALL: Page = Page { limit: 100, offset: 0 };
const UNKNOWN: PersonaId = PersonaId(9_999);

async fn found(scene: &Scene<'_>, id: PersonaId) -> PersonaRecord {
    let found = scene.stores.personas.find(scene.owner, id).await.unwrap();
    found.granted().expect("the persona is the user's")
}

async fn listed(scene: &Scene<'_>, page: Page) -> Vec<i64> {
    let listed = scene.stores.personas.list(scene.owner, page).await.unwrap();
    for record in &listed {
        assert_eq!(*record, found(scene, record.persona.id).await);
    }
    listed.iter().map(|record| record.persona.id.0).collect()
}

/// A persona is found unchanged, and the first one has the id 1.
pub(super) async fn a_persona_is_found_as_it_was_made(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let descriptions = [None, Some(String::new()), Some("Says \"grüezi\",\n100% 🏔".to_owned())];
    for (number, relation) in (1..).zip(Relation::ALL) {
        let new = NewPersona {
            owner: scene.owner,
            name: format!("Zoë the {}", relation.as_str()),
            description: descriptions[number % descriptions.len()].clone(),
            relation,
            at: scene.now(),
        };
        let made = stores.personas.create(new.clone()).await.unwrap();
        let expected = PersonaRecord {
            persona: Persona {
                id: PersonaId(number.try_into().unwrap()),
                name: new.name,
                description: new.description,
                relation,
            },
            owner: scene.owner,
            created_at: new.at,
            updated_at: new.at,
        };
        assert_eq!(made, expected);
        assert_eq!(found(&scene, made.persona.id).await, expected);
    }
}

/// Only its owner reads, changes or deletes a persona. Two personas may have the same name.
pub(super) async fn a_persona_is_accessible_only_to_its_owner(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let id = scene.persona("Grace").await;
    let talk = scene.talk_with(id).await;
    let before = found(&scene, id).await;
    for (user, id, expected) in
        [(stranger.owner, id, Access::Foreign), (scene.owner, UNKNOWN, Access::Absent)]
    {
        let patch = PersonaPatch { name: Some("Eve".to_owned()), ..PersonaPatch::default() };
        assert_eq!(stores.personas.find(user, id).await.unwrap(), expected);
        assert_eq!(stores.personas.update(user, id, patch, scene.now()).await.unwrap(), expected);
        assert_eq!(stores.personas.delete(user, id).await.unwrap(), expected.map(|_| Vec::new()));
    }
    assert_eq!(found(&scene, id).await, before);
    assert_eq!(scene.conversation(talk).await.persona, Some(id));
    let theirs = stranger.persona("Grace").await;
    assert_eq!((listed(&scene, ALL).await, listed(&stranger, ALL).await), (vec![id.0], vec![theirs.0]));
}

/// Lists begin with the newest update, of equal times with the newest id, in pages without a gap.
pub(super) async fn personas_begin_with_the_newest_update(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    assert!(listed(&scene, ALL).await.is_empty());
    let (one, two) = (scene.persona("one").await.0, scene.persona("two").await.0);
    stranger.persona("theirs").await;
    let at = found(&scene, PersonaId(two)).await.updated_at;
    let three = NewPersona {
        owner: scene.owner,
        name: "three".to_owned(),
        description: None,
        relation: Relation::Other,
        at,
    };
    let three = stores.personas.create(three).await.unwrap().persona.id.0;
    assert_eq!(listed(&scene, ALL).await, [three, two, one]);
    let patch = PersonaPatch::default();
    stores.personas.update(scene.owner, PersonaId(one), patch, instant(900)).await.unwrap();
    assert_eq!(listed(&scene, ALL).await, [one, three, two]);
    for (limit, offset, expected) in [
        (2, 0, vec![one, three]),
        (2, 2, vec![two]),
        (1, 1, vec![three]),
        (2, 3, Vec::new()),
        (u32::MAX, 0, vec![one, three, two]),
    ] {
        assert_eq!(listed(&scene, Page { limit, offset }).await, expected, "{limit} {offset}");
    }
}

/// A change sets the fields that it names and `updated_at`; the others stay.
pub(super) async fn a_persona_is_changed_as_named(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.persona("Grace").await;
    let other = scene.persona("other").await;
    let others = found(&scene, other).await;
    let mut expected = found(&scene, id).await;
    let name = |name: &str| PersonaPatch { name: Some(name.to_owned()), ..PersonaPatch::default() };
    let description = |text: &str| {
        let description = Some(text.to_owned());
        PersonaPatch { description, ..PersonaPatch::default() }
    };
    let relation = PersonaPatch { relation: Some(Relation::Sibling), ..PersonaPatch::default() };
    let all = PersonaPatch { relation: Some(Relation::Parent), name: name("Ada").name, ..description("x") };
    for patch in [name("Zoë \"G.\""), description("She explains."), relation, PersonaPatch::default(), all] {
        expected.updated_at = scene.now();
        expected.persona = Persona {
            id,
            name: patch.name.clone().unwrap_or(expected.persona.name),
            description: patch.description.clone().or(expected.persona.description),
            relation: patch.relation.unwrap_or(expected.persona.relation),
        };
        let updated = stores.personas.update(scene.owner, id, patch, expected.updated_at).await.unwrap();
        assert_eq!(updated, Access::Granted(expected.clone()));
        assert_eq!(found(&scene, id).await, expected);
    }
    assert_eq!(expected.persona.description.as_deref(), Some("x"));
    assert_eq!(found(&scene, other).await, others);
}

/// A persona is deleted with all its conversations, also hidden and busy ones. The turns that ran in them are returned.
pub(super) async fn a_persona_is_deleted_with_its_conversations(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.persona("Grace").await;
    let (idle, busy, hidden, hidden_busy) = (
        scene.talk_with(id).await,
        scene.talk_with(id).await,
        scene.talk_with(id).await,
        scene.talk_with(id).await,
    );
    scene.exchange(idle, "q", "a").await;
    scene.exchange(hidden, "q", "a").await;
    let (begun, begun_hidden) = (scene.ask(busy, "q").await, scene.ask(hidden_busy, "q").await);
    scene.checkpoint(&begun, 0, reply(["par"])).await;
    for conversation in [hidden, hidden_busy] {
        stores.conversations.soft_delete(scene.owner, conversation.into(), scene.now()).await.unwrap();
    }

    let running = vec![turn_of(&begun), turn_of(&begun_hidden)];
    let deleted = stores.personas.delete(scene.owner, id).await.unwrap();
    let mut stopped = deleted.granted().expect("the persona is the user's");
    stopped.sort();
    assert_eq!(stopped, running);

    assert_eq!(stores.personas.find(scene.owner, id).await.unwrap(), Access::Absent);
    assert_eq!(stores.personas.delete(scene.owner, id).await.unwrap(), Access::Absent);
    let store = &stores.conversations;
    for conversation in [idle, busy, hidden, hidden_busy] {
        let key = ConversationKey::from(conversation);
        assert_eq!(store.find(scene.owner, key.clone()).await.unwrap(), Access::Absent);
        assert_eq!(store.restore(scene.owner, key.clone(), scene.now()).await.unwrap(), Access::Absent);
        assert_eq!(store.purge(scene.owner, key.clone()).await.unwrap(), Access::Absent);
        assert!(!stores.personas.has_persona(key).await.unwrap());
        let begin = scene.begin_in(conversation, "more");
        assert!(matches!(scene.refused(begin).await, BeginError::NotFound));
        assert!(store.messages_of(scene.owner, vec![conversation]).await.unwrap().messages.is_empty());
    }
    let lost = Signals { stop: Vec::new(), lost: running.clone() };
    assert_eq!(stores.turns.checkpoint(scene.runner, running.clone(), Vec::new()).await.unwrap(), lost);
    for turn in running {
        assert_eq!(stores.turns.find(scene.owner, turn).await.unwrap(), None);
    }
    scene.finished_in_vain(scene.completion_of(&begun, reply(["par", "tial"]))).await;
    scene.finished_in_vain(scene.completion_of(&begun_hidden, reply(["late"]))).await;
}

/// Other conversations stay when a persona is deleted. A persona without conversations can be deleted.
pub(super) async fn other_conversations_stay_when_a_persona_is_deleted(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (gone, kept) = (scene.persona("gone").await, scene.persona("kept").await);
    let (with_other, moved) = (scene.talk_with(kept).await, scene.talk_with(gone).await);
    scene.exchange(with_other, "q", "a").await;
    scene.exchange(moved, "q", "a").await;
    let patch = domain::ConversationPatch { persona: Some(kept), ..domain::ConversationPatch::default() };
    stores.conversations.patch(scene.owner, moved.into(), patch, scene.now()).await.unwrap();
    let running = scene.ask(with_other, "running").await;
    let alone = scene.conversation_of(1).await;

    assert_eq!(stores.personas.delete(scene.owner, gone).await.unwrap(), Access::Granted(Vec::new()));
    assert_eq!(listed(&scene, ALL).await, [kept.0]);
    assert_eq!(scene.path(moved).await, path_of([(1, "q"), (2, "a")]));
    assert_eq!(scene.path(alone).await, path_of([(1, "q1"), (2, "a1")]));
    scene.answer(&running, "a").await;
    assert_eq!(scene.path(with_other).await, path_of([(1, "q"), (2, "a"), (3, "running"), (4, "a")]));
    // Its id is not used again.
    assert!(scene.persona("new").await > kept);
}
