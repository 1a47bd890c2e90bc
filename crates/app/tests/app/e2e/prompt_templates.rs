//! Contract S1: system templates, which operators insert as docs/OPERATIONS.md says.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::persona_chat::put;
use crate::support::prompts::{preview, prompt, shown, titles};
use crate::support::{App, Store, change, on_both_stores, sql};

on_both_stores!(
    system_templates_are_seen_by_all_and_changed_by_none,
    metadata_that_cannot_be_parsed_is_shown_as_empty,
);

/// The statements of docs/OPERATIONS.md that insert, change and delete a system template on a store.
fn documented(store: Store) -> [String; 3] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATIONS.md");
    let text = fs::read_to_string(path).unwrap();
    let section =
        text.split("\n## Prompts\n").nth(1).expect("a section about prompts").split("\n## ").next().unwrap();
    let blocks: Vec<&str> =
        section.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let name = if store == Store::Sqlite { "-- SQLite" } else { "-- PostgreSQL" };
    let block = blocks.iter().find(|block| block.starts_with(name)).expect("the statements of the store");
    let statements: Vec<String> = block
        .trim_start_matches(name)
        .split(';')
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect();
    statements.try_into().expect("three statements")
}

/// S1-45, S1-46, S1-47, S1-51, S1-54, C-22
async fn system_templates_are_seen_by_all_and_changed_by_none(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    // None is shipped.
    assert_eq!(ann.get("/api/chat/prompts").await.ok()["total"], 0);
    let [insert, update, delete] = documented(store);
    change(&app, &insert);
    let mine = prompt(&ann, "Mine", "c").await;
    let template = shown(&ann, 1).await;
    assert_eq!((&template["is_template"], &template["usage_count"]), (&json!(true), &json!(0)));
    for field in ["title", "content", "scenario", "description"] {
        assert_ne!(template[field].as_str().unwrap(), "", "{field}");
    }
    assert!(template["metadata"].is_object() && template["created_at"].as_str().unwrap().ends_with('Z'));
    let title = template["title"].as_str().unwrap();

    // Seen by default, and not with include_templates=false.
    assert_eq!(titles(&ann, &[]).await, ["Mine", title]);
    assert_eq!(titles(&bob, &[("include_templates", "yes")]).await, [title]);
    for no in ["false", "0", "No"] {
        assert_eq!(titles(&ann, &[("include_templates", no)]).await, ["Mine"]);
        assert_eq!(titles(&bob, &[("include_templates", no)]).await, Vec::<String>::new());
    }
    let list = bob.get("/api/chat/prompts").await.ok();
    assert_eq!(list["items"], json!([template]));
    for search in [title.to_lowercase(), title.to_uppercase()] {
        assert_eq!(titles(&bob, &[("search", &search)]).await, [title]);
    }

    // Changed by none.
    for user in [&ann, &bob] {
        for answer in [
            put(user, "/api/chat/prompts/1", json!({"title": "x"})).await,
            user.delete("/api/chat/prompts/1").await,
        ] {
            answer.is_error(403, "prompt_forbidden");
            assert!(answer.json()["detail"].is_string());
        }
        assert_eq!(user.get("/api/chat/prompts/1/versions").await.ok()["items"].as_array().unwrap().len(), 1);
    }
    assert_eq!(shown(&bob, 1).await, template);

    // Previews of it are counted for all users together.
    for user in [&ann, &bob] {
        let body = json!({"prompt_id": 1, "version": 1, "variables": {"text": "x"}});
        preview(user, body).await.ok();
    }
    assert_eq!(shown(&bob, 1).await["usage_count"], 2);
    assert_eq!(shown(&ann, mine).await["usage_count"], 0);

    // The operator changes it, and a search finds what it is now; then it is deleted.
    change(&app, &update);
    let changed = shown(&ann, 1).await;
    assert_ne!(
        (&changed["content"], &changed["updated_at"]),
        (&template["content"], &template["updated_at"])
    );
    let content: Vec<Value> = titles(&bob, &[("search", changed["content"].as_str().unwrap())])
        .await
        .into_iter()
        .map(Value::from)
        .collect();
    assert_eq!(content, [changed["title"].clone()]);
    change(&app, &delete);
    ann.get("/api/chat/prompts/1").await.is_error(404, "prompt_not_found");
    assert_eq!(sql(&app, "SELECT id FROM omnichat.prompts"), [mine.to_string()]);
}

/// S1-47
async fn metadata_that_cannot_be_parsed_is_shown_as_empty(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    let deep = ["[".repeat(200), "]".repeat(200)].concat();
    for value in ["1e400", &deep] {
        let insert =
            "INSERT INTO omnichat.prompts (title, scenario, content, metadata) VALUES ('T', 's', 'c', ";
        change(&app, &format!("{insert}'{{\"a\": {value}}}')"));
    }
    let list = ann.get("/api/chat/prompts").await.ok();
    assert_eq!(list["total"], 2);
    for item in list["items"].as_array().unwrap() {
        assert_eq!(item["metadata"], json!({}));
    }
}
