//! What happens between the start of a statement and its lock.

use std::time::Duration;

use super::*;

/// A begin that started before a finish was committed, and got its lock after that, is let in and sees the reply.
///
/// The policy below holds such a begin up at the right place: it is asked once the statement has its snapshot, and
/// before it locks a row.
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
             CREATE POLICY slowly ON omnichat.conversations TO {slow} USING ((SELECT true FROM pg_sleep(0.5)))"
        ),
    );
    let slow_store = connect(&url.replace("omnichat@", &format!("{slow}@")));
    let scene = Scene::new(&store).await;
    // Connects and plans, so that what follows is a matter of the database's alone.
    let warm_up = scene.conversation(&store).await;
    slow_store.begin(scene.begin_in(warm_up, "warm-up")).await.unwrap();

    let first = scene.start(&store).await;
    let begin = scene.begin_in(first.conversation.id, "next");
    let second = tokio::spawn(async move { slow_store.begin(begin).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    scene.answer(&store, &first, "just now").await;
    assert!(!second.is_finished());
    let second = second.await.unwrap().unwrap();
    let seen: Vec<i64> = second.window.messages.iter().map(|message| message.seq.0).collect();
    assert_eq!((seen, second.question.0), (vec![1, 2], 3));
    assert_eq!(domain::message::text_of(&second.window.messages[1].parts), "just now");
    assert_eq!(second.conversation.message_count, 1);
}
