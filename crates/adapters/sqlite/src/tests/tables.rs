//! What is in the tables and no port reads.

use domain::{
    BlobId, BlobKey, FileName, LedgerEntry, MessageNumber, NewFile, PersonaId, PromptFields, Purpose,
    Relation,
};
use ports::{Chunk, FileStore as _, MessageDeletion, NewPersona, NewPrompt, PromptPatch};

use super::*;

/// User, conversation, turn, purpose, provider, tokens in and out, whether estimated, cost, time.
type Entry = (i64, Uuid, Uuid, String, String, i64, i64, bool, i64, i64);

#[tokio::test]
async fn a_finish_enters_the_ledger_once_and_drops_the_chunks_and_the_ledger_outlives_a_purge() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let runner = runner();
    let order = begin(owner, Target::existing(talk.id), runner);
    let turn = order.turn;
    store.begin(order).await.unwrap();
    let chunk = Chunk { turn, first: 0, deltas: said("bec") };
    store.checkpoint(runner, vec![turn], vec![chunk]).await.unwrap();
    let mut end = finish(turn, runner, talk.id, "because");
    end.ledger = Some(LedgerEntry {
        user: owner,
        conversation: Some(talk.id),
        turn: Some(turn),
        purpose: Purpose::Turn,
        provider: "demo".to_owned(),
        model: model(),
        usage: end.ending.usage,
        cost: end.ending.cost,
        at: at(2),
    });
    for _ in 0..2 {
        store.finish(end.clone()).await.unwrap();
    }
    store.purge(owner, talk.id.into()).await.unwrap();

    let chunks: i64 =
        sqlx::query_scalar("SELECT count(*) FROM turn_chunks").fetch_one(&store.reads).await.unwrap();
    assert_eq!(chunks, 0);
    let entries: Vec<Entry> = sqlx::query_as(
        "SELECT user_id, conversation_id, turn_id, purpose, provider, input_tokens, output_tokens,
           usage_estimated, cost_nanos, created_at FROM ledger",
    )
    .fetch_all(&store.reads)
    .await
    .unwrap();
    let entry =
        (1, talk.id.0, turn.0, "turn".into(), "demo".into(), 7, 3, false, 11, at(2).timestamp_micros());
    assert_eq!(entries, [entry]);
}

/// A persona of the user's.
async fn persona(store: &SqliteStore, owner: UserId) -> PersonaId {
    let new = NewPersona {
        owner,
        name: "Grace".to_owned(),
        description: None,
        relation: Relation::Friend,
        at: at(0),
    };
    ports::PersonaStore::create(store, new).await.unwrap().persona.id
}

/// Parts, lengths, time of deletion, tokens, whether on the active path.
type EmptyRow = (String, Option<Vec<u8>>, Option<i64>, i64, bool);

#[tokio::test]
async fn a_deleted_message_leaves_an_empty_row() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let persona = Some(self::persona(&store, owner).await);
    let talk = store.create(NewConversation { persona, ..conversation_of(owner) }).await.unwrap();
    exchange(&store, owner, talk.id).await;
    let reply = MessageNumber(2);
    assert_eq!(
        ports::MessageStore::delete(&store, owner, reply, at(7)).await.unwrap(),
        MessageDeletion::Deleted
    );

    let rows: Vec<EmptyRow> = sqlx::query_as(
        "SELECT parts, lengths, deleted_at, token_count, active FROM messages ORDER BY number DESC",
    )
    .fetch_all(&store.reads)
    .await
    .unwrap();
    let emptied = (stored::parts_to_json(&[]), None, Some(at(7).timestamp_micros()), 3, true);
    assert_eq!((rows.len(), rows.first()), (2, Some(&emptied)));
}

#[tokio::test]
async fn a_deleted_persona_leaves_no_row_of_its_conversations() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let persona = self::persona(&store, owner).await;
    let new = || NewConversation { persona: Some(persona), ..conversation_of(owner) };
    let talk = store.create(new()).await.unwrap();
    exchange(&store, owner, talk.id).await;
    let runner = runner();
    let order = begin(owner, Target::New(Box::new(new())), runner);
    let turn = order.turn;
    store.begin(order).await.unwrap();
    let chunk = Chunk { turn, first: 0, deltas: said("bec") };
    store.checkpoint(runner, vec![turn], vec![chunk]).await.unwrap();
    ports::PersonaStore::delete(&store, owner, persona).await.unwrap();

    for table in ["personas", "conversations", "messages", "turns", "turn_chunks"] {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(&store.reads).await.unwrap();
        assert_eq!(count, 0, "{table}");
    }
}

#[tokio::test]
async fn files_are_counted_and_a_deleted_user_deletes_their_objects() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let blobs: Vec<BlobKey> =
        (1..=3).map(|name| BlobKey::upload(owner, talk.number, BlobId(Uuid::from_u128(name)))).collect();
    let attach = blobs.iter().map(async |blob| {
        store.reserve(blob.clone(), at(9)).await.unwrap();
        let name = FileName::from_sender("a.pdf");
        let new = NewFile {
            conversation: talk.id,
            blob: blob.clone(),
            name,
            size: 1,
            pages: 1,
            pages_read: 1,
            text: "t".into(),
            at: at(1),
        };
        store.attach(owner, new).await.unwrap().granted().unwrap();
    });
    futures_util::future::join_all(attach).await;
    let files: i64 =
        sqlx::query_scalar("SELECT files FROM conversations").fetch_one(&store.reads).await.unwrap();
    assert_eq!((files, store.pending_deletions(at(9), 9).await.unwrap()), (3, Vec::new()));
    store.sql("DELETE FROM users").await;
    assert_eq!(store.pending_deletions(at(0), 9).await.unwrap(), blobs);
}

#[tokio::test]
async fn a_deleted_user_deletes_their_prompts_with_their_versions() {
    let store = SqliteStore::in_memory().await.unwrap();
    let (gone, kept) = (user(&store, "ada").await, user(&store, "grace").await);
    for owner in [gone, kept] {
        let fields = PromptFields {
            title: "t".to_owned(),
            scenario: "s".to_owned(),
            description: None,
            content: "c".to_owned(),
            metadata: JsonText::empty_object(),
        };
        let id = ports::PromptStore::create(&store, NewPrompt { owner, fields, at: at(0) }).await.unwrap().id;
        ports::PromptStore::update(&store, owner, id, PromptPatch::default(), at(1)).await.unwrap();
    }
    store.sql(format!("DELETE FROM users WHERE id = {gone}")).await;
    let left: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT p.user_id, count(v.version) FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id GROUP BY p.id",
    )
    .fetch_all(&store.reads)
    .await
    .unwrap();
    assert_eq!(left, [(kept.0, 1)]);
}

/// Operators write rows of prompts, and one that cannot be read would be left out of all lists.
#[tokio::test]
async fn prompts_that_the_service_could_not_read_are_refused() {
    let store = SqliteStore::in_memory().await.unwrap();
    for (column, value) in [
        ("usage_count", "-1"),
        ("version", "0"),
        ("created_at", "-1"),
        ("updated_at", "9223372036854775807"),
        ("metadata", "'[]'"),
        ("metadata", "'{'"),
    ] {
        let insert = format!(
            "INSERT INTO prompts (title, scenario, content, {column}) VALUES ('t', 's', 'c', {value})"
        );
        let inserted = sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&store.reads).await;
        let error = inserted.unwrap_err().to_string();
        assert!(error.contains("CHECK constraint failed"), "{column} {value}: {error}");
    }
}
