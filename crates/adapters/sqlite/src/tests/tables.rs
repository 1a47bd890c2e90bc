//! What stands in tables that no port reads yet.

use domain::{LedgerEntry, PersonaId, Purpose, Relation};
use ports::Chunk;

use super::*;

const PERSONA: Sql =
    Sql("INSERT INTO personas (user_id, name, description, relation_type, created_at, updated_at)
     VALUES (1, 'Grace', 'She explains.', 'friend', 0, 0)");

/// User, conversation, turn, purpose, provider, tokens in and out, whether estimated, cost, time.
type Entry = (i64, Uuid, Uuid, String, String, i64, i64, bool, i64, i64);

#[tokio::test]
async fn a_begin_brings_the_persona_of_its_conversation() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    store.writer.write(PERSONA).await.unwrap();
    let new = NewConversation { persona: Some(PersonaId(1)), ..conversation_of(owner) };
    let id = new.id;
    let runner = runner();
    let first = store.begin(begin(owner, Target::New(Box::new(new)), runner)).await.unwrap();
    let turn = first.conversation.running.unwrap();
    store.finish(finish(turn, runner, id, "hello")).await.unwrap();
    let second = store.begin(begin(owner, Target::Existing(id), runner)).await.unwrap();
    for begun in [first, second] {
        let persona = begun.persona.unwrap();
        assert_eq!((persona.name.as_str(), persona.relation), ("Grace", Relation::Friend));
        assert_eq!(persona.description.as_deref(), Some("She explains."));
    }
}

#[tokio::test]
async fn a_finish_enters_the_ledger_once_and_drops_the_chunks_and_the_ledger_outlives_a_purge() {
    let store = SqliteStore::in_memory().await.unwrap();
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    let runner = runner();
    let order = begin(owner, Target::Existing(talk.id), runner);
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
