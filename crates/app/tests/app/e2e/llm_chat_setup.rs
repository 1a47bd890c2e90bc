//! Contract S0, row by row: its setup, which is also that of S2 and S3, and the view for reports.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};
use testkit::fake_llm::Reply;
use testkit::{FakeLlm, PostgresServer};

use super::llm_chat::{answer_titles, chat, figures, turn_calls};
use crate::support::{App, Store, on_sqlite_alone};

on_sqlite_alone!(
    the_log_has_the_lines_of_its_level,
    the_log_has_the_figures_of_each_turn_and_request,
    config_yaml_is_used_and_variables_override_it,
);

/// Removes the variables of the tests: an empty variable counts as unset.
const UNSET: [(&str, &str); 11] = [
    ("DATA_DIR", ""),
    ("JWT_SECRET", ""),
    ("LLM_PROVIDER", ""),
    ("OPENAI_API", ""),
    ("OPENAI_API_KEY", ""),
    ("OPENAI_BASE_URL", ""),
    ("LOG_LEVEL", ""),
    ("RATE_LIMIT_TIERS", ""),
    ("RATE_LIMIT_PER_MINUTE", ""),
    ("AUTH_RATE_LIMIT_PER_MINUTE", ""),
    ("DATABASE_URL", ""),
];

async fn with_nothing_set(more: &[(&str, &str)]) -> App {
    let settings: Vec<_> = UNSET.iter().chain(more).copied().collect();
    App::over(None, Arc::new(FakeLlm::start().await), &settings)
}

/// S0-6, S0-55, S0-56, S3-1, S3-2. `cp .env.example .env`, then a start.
#[tokio::test(flavor = "multi_thread")]
async fn the_quick_start_needs_no_editing() {
    let mut app = with_nothing_set(&[]).await;
    fs::write(app.data.path().join(".env"), include_str!("../../../../../.env.example")).unwrap();
    app.spawn();
    app.wait_until_ready().await;
    app.wait_for_log("NO REAL MODEL").await;
    let user = app.user("ann").await;
    let answer = chat(&user, json!({"input": "What is Python?"})).await.ok();
    assert!(!answer["output_text"].as_str().unwrap().is_empty());
    let id = answer["conversation_id"].as_str().unwrap();
    let conversation = user.post_nothing("/conversation").await.ok();
    let path = format!("/conversation/completion/{}", conversation["id"].as_str().unwrap());
    user.post(&path, json!({"message": "What is the current day?"})).await.ok();
    // Messages are in the embedded database, and tokens stay valid after a restart.
    let (history, list) = (user.history(id).await, user.get("/conversation").await.ok());
    assert!(app.data.path().join("data/omnichat.db").exists());
    assert_eq!((history.len(), app.llm.call_count()), (2, 0));
    app.terminate().await;
    app.start_again().await;
    assert_eq!(user.history(id).await, history);
    assert_eq!(user.get("/conversation").await.ok(), list);
}

/// S0-55, S2-9, S3-2. A key is enough to use a real model.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_all_that_a_provider_needs() {
    let llm = Arc::new(FakeLlm::start().await);
    for (key, base, path) in [
        ("OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1/responses"),
        ("OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "/v1/chat/completions"),
    ] {
        let url = llm.base_url();
        let settings: Vec<_> =
            UNSET.iter().copied().filter(|(name, _)| ![key, base].contains(name)).collect();
        let settings = [settings, vec![(key, "sk-a-key"), (base, url.as_str())]].concat();
        let mut app = App::over(None, Arc::clone(&llm), &settings);
        app.spawn();
        app.wait_until_ready().await;
        assert!(!app.log().contains("NO REAL MODEL"));
        let user = app.user("ann").await;
        let id = user.conversation().await;
        let answer = user.post(&format!("/conversation/completion/{id}"), json!({"message": "hi"})).await;
        assert_eq!(answer.ok()["content"], "You said: hi");
        let call = llm.calls().pop().unwrap();
        assert_eq!((call.path.as_str(), call.header("authorization")), (path, Some("Bearer sk-a-key")));
    }
}

/// S0-55, S0-57, S0-58. Production does not start while a setting is missing, and names it.
#[tokio::test(flavor = "multi_thread")]
async fn production_says_what_is_missing() {
    let app = with_nothing_set(&[("ENVIRONMENT", "production")]).await;
    let secret = crate::support::JWT_SECRET;
    for (variables, words) in [
        (vec![("JWT_SECRET", secret)], ["OPENROUTER_API_KEY", "OPENAI_API_KEY"]),
        (vec![("OPENAI_API_KEY", "sk-1")], ["JWT_SECRET", "SECRET_KEY"]),
        (
            vec![
                ("JWT_SECRET", secret),
                ("OPENAI_API_KEY", "sk-1"),
                ("S3_ENABLED", "true"),
                ("S3_ENDPOINT", "https://s3.example.com"),
                ("S3_ACCESS_KEY", "k"),
                ("S3_SECRET_KEY", "s"),
            ],
            ["S3_BUCKET", "S3_BUCKET"],
        ),
    ] {
        let output = app.command().envs(variables).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && words.iter().all(|word| text.contains(word)), "{text}");
    }
}

/// S0-56
#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_is_announced_and_keeps_nothing() {
    let llm = Arc::new(FakeLlm::start().await);
    // This setting overrides the address.
    let url = "postgresql://nobody:x@127.0.0.1:1/nowhere";
    let mut app = App::over(None, llm, &[("DATABASE_ENABLED", "false"), ("DATABASE_URL", url)]);
    app.spawn();
    app.wait_until_ready().await;
    app.wait_for_log("NOTHING IS KEPT").await;
    answer_titles(&app);
    let user = app.user("ann").await;
    let answer = chat(&user, json!({"input": "hi", "user_id": "u"})).await.ok();
    assert_eq!(answer["message_count"], 1);
    app.terminate().await;
    app.start_again().await;
    let user = app.user("ann").await;
    assert_eq!(user.get("/conversations?user_id=u").await.ok(), json!([]));
}

/// S0-58
async fn the_log_has_the_lines_of_its_level(store: Store) {
    for (level, debug, info) in [("DEBUG", true, true), ("INFO", false, true), ("WARNING", false, false)] {
        let mut app = App::start_with(store, &[("LOG_LEVEL", level)]).await;
        app.probe("/health").await.ok();
        app.user("ann").await.get("/auth/me").await.ok();
        // Ending the process writes the rest of the log.
        app.terminate().await;
        let log = app.log();
        assert_eq!((log.contains("DEBUG"), log.contains("INFO")), (debug, info), "{level}:\n{log}");
    }
}

/// S4-56, C-36
async fn the_log_has_the_figures_of_each_turn_and_request(store: Store) {
    let mut app = App::start_with(store, &[("LOG_FORMAT", "json"), ("LOG_LEVEL", "INFO")]).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    app.llm.script(Reply::text("secret-reply").figures(figures(10, 15)));
    let answer = chat(&user, json!({"input": "secret-question"})).await;
    answer.ok();
    app.terminate().await;
    let log = app.log();
    assert!(!log.contains("secret-reply") && !log.contains("secret-question"), "{log}");
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let turn = lines.iter().find(|line| line["turn.id"] == answer.header("x-turn-id")).unwrap();
    assert_eq!((&turn["provider.name"], &turn["model.name"]), (&json!("openai"), &json!("gpt-4o")));
    assert_eq!((&turn["tokens.input"], &turn["tokens.output"]), (&json!(10), &json!(15)));
    assert!(turn["model_ms"].is_number() && turn["turn.state"].is_string(), "{turn}");
    let request = lines.iter().find(|line| line["route"] == "/chat").unwrap();
    assert_eq!((&request["status"], &request["method"]), (&json!(200), &json!("POST")));
    assert!(request["headers_ms"].is_number(), "{request}");
    assert_eq!(request["span"]["request.id"], answer.header("x-request-id"));
}

const CONFIG_YAML: &str = "\
model: my-model
rate_limit_per_minute: 2
max_input_length: 5
max_file_size_mb: 1

context_management:
  mode: full
  window_size: 4
  summarize_after_messages: 8
  summary_update_interval: 3

pricing:
  input_per_1k: 0.5
  output_per_1k: 1
";

/// S0-12, S0-21, S0-45, S0-58, S0-59
async fn config_yaml_is_used_and_variables_override_it(store: Store) {
    for (settings, rate, length) in [
        (vec![("RATE_LIMIT_PER_MINUTE", "")], 2, 5),
        (vec![("RATE_LIMIT_PER_MINUTE", "3"), ("MAX_INPUT_LENGTH", "7")], 3, 7),
    ] {
        let mut app = App::on(store, Arc::new(FakeLlm::start().await), &settings).await;
        fs::create_dir(app.data.path().join("config")).unwrap();
        fs::write(app.data.path().join("config/config.yaml"), CONFIG_YAML).unwrap();
        app.spawn();
        app.wait_until_ready().await;
        answer_titles(&app);
        let shown = app.probe("/config").await.ok();
        assert_eq!(shown["model"], "my-model");
        let limits =
            json!({"rate_limit_per_minute": rate, "max_input_length": length, "max_file_size_mb": 1});
        assert_eq!(shown["limits"], limits);
        assert_eq!(shown["pricing"], json!({"input_per_1k": 0.5, "output_per_1k": 1.0}));
        let context = json!({
            "mode": "full", "window_size": 4, "summarize_after_messages": 8, "summary_update_interval": 3
        });
        assert_eq!(shown["context_management"], context);

        let user = app.user("ann").await;
        let long = json!({"input": "x".repeat(length + 1)});
        chat(&user, long).await.is_error(422, "validation_error");
        let image = format!("data:image/png;base64,iVBORw0KGgoA{}", "A".repeat(1_500_000));
        let image = json!({"input": [{"type": "image_url", "image_url": {"url": image}}]});
        chat(&user, image).await.is_error(422, "validation_error");
        for _ in 0..rate {
            app.llm.script(Reply::text("hi").figures(figures(10, 15)));
            let answer = chat(&user, json!({"input": "x".repeat(length)})).await.ok();
            assert_eq!((&answer["model"], answer["cost"].as_f64()), (&json!("my-model"), Some(0.02)));
        }
        chat(&user, json!({"input": "hi"})).await.is_error(429, "rate_limit_exceeded");
        assert_eq!(turn_calls(&app)[0].model(), "my-model");
    }
}

/// S0-2, S0-39, S0-54, S0-60, C-26
#[tokio::test(flavor = "multi_thread")]
async fn the_view_has_every_conversation_with_the_documented_columns() {
    let app = App::start(Store::Postgres).await;
    answer_titles(&app);
    let url = app.database_url.clone().unwrap();
    let user = app.user("ann").await;
    let metadata = json!({"category": "support", "updated": true});
    let created = user.post("/conversations", json!({"user_id": "user123", "metadata": metadata})).await.ok();
    let uuid = user.conversation().await;
    user.say(&uuid, "one two").await.ok();
    user.delete(&format!("/conversations/{uuid}")).await.ok();
    let rows = PostgresServer::shared().sql(
        &url,
        "SELECT concat_ws('|', id, user_id, coalesce(title, '-'), coalesce(summary, '-'), message_count, \
         summary_message_count, is_deleted, metadata->>'category', (metadata->'updated')::boolean, \
         to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')) FROM textllm.conversations ORDER BY created_at",
    );
    let rows: Vec<&str> = rows.trim().lines().collect();
    let made = created["created_at"].as_str().unwrap().trim_end_matches('Z');
    let first = format!("{}|user123|-|-|0|0|f|support|t|{made}", created["id"].as_str().unwrap());
    assert_eq!((rows.len(), rows[0]), (2, first.as_str()));
    let second = format!("conv_{}|{}|one two|-|1|0|t|", uuid.replace('-', ""), user.id);
    assert!(rows[1].starts_with(&second), "{}", rows[1]);
}
