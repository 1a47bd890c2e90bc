//! Contract S1, row by row: prompts are kept, listed, changed and deleted.

use std::time::Instant;

use chrono::DateTime;
use serde_json::{Value, json};
use testkit::PostgresServer;

use crate::support::persona_chat::{each, put};
use crate::support::prompts::{prompt, shown, titles};
use crate::support::{App, Store, change, on_both_stores, setting, sql};

on_both_stores!(
    a_prompt_is_kept_as_it_was_sent,
    prompts_are_listed_in_pages,
    prompts_are_found_by_scenario_and_text,
    a_search_among_many_prompts_is_literal_and_quick,
    an_update_changes_the_fields_that_it_names,
    updates_at_the_same_time_lose_no_version,
    a_deleted_prompt_is_gone,
    prompts_of_others_are_absent,
);

/// S1-42, S1-43, S1-44, S1-55, S1-56, Threat 8, Threat 65
async fn a_prompt_is_kept_as_it_was_sent(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let documented = json!({
        "title": "Text Summarizer",
        "content": "Summarize the following text: {text}",
        "scenario": "summarization",
        "description": "Generates concise summaries",
        "metadata": {"tags": ["summary", "concise"]},
    });
    let made = user.post("/api/chat/prompts", documented.clone()).await.ok();
    let mut expected = documented.clone();
    expected["id"] = json!(1);
    expected["is_template"] = json!(false);
    expected["usage_count"] = json!(0);
    for time in ["created_at", "updated_at"] {
        assert!(made[time].as_str().unwrap().ends_with('Z'));
        DateTime::parse_from_rfc3339(made[time].as_str().unwrap()).unwrap();
        expected[time] = made["created_at"].clone();
    }
    assert_eq!(made, expected);
    assert_eq!(shown(&user, 1).await, made);

    // Fields of the server's are ignored, and what may be left out is null or empty.
    let body = json!({
        "title": "T", "content": " C\u{1b}\n", "scenario": "s", "id": 9, "user_id": 9, "is_template": true,
        "usage_count": 9, "version": 9, "created_at": "2000-01-01T00:00:00Z", "updated_at": "2000-01-01T00:00:00Z",
    });
    let made = user.post("/api/chat/prompts", body).await.ok();
    assert_eq!(
        (&made["id"], &made["is_template"], &made["usage_count"]),
        (&json!(2), &json!(false), &json!(0))
    );
    assert_eq!((&made["metadata"], &made["description"]), (&json!({}), &Value::Null));
    assert_eq!(made["content"], " C\n");
    assert!(!made["created_at"].as_str().unwrap().starts_with("2000"));

    // The longest texts, and metadata of every type.
    let metadata = json!({"n": [1, -2.5, null, true], "o": {"": "👍 'quoted' \"x\" \\ %"}});
    let longest = json!({
        "title": "👍".repeat(255), "content": "ä".repeat(100_000), "scenario": "s".repeat(100),
        "description": "d".repeat(10_000), "metadata": metadata,
    });
    let made = user.post("/api/chat/prompts", longest.clone()).await.ok();
    for (field, value) in longest.as_object().unwrap() {
        assert_eq!(&made[field], value);
    }
    assert_eq!(shown(&user, 3).await, made);
    for (field, bad) in [
        ("title", json!("")),
        ("title", json!("👍".repeat(256))),
        ("title", Value::Null),
        ("content", json!("\u{0}")),
        ("content", json!("ä".repeat(100_001))),
        ("scenario", json!("s".repeat(101))),
        ("scenario", Value::Null),
        ("description", json!("d".repeat(10_001))),
        ("metadata", json!({"a": "\u{0}"})),
    ] {
        let mut body = documented.clone();
        body[field] = bad;
        let answer = user.post("/api/chat/prompts", body).await;
        answer.is_error(422, "validation_error");
        assert_eq!(answer.json()["error"]["param"], field);
    }
    assert_eq!(sql(&app, "SELECT count(*), max(user_id) FROM omnichat.prompts"), [format!("3|{}", user.id)]);
}

/// S1-45, S1-46
async fn prompts_are_listed_in_pages(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let empty = user.get("/api/chat/prompts").await.ok();
    assert_eq!(empty, json!({"items": [], "total": 0, "page": 1, "page_size": 20}));
    for number in 1..=23 {
        prompt(&user, &format!("p{number}"), "c").await;
    }
    let first = user.get("/api/chat/prompts").await.ok();
    assert_eq!((&first["total"], &first["page"], &first["page_size"]), (&json!(23), &json!(1), &json!(20)));
    assert_eq!(each(&first["items"], "id"), (4..=23).rev().map(Value::from).collect::<Vec<_>>());
    assert_eq!(first["items"][0], shown(&user, 23).await);
    let second = user.get("/api/chat/prompts?page=2").await.ok();
    assert_eq!(
        (each(&second["items"], "id"), &second["total"]),
        (vec![json!(3), json!(2), json!(1)], &json!(23))
    );
    let third = user.get("/api/chat/prompts?page=3&page_size=10").await.ok();
    assert_eq!(each(&third["items"], "id"), [3, 2, 1]);
    for beyond in ["page=3", "page=1000000&page_size=100"] {
        let beyond = user.get(&format!("/api/chat/prompts?{beyond}")).await.ok();
        assert_eq!((&beyond["items"], &beyond["total"]), (&json!([]), &json!(23)));
    }
    for bad in ["page=0", "page_size=0", "page_size=101", "page=x", "include_templates=x"] {
        user.get(&format!("/api/chat/prompts?{bad}")).await.is_error(422, "validation_error");
    }
    assert_eq!(user.get("/api/chat/prompts?page_size=100").await.ok()["items"].as_array().unwrap().len(), 23);
}

/// S1-45, Threat 12
async fn prompts_are_found_by_scenario_and_text(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let long = "%_\\👍".repeat(2_500);
    for (title, content, scenario, description) in [
        ("plain", "Nothing to see", "a", None),
        ("Größe 100%", "ΟΔΟΣ", "b", Some("Имя_of\\it 👍")),
        ("long", long.as_str(), "a", None),
    ] {
        let body =
            json!({"title": title, "content": content, "scenario": scenario, "description": description});
        user.post("/api/chat/prompts", body).await.ok();
    }
    let upper = long.to_uppercase();
    for (search, expected) in [
        ("nothing", vec!["plain"]),
        ("GRÖSSE", vec!["Größe 100%"]),
        ("größe 100%", vec!["Größe 100%"]),
        ("οδος", vec!["Größe 100%"]),
        ("ИМЯ_OF\\", vec!["Größe 100%"]),
        ("👍", vec!["long", "Größe 100%"]),
        ("%", vec!["long", "Größe 100%"]),
        ("_", vec!["long", "Größe 100%"]),
        ("\\", vec!["long", "Größe 100%"]),
        ("%_", vec!["long"]),
        ("n%g", vec![]),
        ("p_ain", vec![]),
        ("\\%", vec![]),
        ("' OR '1'='1", vec![]),
        ("$1", vec![]),
        // 10,000 characters.
        (&long, vec!["long"]),
        (&upper, vec!["long"]),
        (&"x".repeat(10_000), vec![]),
        // No condition.
        ("", vec!["long", "Größe 100%", "plain"]),
    ] {
        assert_eq!(titles(&user, &[("search", search)]).await, expected, "{search:.40}");
    }
    assert_eq!(titles(&user, &[("scenario", "a")]).await, ["long", "plain"]);
    assert_eq!(titles(&user, &[("scenario", "a"), ("search", "to SEE")]).await, ["plain"]);
    assert_eq!(titles(&user, &[("scenario", "A")]).await, Vec::<String>::new());
    let too_long = format!("/api/chat/prompts?search={}", "x".repeat(10_001));
    for refused in [too_long.as_str(), "/api/chat/prompts?search=a%00"] {
        user.get(refused).await.is_error(422, "validation_error");
    }
}

/// Threat 12: scripts/prompt-search.sh runs it with 100,000 prompts, and prints how long a search takes.
async fn a_search_among_many_prompts_is_literal_and_quick(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let count = setting("OMNICHAT_TEST_PROMPTS", 300);
    prompt(&user, "exact", &"%_".repeat(100)).await;
    // As the service writes them, with texts that resemble the query.
    let rows = match store {
        Store::Postgres => format!("generate_series(1, {count}) AS s (n)"),
        Store::Sqlite => format!(
            "(WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {count}) SELECT n FROM r)"
        ),
    };
    let content = "%_".repeat(60);
    change(
        &app,
        &format!(
            "INSERT INTO omnichat.prompts (user_id, title, scenario, content, search_text) \
             SELECT {}, 'Prompt ' || n, 's', '{content}', 'prompt ' || n || chr(1) || '{content}' || chr(1) FROM {rows}",
            user.id
        )
        .replace("chr(1)", if store == Store::Sqlite { "char(1)" } else { "chr(1)" }),
    );
    if let Some(url) = &app.database_url {
        PostgresServer::shared().sql(url, "VACUUM ANALYZE omnichat.prompts");
    }
    let (query, shorter) = ("%_".repeat(100), "%_".repeat(50));
    let mut slowest = std::time::Duration::ZERO;
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(titles(&user, &[("search", &query)]).await, ["exact"]);
        slowest = slowest.max(start.elapsed());
    }
    eprintln!("{store:?}: the slowest of 5 searches among {count} prompts took {slowest:?}");
    let request = user.request(reqwest::Method::GET, "/api/chat/prompts").query(&[("search", &shorter)]);
    let all: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(all["total"], count + 1);
}

/// S1-52, S1-54, S1-55
async fn an_update_changes_the_fields_that_it_names(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let body = json!({
        "title": "T", "content": "C {text}", "scenario": "s", "description": "D", "metadata": {"a": 1, "b": 2},
    });
    let mut expected = user.post("/api/chat/prompts", body).await.ok();
    let path = "/api/chat/prompts/1";
    let ignored = json!({
        "title": "T2", "content": "C2", "id": 9, "user_id": 9, "is_template": true, "usage_count": 9, "version": 9,
        "created_at": "2000-01-01T00:00:00Z", "description": null,
    });
    let full = json!({
        "title": "Updated Title", "content": "Updated content with {variable}", "scenario": "new_scenario",
        "description": "Updated description",
    });
    let mut versions = vec![expected.clone()];
    for (patch, changes) in [
        (ignored, json!({"title": "T2", "content": "C2"})),
        (full.clone(), full),
        (json!({"metadata": {"c": 3}}), json!({"metadata": {"c": 3}})),
        (json!({"metadata": {}}), json!({"metadata": {}})),
        (json!({"description": ""}), json!({"description": ""})),
    ] {
        let changed = put(&user, path, patch).await.ok();
        expected.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert!(changed["updated_at"].as_str() > expected["updated_at"].as_str());
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected);
        assert_eq!(shown(&user, 1).await, expected);
        versions.insert(0, expected.clone());
    }
    for bad in [
        json!({}),
        json!({"title": null}),
        json!({"title": ""}),
        json!({"content": 5}),
        json!({"metadata": []}),
    ] {
        put(&user, path, bad).await.is_error(422, "validation_error");
    }
    assert_eq!(shown(&user, 1).await, expected);

    // Each of them is a version; the first one is the oldest.
    let list = user.get("/api/chat/prompts/1/versions").await.ok();
    let version = |(number, prompt): (usize, &Value)| {
        let mut version = json!({"version": 6 - number, "created_at": prompt["updated_at"]});
        for field in ["title", "content", "scenario", "description", "metadata"] {
            version[field] = prompt[field].clone();
        }
        version
    };
    let expected: Vec<Value> = versions.iter().enumerate().map(version).collect();
    assert_eq!(list, json!({"items": expected}));
    let page = user.get("/api/chat/prompts/1/versions?limit=2&offset=1").await.ok();
    assert_eq!(page["items"], json!(expected[1..3]));
    for bad in ["limit=0", "limit=101", "offset=-1"] {
        user.get(&format!("/api/chat/prompts/1/versions?{bad}")).await.is_error(422, "validation_error");
    }
}

/// S1-52
async fn updates_at_the_same_time_lose_no_version(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = prompt(&user, "T0", "C").await;
    let path = format!("/api/chat/prompts/{id}");
    let updates = (1..=12).map(|number| {
        let (user, path) = (user.clone(), path.clone());
        tokio::spawn(async move { put(&user, &path, json!({"title": format!("T{number}")})).await.ok() })
    });
    for update in updates.collect::<Vec<_>>() {
        update.await.unwrap();
    }
    let versions = user.get(&format!("{path}/versions")).await.ok();
    assert_eq!(each(&versions["items"], "version"), (1..=13).rev().map(Value::from).collect::<Vec<_>>());
    let mut titles: Vec<String> =
        each(&versions["items"], "title").iter().map(|title| title.as_str().unwrap().to_owned()).collect();
    titles.sort_by_key(|title| title[1..].parse::<u32>().unwrap());
    assert_eq!(titles, (0..=12).map(|number| format!("T{number}")).collect::<Vec<_>>());
}

/// S1-53
async fn a_deleted_prompt_is_gone(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let (gone, kept) = (prompt(&user, "gone", "c").await, prompt(&user, "kept", "c").await);
    put(&user, &format!("/api/chat/prompts/{gone}"), json!({"title": "gone again"})).await.ok();
    let path = format!("/api/chat/prompts/{gone}");
    assert_eq!(user.delete(&path).await.ok(), json!({"message": "Prompt deleted successfully"}));
    user.delete(&path).await.is_error(404, "prompt_not_found");
    user.get(&path).await.is_error(404, "prompt_not_found");
    user.get(&format!("{path}/versions")).await.is_error(404, "prompt_not_found");
    put(&user, &path, json!({"title": "x"})).await.is_error(404, "prompt_not_found");
    assert_eq!(titles(&user, &[]).await, ["kept"]);
    assert_eq!(sql(&app, "SELECT count(*) FROM omnichat.prompt_versions"), ["0"]);
    assert!(prompt(&user, "new", "c").await > kept);
}

/// S1-54, Threat 2, Threat 3, Threat 7
async fn prompts_of_others_are_absent(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let id = prompt(&ann, "Ann's canary", "canary {text}").await;
    let before = shown(&ann, id).await;
    for id in [id.to_string(), "99".to_owned(), "-1".to_owned(), "99999999999999999999".to_owned()] {
        let path = format!("/api/chat/prompts/{id}");
        for answer in [
            bob.get(&path).await,
            bob.get(&format!("{path}/versions")).await,
            bob.delete(&path).await,
            put(&bob, &path, json!({"title": "x"})).await,
        ] {
            answer.is_error(404, "prompt_not_found");
            assert_eq!(
                answer.json()["detail"].as_str().map(|detail| detail.ends_with("not found")),
                Some(true)
            );
            assert!(!answer.text.contains("canary"));
        }
    }
    for path in ["/api/chat/prompts/one", "/api/chat/prompts/1.5"] {
        bob.get(path).await.is_error(422, "validation_error");
    }
    for search in ["canary", ""] {
        assert_eq!(
            titles(&bob, &[("search", search), ("user_id", &ann.id.to_string())]).await,
            Vec::<String>::new()
        );
    }
    ann.signed_out().get("/api/chat/prompts").await.is_error(401, "invalid_token");
    assert_eq!(shown(&ann, id).await, before);
}
