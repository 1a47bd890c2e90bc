//! Prompts are listed, filtered and searched, with the system templates.

use chrono::TimeDelta;
use domain::limits::{PROMPT_CONTENT_CHARS, PROMPT_SEARCH_CHARS};
use domain::{Page, Prompt, PromptFields, PromptId};
use ports::{PromptChange, PromptFilter};

use super::Stores;
use super::prompts::{ALL, fields, found, made, prompt, titled, updated};
use super::scene::Scene;

pub(super) fn searching(text: &str) -> PromptFilter {
    PromptFilter { search: Some(text.to_owned()), include_templates: true, scenario: None }
}

/// The ids of a list, each of whose prompts is as it is found by its id.
pub(super) async fn listed(scene: &Scene<'_>, filter: PromptFilter, page: Page) -> (Vec<PromptId>, u64) {
    let list = scene.stores.prompts.list(scene.owner, filter, page).await.unwrap();
    for prompt in &list.items {
        assert_eq!(*prompt, found(scene, prompt.id).await);
    }
    (list.items.iter().map(|prompt| prompt.id).collect(), list.total)
}

pub(super) async fn search(scene: &Scene<'_>, text: &str) -> Vec<PromptId> {
    let (ids, total) = listed(scene, searching(text), ALL).await;
    assert_eq!(ids.len() as u64, total);
    ids
}

/// S1-45, S1-46: lists begin with the newest prompt, in pages without a gap, with the total of all pages.
pub(super) async fn prompts_are_listed_in_pages_with_their_total(stores: &Stores) {
    let scene = Scene::new(stores).await;
    assert_eq!(listed(&scene, PromptFilter::default(), ALL).await, (Vec::new(), 0));
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.insert(0, prompt(&scene, &format!("p{number}"), "c").await);
    }
    // A change does not move a prompt.
    updated(&scene, ids[6], titled("changed"), scene.now()).await;
    for (limit, offset, range) in [(3, 0, 0..3), (3, 3, 3..6), (3, 6, 6..7), (100, 0, 0..7)] {
        let page = Page { limit, offset };
        assert_eq!(listed(&scene, PromptFilter::default(), page).await, (ids[range].to_vec(), 7));
    }
    for offset in [7, 1_000_000, u32::MAX] {
        let page = Page { limit: 100, offset };
        assert_eq!(listed(&scene, PromptFilter::default(), page).await, (Vec::new(), 7), "{offset}");
    }
}

/// S1-45: all conditions of a filter apply together.
pub(super) async fn a_filter_of_prompts_applies_as_a_whole(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let in_scenario = async |scenario: &str, title: &str| {
        made(&scene, PromptFields { scenario: scenario.to_owned(), ..fields(title, "c") }).await.id
    };
    let (a1, b1) = (in_scenario("a", "one").await, in_scenario("b", "one").await);
    let (a2, upper) = (in_scenario("a", "two").await, in_scenario("A", "one").await);
    let template = (stores.insert_prompt)(None, "one of all", "c").await;
    let filter = |scenario: Option<&str>, search: Option<&str>, include_templates| PromptFilter {
        scenario: scenario.map(str::to_owned),
        include_templates,
        search: search.map(str::to_owned),
    };
    for (filter, expected) in [
        (filter(None, None, false), vec![upper, a2, b1, a1]),
        (filter(None, None, true), vec![template, upper, a2, b1, a1]),
        (filter(Some("a"), None, true), vec![a2, a1]),
        (filter(Some("s"), None, true), vec![template]),
        (filter(Some("s"), None, false), vec![]),
        (filter(Some("%"), None, true), vec![]),
        (filter(None, Some("ONE"), true), vec![template, upper, b1, a1]),
        (filter(None, Some("ONE"), false), vec![upper, b1, a1]),
        (filter(Some("a"), Some("one"), true), vec![a1]),
        (filter(Some("b"), Some("two"), true), vec![]),
    ] {
        let total = expected.len() as u64;
        assert_eq!(listed(&scene, filter.clone(), ALL).await, (expected, total), "{filter:?}");
    }
}

/// S1-45, Threat 12: a search takes each character literally and ignores the case of letters of all scripts; it looks in
/// title, content and description.
pub(super) async fn a_search_is_literal_and_ignores_case(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let wanted = prompt(&scene, "Ünïcode 100%_\\ [a-z]*", "Straße ΟΔΟΣ Имя 名前 👍🏽").await;
    let described = PromptFields { description: Some("Only HERE".to_owned()), ..fields("t", "c") };
    let described = made(&scene, described).await.id;
    let plain = prompt(&scene, "plain", "nothing at all").await;
    for text in [
        "ünïcode",
        "ÜNÏCODE",
        "%",
        "_",
        "%_",
        "\\",
        "100%_\\ [A-Z]*",
        "[",
        "*",
        "STRASSE",
        "straße",
        "STRAẞE",
        "οδοσ",
        "ΟΔΟΣ",
        "οδος",
        "ИМЯ",
        "名前",
        "👍",
        "🏽",
    ] {
        assert_eq!(search(&scene, text).await, [wanted], "{text}");
    }
    assert_eq!(search(&scene, "only here").await, [described]);
    assert_eq!(search(&scene, "n").await, [plain, described, wanted]);
    // What is a part of no single field is not found.
    let long = "%_\\".repeat(3_333) + "x";
    for text in [
        "%%",
        "__",
        "_%",
        "\\\\",
        "\\%",
        ".*",
        "nothing%all",
        "p_ain",
        "' OR 1=1 --",
        "👎",
        "\u{1}x",
        "]*s",
        "]*\u{1}s",
        &long,
    ] {
        assert_eq!(search(&scene, text).await, [], "{text:.40}");
    }
    let exact = prompt(&scene, "long", &["ä", &long.to_uppercase(), "ß"].concat()).await;
    assert_eq!(search(&scene, &long).await, [exact]);
    assert_eq!(search(&scene, &["ä", &long, "SS"].concat()).await, [exact]);
}

/// Threat 12: a long query and texts that resemble it are compared in linear time. Databases take the product of their
/// lengths, which is a second for each of these prompts on PostgreSQL, where a statement has five.
pub(super) async fn a_long_search_among_texts_that_resemble_it_ends(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let resembling = "a".repeat(PROMPT_CONTENT_CHARS);
    let query = "a".repeat(PROMPT_SEARCH_CHARS - 1) + "b";
    let unknown = "a".repeat(5_000) + "b" + &"a".repeat(4_999);
    let mut wanted = Vec::new();
    for _ in 0..3 {
        for _ in 0..4 {
            prompt(&scene, "t", &resembling).await;
        }
        wanted.insert(0, prompt(&scene, "t", &[&resembling[1..], "b"].concat()).await);
    }
    assert_eq!(search(&scene, &query).await, wanted);
    let page = Page { limit: 1, offset: 1 };
    assert_eq!(listed(&scene, searching(&query), page).await, (vec![wanted[1]], 3));
    assert_eq!(search(&scene, &unknown).await, []);
    let elsewhere = PromptFilter { scenario: Some("elsewhere".to_owned()), ..searching(&query) };
    assert_eq!(listed(&scene, elsewhere, ALL).await, (Vec::new(), 0));
    // Short texts.
    prompt(&scene, "t", &"c".repeat(151)).await;
    let short = prompt(&scene, "t", &("c".repeat(150) + "d")).await;
    assert_eq!(search(&scene, &("c".repeat(100) + "d")).await, [short]);
}

/// S1-47, S1-54, C-22: a system template is seen and used by every user, and changed by none. None is there at first.
pub(super) async fn system_templates_are_seen_by_all_and_changed_by_none(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    assert_eq!(
        listed(&scene, PromptFilter { include_templates: true, ..PromptFilter::default() }, ALL).await.1,
        0
    );
    let id = (stores.insert_prompt)(None, "Translator", "Translate: {text}").await;
    let before = found(&scene, id).await;
    assert_eq!((before.owner, before.version, before.usage_count), (None, 1, 0));
    assert_eq!((before.fields.metadata.as_str(), &before.fields.description), ("{}", &None));
    let age = chrono::Utc::now() - before.created_at;
    assert!(age > TimeDelta::seconds(-5) && age < TimeDelta::minutes(5), "{age}");
    assert_eq!(before.created_at, before.updated_at);
    let store = &stores.prompts;
    for (uses, user) in (0..).zip([scene.owner, stranger.owner]) {
        let expected = Prompt { usage_count: uses, ..before.clone() };
        assert_eq!(store.find(user, id).await.unwrap(), Some(expected));
        assert_eq!(store.update(user, id, titled("x"), scene.now()).await.unwrap(), PromptChange::Template);
        assert_eq!(store.delete(user, id).await.unwrap(), PromptChange::Template);
        let version = store.version(user, id, 1).await.unwrap().unwrap();
        assert_eq!(version.fields, before.fields);
        assert_eq!(store.versions(user, id, ALL).await.unwrap(), [version]);
        store.count_use(user, id).await.unwrap();
    }
    assert_eq!(found(&scene, id).await, Prompt { usage_count: 2, ..before });
}

/// Rows that an operator writes are found by a search as others are, whatever letters the database knows.
pub(super) async fn prompts_written_by_sql_are_found(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let template = (stores.insert_prompt)(None, "Übersetzer", "ÜBERSETZE {text} 100%").await;
    let own = (stores.insert_prompt)(Some(scene.owner), "Ärger", "Имя").await;
    for text in ["übersetzer", "ÜBERSETZER", "übersetze {TEXT}", "100%"] {
        assert_eq!(search(&scene, text).await, [template], "{text}");
    }
    assert_eq!(search(&scene, "ИМЯ").await, [own]);
    // Also before the first search.
    let unseen = (stores.insert_prompt)(Some(scene.owner), "Öl", "c").await;
    let changed = updated(&scene, unseen, titled("ÖLE"), scene.now()).await;
    assert_eq!(changed.version, 2);
    assert_eq!(search(&scene, "öle").await, [unseen]);
    assert_eq!(search(&scene, "ärger").await, [own]);
}
