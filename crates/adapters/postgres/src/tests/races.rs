//! What happens between the start of a statement and its lock.

use std::time::Instant;

use sqlx::{Connection, Executor, PgConnection};

use super::*;

/// A begin that started before a finish was committed, and got its lock after that, is accepted and sees the reply.
///
/// The policy below delays such a begin at the right point: it is evaluated when the statement has its snapshot, before
/// it locks a row.
#[tokio::test(flavor = "multi_thread")]
async fn a_begin_sees_what_was_committed_while_it_was_under_way() {
    let (store, url) = fresh().await;
    let server = PostgresServer::shared();
    let slow = format!("slow_{}", Uuid::now_v7().simple());
    server.sql(
        &url,
        &format!(
            "CREATE ROLE {slow} LOGIN; GRANT USAGE ON SCHEMA omnichat TO {slow};
             GRANT ALL ON ALL TABLES IN SCHEMA omnichat TO {slow};
             ALTER TABLE omnichat.conversations ENABLE ROW LEVEL SECURITY;
             CREATE POLICY slowly ON omnichat.conversations TO {slow}
                 USING ((SELECT true FROM pg_advisory_xact_lock_shared(1)))"
        ),
    );
    let slow_store = connect(&url.replace("omnichat@", &format!("{slow}@")));
    let scene = Scene::new(&store).await;
    let first = scene.start(&store).await;
    let mut gate = PgConnection::connect(&url).await.unwrap();
    gate.execute("SELECT pg_advisory_lock(1)").await.unwrap();

    let begin = scene.begin_in(first.conversation.id, "next");
    let second = tokio::spawn(async move { slow_store.begin(begin).await });
    let start = Instant::now();
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                   WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted";
    while server.sql(&url, waiting) == "0" {
        assert!(start.elapsed() < PATIENCE);
    }
    scene.answer(&store, &first, "just now").await;
    assert!(!second.is_finished());
    gate.execute("SELECT pg_advisory_unlock(1)").await.unwrap();

    let second = second.await.unwrap().unwrap();
    let seen: Vec<i64> = second.window.messages.iter().map(|message| message.seq.0).collect();
    assert_eq!((seen, second.question.0), (vec![1, 2], 3));
    assert_eq!(domain::message::text_of(&second.window.messages[1].parts), "just now");
    assert_eq!(second.conversation.message_count, 1);
}
