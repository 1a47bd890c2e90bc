//! The suite that every store passes: in memory, where all share one connection, and on a file, where reads go on while
//! the writer writes.

use std::sync::Arc;

use domain::PromptId;
use testkit::contract::{Damage, DamagedRow, InsertPrompt, KillRunner, Stores};

use super::Scratch;
use crate::SqliteStore;

/// The ports of a store. The hooks hold what must live as long as the store does.
fn stores_of(store: SqliteStore, scratch: Option<Scratch>) -> Stores {
    let store = Arc::new(store);
    let scratch = Arc::new(scratch);
    let kill_runner: KillRunner = Arc::new({
        let store = Arc::clone(&store);
        move |runner| {
            let (store, _scratch) = (Arc::clone(&store), Arc::clone(&scratch));
            Box::pin(async move {
                let late = "UPDATE runners SET renewed_at = renewed_at - 21000000";
                store.sql(format!("{late} WHERE id = x'{}'", runner.0.simple())).await;
            })
        }
    });
    let damage: Damage = Arc::new({
        let store = Arc::clone(&store);
        move |row| {
            let store = Arc::clone(&store);
            Box::pin(async move {
                let sql = match row {
                    DamagedRow::Message(id) => {
                        format!("UPDATE messages SET parts = '{{' WHERE id = x'{}'", id.0.simple())
                    }
                    DamagedRow::Conversation(id) => {
                        format!("UPDATE conversations SET label = '' WHERE id = x'{}'", id.0.simple())
                    }
                    DamagedRow::Title(id) => {
                        format!("UPDATE conversations SET title = '' WHERE id = x'{}'", id.0.simple())
                    }
                    DamagedRow::Chunk { turn, first } => format!(
                        "UPDATE turn_chunks SET parts = '{{' WHERE turn_id = x'{}' AND first = {first}",
                        turn.0.simple()
                    ),
                };
                store.sql(sql).await;
            })
        }
    });
    let insert_prompt: InsertPrompt = Arc::new({
        let store = Arc::clone(&store);
        move |owner, title, content| {
            let store = Arc::clone(&store);
            Box::pin(async move {
                let owner = owner.map_or("NULL".to_owned(), |owner| owner.to_string());
                let insert = "INSERT INTO prompts (user_id, title, scenario, content)";
                store.sql(format!("{insert} VALUES ({owner}, '{title}', 's', '{content}')")).await;
                let newest = sqlx::query_scalar("SELECT max(id) FROM prompts");
                PromptId(newest.fetch_one(&store.reads).await.unwrap())
            })
        }
    });
    Stores {
        conversations: store.clone(),
        turns: store.clone(),
        events: store.clone(),
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
        elsewhere: None,
    }
}

mod in_memory {
    use super::*;

    async fn stores() -> Stores {
        stores_of(SqliteStore::in_memory().await.unwrap(), None)
    }

    testkit::store_contract!(stores().await);
}

mod on_a_file {
    use super::*;

    async fn stores() -> Stores {
        let scratch = Scratch::new();
        let store = SqliteStore::open(&scratch.file()).await.unwrap();
        store.migrate().await.unwrap();
        stores_of(store, Some(scratch))
    }

    testkit::store_contract!(stores().await);
}
