//! Prompts in the tables.

use domain::{JsonText, PromptFields};
use ports::{NewPrompt, PromptPatch, PromptStore};

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
