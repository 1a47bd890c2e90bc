//! The temporary PostgreSQL server starts, separates databases, and keeps committed data when it is stopped hard.

use omnichat_testkit::PostgresServer;

#[tokio::test]
async fn databases_are_separate() {
    let server = PostgresServer::shared();
    let (first, second) = (server.database().await, server.database().await);
    assert_ne!(first, second);
    server.sql(&first, "CREATE TABLE only_here(id int)");
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'";
    assert_eq!((server.sql(&first, tables).as_str(), server.sql(&second, tables).as_str()), ("1", "0"));
}

#[tokio::test]
async fn what_was_committed_survives_a_hard_stop() {
    let server = PostgresServer::options().start();
    assert_eq!(server.sql("postgres", "SHOW fsync"), "on");
    let database = server.database().await;
    server.sql(&database, "CREATE TABLE kept AS SELECT 7 AS seven");
    server.stop_hard();
    server.start_again();
    assert_eq!(server.sql(&database, "SELECT seven FROM kept"), "7");
}
