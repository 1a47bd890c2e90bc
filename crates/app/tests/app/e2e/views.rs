//! The documented tables, which are views for reports on PostgreSQL (C-26).

use serde_json::json;
use testkit::PostgresServer;
use testkit::fake_llm::{Figures, Reply};

use crate::support::{App, Store};

fn columns(url: &str, schema: &str, table: &str) -> String {
    let sql = format!(
        "SELECT string_agg(column_name || ' ' || udt_name || coalesce('(' || character_maximum_length || ')', \
         CASE WHEN udt_name = 'numeric' THEN '(' || numeric_precision || ',' || numeric_scale || ')' END, ''), \
         ', ' ORDER BY ordinal_position) FROM information_schema.columns \
         WHERE table_schema = '{schema}' AND table_name = '{table}'"
    );
    PostgresServer::shared().sql(url, &sql).trim().to_owned()
}

fn rows(url: &str, sql: &str) -> Vec<String> {
    PostgresServer::shared().sql(url, sql).trim().lines().map(str::to_owned).collect()
}

/// S0-2, S0-54, S0-60
#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_s0_is_a_view() {
    let app = App::start(Store::Postgres).await;
    let url = app.database_url.clone().unwrap();
    assert_eq!(
        columns(&url, "textllm", "conversations"),
        "id varchar(255), user_id varchar(255), title varchar(500), summary text, message_count int4, \
         summary_message_count int4, summary_updated_at timestamp, total_tokens_input int4, \
         total_tokens_output int4, total_cost numeric(10,6), created_at timestamp, updated_at timestamp, \
         is_deleted bool, metadata jsonb"
    );
    let user = app.user("ann").await;
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::text("Friendly Greeting"));
    app.llm.otherwise(Reply::text("hi").figures(Figures {
        input: 10,
        cached: 0,
        output: 15,
        reasoning: 0,
        cost: None,
    }));
    let answer = user.post("/chat", json!({"input": "hi", "user_id": "user123"})).await.ok();
    let id = answer["conversation_id"].as_str().unwrap();
    let row = rows(
        &url,
        "SELECT concat_ws(',', id, user_id, title, message_count, total_tokens_input, total_tokens_output, \
         total_cost, is_deleted) FROM textllm.conversations",
    );
    assert_eq!(row, [format!("{id},user123,Friendly Greeting,1,10,15,0.000175,f")]);
    user.delete(&format!("/conversations/{id}")).await.ok();
    assert_eq!(rows(&url, "SELECT is_deleted FROM textllm.conversations"), ["t"]);
}

/// S4-29, S4-30
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_of_s4_are_views() {
    let long_model = format!("vendor/{}", "m".repeat(100));
    let app = App::start_with(Store::Postgres, &[("OPENAI_MODEL", &long_model)]).await;
    let url = app.database_url.clone().unwrap();
    assert_eq!(
        columns(&url, "public", "conversations"),
        "id int4, title varchar(255), persona_id int4, user_id int4, is_active bool, created_at timestamp, \
         updated_at timestamp"
    );
    assert_eq!(
        columns(&url, "public", "chat_messages"),
        "id int4, conversation_id int4, role varchar(20), content text, tokens_used int4, model_used varchar(50), \
         response_time_ms int4, created_at timestamp"
    );
    let user = app.user("ann").await;
    user.post("/personas/", json!({"name": "Alex", "relation_type": "friend"})).await.ok();
    user.post("/chat/conversations", json!({"title": "T", "persona_id": 1})).await.ok();
    user.conversation().await;
    user.post("/chat/conversations/1/send", json!({"content": "hi"})).await.ok();
    assert_eq!(
        rows(&url, "SELECT concat_ws(',', id, title, persona_id) FROM public.conversations"),
        ["1,T,1"]
    );
    let cut = &long_model[..50];
    assert_eq!(
        rows(
            &url,
            "SELECT concat_ws(',', id, role, content, model_used) FROM public.chat_messages ORDER BY id"
        ),
        ["1,user,hi".to_owned(), format!("2,assistant,You said: hi,{cut}")]
    );
    user.delete("/chat/messages/1").await.ok();
    assert_eq!(rows(&url, "SELECT count(*) FROM public.chat_messages"), ["1"]);
    user.delete("/conversations/1").await.ok();
    for table in ["conversations", "chat_messages"] {
        assert_eq!(rows(&url, &format!("SELECT count(*) FROM public.{table}")), ["0"], "{table}");
    }
}

/// C-26. An existing table with the name of a view is not changed, and the service starts.
#[tokio::test(flavor = "multi_thread")]
async fn existing_tables_are_not_changed() {
    let url = PostgresServer::shared().database().await;
    PostgresServer::shared().sql(&url, "CREATE TABLE conversations (mine text)");
    let llm = std::sync::Arc::new(testkit::FakeLlm::start().await);
    let mut app = App::over(Some(url.clone()), llm, &[]);
    app.spawn();
    app.wait_until_ready().await;
    assert_eq!(columns(&url, "public", "conversations"), "mine text");
    app.wait_for_log("public.conversations exists already").await;
}
