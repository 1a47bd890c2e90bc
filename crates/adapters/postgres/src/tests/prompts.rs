//! Prompts in the tables.

use domain::{JsonText, PromptFields};
use ports::{NewPrompt, PromptPatch, PromptStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_deletes_their_prompts_with_their_versions() {
    let (store, url) = fresh().await;
    let server = PostgresServer::shared();
    let (gone, kept) = (Scene::new(&store).await.owner, Scene::new(&store).await.owner);
    for owner in [gone, kept] {
        let fields = PromptFields {
            title: "t".to_owned(),
            scenario: "s".to_owned(),
            description: None,
            content: "c".to_owned(),
            metadata: JsonText::empty_object(),
        };
        let id = PromptStore::create(&store, NewPrompt { owner, fields, at: now() }).await.unwrap().id;
        PromptStore::update(&store, owner, id, PromptPatch::default(), now()).await.unwrap();
    }
    server.sql(&url, &format!("DELETE FROM omnichat.users WHERE id = {gone}"));
    assert_eq!(server.sql(&url, "SELECT user_id FROM omnichat.prompts"), kept.to_string());
    assert_eq!(server.sql(&url, "SELECT count(*) FROM omnichat.prompt_versions"), "1");
}

/// Operators write rows of prompts, and times such as infinity cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn prompts_that_the_service_could_not_read_are_refused() {
    let (_store, url) = fresh().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for (column, value) in [
        ("usage_count", "-1"),
        ("version", "0"),
        ("created_at", "'infinity'"),
        ("updated_at", "'-infinity'"),
        ("updated_at", "'290000-01-01'"),
        ("metadata", "'[]'"),
    ] {
        let insert = format!(
            "INSERT INTO omnichat.prompts (title, scenario, content, {column}) VALUES ('t', 's', 'c', {value})"
        );
        let inserted = sqlx::query(AssertSqlSafe(insert)).execute(&mut connection).await;
        let error = inserted.unwrap_err().to_string();
        assert!(error.contains("violates check constraint"), "{column} {value}: {error}");
    }
}
