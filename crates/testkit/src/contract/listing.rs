//! Conversations are listed and counted.

use domain::{Contract, Conversation, ConversationPatch, Label, Page, PersonaId, ShownModel};
use ports::ConversationFilter;

use super::Stores;
use super::scene::{Scene, instant, model, project};

const ALL: Page = Page { limit: 100, offset: 0 };

/// The numbers of the listed conversations; the count must agree.
async fn listed(scene: &Scene<'_>, filter: ConversationFilter) -> Vec<i64> {
    let store = &scene.stores.conversations;
    let listed = store.list(scene.owner, filter.clone(), ALL).await.unwrap();
    assert_eq!(store.count(scene.owner, filter).await.unwrap(), listed.len() as u64);
    listed.iter().map(|conversation| conversation.number.0).collect()
}

/// Makes a conversation, changed by the caller.
async fn made(scene: &Scene<'_>, change: impl FnOnce(&mut domain::NewConversation)) -> Conversation {
    let mut new = scene.new_conversation();
    change(&mut new);
    scene.stores.conversations.create(new).await.unwrap()
}

/// Lists begin with the newest update; of equal times with the newest id.
pub(super) async fn lists_begin_with_the_newest_update(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let (one, two) = (made(&scene, |_| ()).await, made(&scene, |_| ()).await);
    let three = made(&scene, |new| new.at = two.updated_at).await;
    let all = ConversationFilter::default();
    let numbers = [three.number.0, two.number.0, one.number.0];
    assert_eq!(listed(&scene, all.clone()).await, numbers);
    let begun = scene.ask(one.id, "q").await;
    assert_eq!(listed(&scene, all.clone()).await, [one.number.0, three.number.0, two.number.0]);
    let patch = ConversationPatch::default();
    stores.conversations.patch(scene.owner, two.id.into(), patch, instant(900)).await.unwrap();
    assert_eq!(listed(&scene, all.clone()).await, [two.number.0, one.number.0, three.number.0]);
    let mut finish = scene.completion_of(&begun, super::scene::reply(["a"]));
    finish.ending.at = instant(901);
    scene.finished(finish).await;
    assert_eq!(listed(&scene, all).await, [one.number.0, two.number.0, three.number.0]);
}

/// A listed conversation is the same as a found one.
pub(super) async fn a_list_shows_what_is_found(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(2).await;
    scene.ask(id, "running").await;
    let listed = stores.conversations.list(scene.owner, ConversationFilter::default(), ALL).await.unwrap();
    assert_eq!(listed, [scene.conversation(id).await]);
}

/// Pages follow each other without a gap.
pub(super) async fn lists_come_in_pages(stores: &Stores) {
    let scene = Scene::new(stores).await;
    for _ in 0..7 {
        made(&scene, |_| ()).await;
    }
    let all = ConversationFilter::default();
    let whole = stores.conversations.list(scene.owner, all.clone(), ALL).await.unwrap();
    let mut pages = Vec::new();
    for offset in [0, 3, 6, 9] {
        let page = Page { limit: 3, offset };
        pages.extend(stores.conversations.list(scene.owner, all.clone(), page).await.unwrap());
    }
    assert_eq!(pages, whole);
    assert_eq!(whole.len(), 7);
}

/// Lists have neither the conversations of other users nor hidden ones.
pub(super) async fn lists_have_only_the_callers_visible_conversations(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let mine = made(&scene, |_| ()).await;
    let hidden = made(&scene, |_| ()).await;
    // Its label names this user, which gives no access.
    made(&stranger, |new| new.label = Label::of_owner(scene.owner)).await;
    stores.conversations.soft_delete(scene.owner, hidden.id.into(), scene.now()).await.unwrap();
    assert_eq!(listed(&scene, ConversationFilter::default()).await, [mine.number.0]);
    let label = Some(Label::of_owner(scene.owner));
    assert_eq!(
        listed(&scene, ConversationFilter { label, ..ConversationFilter::default() }).await,
        [mine.number.0]
    );
}

/// Every condition of a filter works, alone and together with others.
pub(super) async fn conditions_of_a_filter_apply_together(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let label = Label::parse("Their 100% \"label\"").unwrap();
    let plain = made(&scene, |_| ()).await.number.0;
    let labelled = made(&scene, |new| new.label = label.clone()).await.number.0;
    let in_project = made(&scene, |new| new.project = Some(project("p"))).await.number.0;
    let both = made(&scene, |new| {
        new.label = label.clone();
        new.project = Some(project("p"));
    });
    let both = both.await.number.0;
    let none = ConversationFilter::default();
    let by_label = ConversationFilter { label: Some(label), ..none.clone() };
    assert_eq!(listed(&scene, by_label.clone()).await, [both, labelled]);
    let by_project = ConversationFilter { project: Some(project("p")), ..none.clone() };
    assert_eq!(listed(&scene, by_project).await, [both, in_project]);
    let by_both = ConversationFilter { project: Some(project("p")), ..by_label };
    assert_eq!(listed(&scene, by_both).await, [both]);
    let unknown = ConversationFilter { project: Some(project("%")), ..none.clone() };
    assert!(listed(&scene, unknown).await.is_empty());
    let with_persona = ConversationFilter { any_persona: true, ..none.clone() };
    assert!(listed(&scene, with_persona).await.is_empty());
    let of_persona = ConversationFilter { persona: Some(PersonaId(1)), ..none.clone() };
    assert!(listed(&scene, of_persona).await.is_empty());
    assert_eq!(listed(&scene, none).await, [both, in_project, labelled, plain]);
}

/// A filter by model uses the one that is shown: the conversation's own, else that of its last reply, else the default of
/// the contract that began it.
pub(super) async fn a_filter_by_model_uses_the_shown_one(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let own = made(&scene, |new| new.model = Some(model("a"))).await;
    let mut begin = scene.begin_in(own.id, "q");
    begin.model = Some(model("b"));
    let begun = scene.begun(begin).await;
    scene.answer(&begun, "a").await;
    let mut begin = scene.begin_new("q");
    begin.model = Some(model("b"));
    let begun = scene.begun(begin).await;
    scene.answer(&begun, "a").await;
    let silent = scene.start("q").await;
    assert_eq!(silent.model, model("default"));
    let empty = made(&scene, |new| new.begun_by = Contract::PersonaChat).await;
    let by = |name, default_of: &[Contract]| {
        let shown = ShownModel { name: model(name), default_of: default_of.to_vec() };
        ConversationFilter { model: Some(shown), ..ConversationFilter::default() }
    };
    assert_eq!(listed(&scene, by("a", &[])).await, [own.number.0]);
    assert_eq!(listed(&scene, by("b", &[])).await, [begun.conversation.number.0]);
    assert!(listed(&scene, by("default", &[])).await.is_empty());
    // All but one of these were begun by S0. Those with a model of their own or a reply do not show a default.
    let numbers = [empty.number.0, silent.conversation.number.0];
    assert_eq!(listed(&scene, by("default", &[Contract::LlmChat])).await, numbers[1..]);
    assert_eq!(listed(&scene, by("default", &[Contract::PersonaChat])).await, numbers[..1]);
    assert!(listed(&scene, by("default", &[Contract::ChatAi])).await.is_empty());
    assert_eq!(listed(&scene, by("default", &Contract::ALL)).await, numbers);
    let both = [empty.number.0, silent.conversation.number.0, begun.conversation.number.0];
    assert_eq!(listed(&scene, by("b", &Contract::ALL)).await, both);
    let patch = ConversationPatch { model: Some(model("c")), ..ConversationPatch::default() };
    stores.conversations.patch(scene.owner, empty.id.into(), patch, instant(900)).await.unwrap();
    assert_eq!(listed(&scene, by("c", &[])).await, [empty.number.0]);
    assert_eq!(listed(&scene, by("b", &Contract::ALL)).await, both[1..]);
}

/// A filter by time includes the first instant and excludes the last.
pub(super) async fn a_filter_by_time_includes_its_first_instant(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut numbers = Vec::new();
    for second in 10..14 {
        numbers.push(made(&scene, |new| new.at = instant(second)).await.number.0);
    }
    let span = |from: Option<i64>, before: Option<i64>| ConversationFilter {
        created_from: from.map(instant),
        created_before: before.map(instant),
        ..ConversationFilter::default()
    };
    assert_eq!(listed(&scene, span(Some(11), Some(13))).await, [numbers[2], numbers[1]]);
    assert_eq!(listed(&scene, span(Some(13), None)).await, [numbers[3]]);
    assert_eq!(listed(&scene, span(None, Some(11))).await, [numbers[0]]);
    assert!(listed(&scene, span(Some(12), Some(12))).await.is_empty());
}
