//! Conversations with personas.

use domain::{
    ConversationId, ConversationKey, ConversationNumber, ConversationPatch, HistoryLocation, NewConversation,
    Page, Persona, PersonaId, Relation, Seq, Title, Usage,
};
use ports::{
    Branch, ConversationFilter, MessageDeletion, NewPersona, PersonaChatTotals, PersonaPatch, Target,
};

use super::Stores;
use super::scene::{Scene, conversation_id, reply};

const ALL: Page = Page { limit: 100, offset: 0 };

fn with(persona: PersonaId) -> ConversationPatch {
    ConversationPatch { persona: Some(persona), ..ConversationPatch::default() }
}

/// A begin returns the persona of its conversation, as it is by then.
pub(super) async fn a_begin_returns_the_persona_of_its_conversation(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let new = NewPersona {
        owner: scene.owner,
        name: "Grace".to_owned(),
        description: Some("She explains.".to_owned()),
        relation: Relation::Colleague,
        at: scene.now(),
    };
    let grace = stores.personas.create(new).await.unwrap().persona;
    let new = NewConversation { persona: Some(grace.id), ..scene.new_conversation() };
    let id = new.id;
    let begun = scene.begun(scene.begin(Target::New(Box::new(new)), "q")).await;
    assert_eq!((&begun.persona, begun.conversation.persona), (&Some(grace.clone()), Some(grace.id)));
    scene.answer(&begun, "a").await;

    let patch = PersonaPatch { name: Some("Dr Grace".to_owned()), ..PersonaPatch::default() };
    stores.personas.update(scene.owner, grace.id, patch, scene.now()).await.unwrap();
    let begun = scene.ask(id, "q").await;
    assert_eq!(begun.persona, Some(Persona { name: "Dr Grace".to_owned(), ..grace }));
    let (_, conversation) = scene.answer(&begun, "a").await;
    assert_eq!((conversation.persona, conversation.message_count), (begun.conversation.persona, 2));
    assert_eq!(scene.start("alone").await.persona, None);
}

/// A patch gives a conversation a persona, or another one, from the next turn on.
pub(super) async fn a_patch_gives_a_conversation_another_persona(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (one, two) = (scene.persona("one").await, scene.persona("two").await);
    let id = scene.conversation_of(1).await;
    let title = Title::parse("T").unwrap();
    for persona in [one, two] {
        let before = scene.conversation(id).await;
        let at = scene.now();
        let patch = ConversationPatch { title: Some(title.clone()), ..with(persona) };
        let patched = stores.conversations.patch(scene.owner, id.into(), patch, at).await.unwrap();
        let patched = patched.granted().expect("the conversation is the user's");
        let title = Some(title.clone());
        let expected = domain::Conversation { persona: Some(persona), title, updated_at: at, ..before };
        assert_eq!((&patched, &scene.conversation(id).await), (&expected, &expected));
        let begun = scene.ask(id, "q").await;
        assert_eq!(begun.persona.as_ref().map(|persona| persona.id), Some(persona));
        scene.answer(&begun, "a").await;
    }
    // A patch without a persona leaves it.
    let patch = ConversationPatch::default();
    stores.conversations.patch(scene.owner, id.into(), patch, scene.now()).await.unwrap();
    assert_eq!(scene.conversation(id).await.persona, Some(two));
}

/// Lists and counts can be of the conversations with one persona, or with any.
pub(super) async fn conversations_are_listed_by_their_persona(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let (one, two) = (scene.persona("one").await, scene.persona("two").await);
    let foreign = stranger.persona("theirs").await;
    stranger.talk_with(foreign).await;
    let first = scene.talk_with(one).await;
    scene.conversation_of(1).await;
    let (second, third) = (scene.talk_with(two).await, scene.talk_with(one).await);
    let hidden = scene.talk_with(one).await;
    stores.conversations.soft_delete(scene.owner, hidden.into(), scene.now()).await.unwrap();

    let listed = async |persona: Option<PersonaId>, any_persona: bool| -> Vec<ConversationId> {
        let filter = ConversationFilter { persona, any_persona, ..ConversationFilter::default() };
        let listed = stores.conversations.list(scene.owner, filter.clone(), ALL).await.unwrap();
        assert_eq!(stores.conversations.count(scene.owner, filter).await.unwrap(), listed.len() as u64);
        listed.iter().map(|conversation| conversation.id).collect()
    };
    for any_persona in [false, true] {
        assert_eq!(listed(Some(one), any_persona).await, [third, first]);
        assert_eq!(listed(Some(two), any_persona).await, [second]);
        assert!(listed(Some(foreign), any_persona).await.is_empty());
        assert!(listed(Some(PersonaId(9_999)), any_persona).await.is_empty());
    }
    assert_eq!(listed(None, true).await, [third, second, first]);
    assert_eq!(listed(None, false).await.len(), 4);
    stores.conversations.patch(scene.owner, first.into(), with(two), scene.now()).await.unwrap();
    assert_eq!(
        (listed(Some(one), true).await, listed(Some(two), true).await),
        (vec![third], vec![first, second])
    );
}

/// Whether a conversation has a persona is known for every owner; a hidden conversation has none.
pub(super) async fn whether_a_conversation_has_a_persona_is_known(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let has_persona = async |key: ConversationKey| stores.personas.has_persona(key).await.unwrap();
    for scene in [scene, stranger] {
        let persona = scene.persona("Grace").await;
        let provider_id = format!("conv_68a{}", scene.owner);
        let mut new = NewConversation { persona: Some(persona), ..scene.new_conversation() };
        new.home = HistoryLocation::OpenAi(provider_id.clone());
        let talk = stores.conversations.create(new).await.unwrap();
        let keys = [talk.id.into(), talk.number.into(), ConversationKey::Provider(provider_id)];
        for key in keys.clone() {
            assert!(has_persona(key.clone()).await, "{key:?}");
        }
        stores.conversations.soft_delete(scene.owner, talk.id.into(), scene.now()).await.unwrap();
        for key in keys.clone() {
            assert!(!has_persona(key.clone()).await, "{key:?}");
        }
        stores.conversations.restore(scene.owner, talk.id.into(), scene.now()).await.unwrap();
        assert!(has_persona(talk.number.into()).await);

        let plain = stores.conversations.create(scene.new_conversation()).await.unwrap();
        for key in [plain.id.into(), plain.number.into()] {
            assert!(!has_persona(key).await);
        }
        stores.conversations.patch(scene.owner, plain.id.into(), with(persona), scene.now()).await.unwrap();
        assert!(has_persona(plain.number.into()).await);
        stores.conversations.purge(scene.owner, talk.id.into()).await.unwrap();
        for key in keys {
            assert!(!has_persona(key.clone()).await, "{key:?}");
        }
    }
    assert!(!has_persona(conversation_id().into()).await);
    assert!(!has_persona(ConversationNumber(9_999).into()).await);
    assert!(!has_persona(ConversationKey::Provider("conv_unknown".to_owned())).await);
}

/// The totals count the caller's conversations with personas that are not deleted, and the messages on their paths.
pub(super) async fn conversations_with_personas_add_up(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let totals = async || stores.personas.totals(scene.owner).await.unwrap();
    let totals_of = |conversations, messages, tokens| PersonaChatTotals { conversations, messages, tokens };
    let (one, two) = (scene.persona("one").await, scene.persona("two").await);
    scene.conversation_of(2).await;
    let theirs = stranger.talk_with(stranger.persona("theirs").await).await;
    stranger.exchange(theirs, "q", "a").await;
    assert_eq!(totals().await, totals_of(0, 0, 0));

    let first = scene.talk_with(one).await;
    assert_eq!(totals().await, totals_of(1, 0, 0));
    scene.exchange(first, "q", "a").await;
    scene.exchange(first, "q", "a").await;
    let second = scene.talk_with(two).await;
    let begun = scene.ask(second, "q").await;
    assert_eq!(totals().await, totals_of(2, 5, 30));
    let mut finish = scene.completion_of(&begun, reply(["a"]));
    finish.ending.usage = Usage { input: 3_000_000_000, output: 2, ..Usage::default() };
    scene.finished(finish).await;
    assert_eq!(totals().await, totals_of(2, 6, 3_000_000_032));

    // Messages off the path do not count, but their tokens do.
    let mut begin = scene.begin_in(first, "other");
    begin.branch = Some(Branch { expect_last: Seq(4), keep_to: Seq(2) });
    let begun = scene.begun(begin).await;
    assert_eq!(totals().await, totals_of(2, 5, 3_000_000_032));
    scene.answer(&begun, "a").await;
    assert_eq!(totals().await, totals_of(2, 6, 3_000_000_047));

    stores.conversations.soft_delete(scene.owner, second.into(), scene.now()).await.unwrap();
    assert_eq!(totals().await, totals_of(1, 4, 45));
    stores.conversations.restore(scene.owner, second.into(), scene.now()).await.unwrap();
    assert_eq!(totals().await, totals_of(2, 6, 3_000_000_047));
    stores.personas.delete(scene.owner, two).await.unwrap();
    assert_eq!(totals().await, totals_of(1, 4, 45));
    assert_eq!(stores.personas.totals(stranger.owner).await.unwrap(), totals_of(1, 2, 15));
}

/// A deleted message does not count, but its tokens do.
pub(super) async fn a_deleted_message_does_not_count_but_its_tokens_do(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let talk = scene.talk_with(scene.persona("Grace").await).await;
    scene.exchange(talk, "q1", "a1").await;
    scene.exchange(talk, "q2", "a2").await;
    let messages = scene.messages(talk).await;
    for (deleted, message) in (1..).zip([&messages[1], &messages[0], &messages[3]]) {
        let outcome = stores.messages.delete(scene.owner, message.number, scene.now()).await.unwrap();
        assert_eq!(outcome, MessageDeletion::Deleted);
        let totals = stores.personas.totals(scene.owner).await.unwrap();
        assert_eq!(totals, PersonaChatTotals { conversations: 1, messages: 4 - deleted, tokens: 30 });
    }
}
