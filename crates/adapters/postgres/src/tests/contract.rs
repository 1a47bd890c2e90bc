//! The suite that every store passes, with a second store on the same database beside the first.

use std::sync::Arc;

use domain::PromptId;
use testkit::PostgresServer;
use testkit::contract::{Damage, DamagedRow, InsertPrompt, KillRunner, Stores};

use super::{connect, fresh};

async fn stores() -> Stores {
    let server = PostgresServer::shared();
    let (store, url) = fresh().await;
    let (store, elsewhere) = (Arc::new(store), Arc::new(connect(&url)));
    let kill_runner: KillRunner = Arc::new({
        let url = url.clone();
        move |runner| {
            let url = url.clone();
            Box::pin(async move {
                let late = "UPDATE omnichat.runners SET renewed_at = renewed_at - interval '21 seconds'";
                server.sql(&url, &format!("{late} WHERE id = '{runner}'"));
                // The other processes have renewed for long enough to treat this one as dead.
                let long_since = "UPDATE omnichat.runners SET since = since - interval '21 seconds'";
                server.sql(&url, &format!("{long_since} WHERE id <> '{runner}'"));
            })
        }
    });
    let for_prompts = url.clone();
    let damage: Damage = Arc::new(move |row| {
        let url = url.clone();
        Box::pin(async move {
            let sql = match row {
                DamagedRow::Message(id) => {
                    format!("UPDATE omnichat.messages SET parts = '{{' WHERE id = '{id}'")
                }
                DamagedRow::Conversation(id) => {
                    format!("UPDATE omnichat.conversations SET label = '' WHERE id = '{id}'")
                }
                DamagedRow::Title(id) => {
                    format!("UPDATE omnichat.conversations SET title = '' WHERE id = '{id}'")
                }
                DamagedRow::Chunk { turn, first } => format!(
                    "UPDATE omnichat.turn_chunks SET parts = '{{' WHERE turn_id = '{turn}' AND first = {first}"
                ),
            };
            server.sql(&url, &sql);
        })
    });
    let insert_prompt: InsertPrompt = Arc::new(move |owner, title, content| {
        let url = for_prompts.clone();
        Box::pin(async move {
            let owner = owner.map_or("NULL".to_owned(), |owner| owner.to_string());
            let insert = "INSERT INTO omnichat.prompts (user_id, title, scenario, content)";
            server.sql(&url, &format!("{insert} VALUES ({owner}, '{title}', 's', '{content}')"));
            PromptId(server.sql(&url, "SELECT max(id) FROM omnichat.prompts").trim().parse().unwrap())
        })
    });
    Stores {
        conversations: store.clone(),
        turns: store.clone(),
        events: elsewhere.clone(),
        runners: store.clone(),
        users: store.clone(),
        personas: store.clone(),
        prompts: store.clone(),
        messages: store.clone(),
        files: store.clone(),
        ledger: store,
        kill_runner,
        damage,
        insert_prompt,
        elsewhere: Some(elsewhere),
    }
}

testkit::store_contract!(stores().await);
