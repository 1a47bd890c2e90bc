//! How the database finds its rows.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::*;

/// Tables that grow with use; the others have a few rows.
const LARGE: [&str; 11] = [
    "users",
    "sign_in_names",
    "personas",
    "prompts",
    "prompt_versions",
    "conversations",
    "messages",
    "turns",
    "ledger",
    "files",
    "pending_deletions",
];

/// Enough rows to matter to the planner.
const ROWS: &str = "
    INSERT INTO omnichat.users (issuer, subject, created_at) SELECT 'i', g::text, now() FROM generate_series(1, 5000) g;
    INSERT INTO omnichat.sign_in_names SELECT 'n' || id, id FROM omnichat.users;
    INSERT INTO omnichat.personas (user_id, name, relation_type, created_at, updated_at)
        SELECT id, 'p', 'friend', now(), now() FROM omnichat.users;
    INSERT INTO omnichat.prompts (user_id, title, scenario, content, search_text)
        SELECT u.id, 't', 's', repeat('x', 200), 't' FROM omnichat.users u, generate_series(1, 5) g;
    INSERT INTO omnichat.prompt_versions (prompt_id, version, created_at, title, scenario, content, metadata)
        SELECT p.id, 1, now(), 't', 's', 'c', '{}' FROM omnichat.prompts p;
    INSERT INTO omnichat.conversations (id, owner, label, begun_by, persona_id, created_at, updated_at, last_seq, head_seq)
        SELECT gen_random_uuid(), id, 'l', 'llm_chat', CASE WHEN id % 2 = 0 THEN id END, now(), now(), 20, 20
        FROM omnichat.users;
    INSERT INTO omnichat.turns (id, conversation_id, runner, owner, question_seq, reply_seq, started_at, state, contract, model)
        SELECT gen_random_uuid(), c.id, gen_random_uuid(), c.owner, 2 * g - 1, 2 * g, now(), 'completed', 'llm_chat', 'm'
        FROM omnichat.conversations c, generate_series(1, 10) g;
    INSERT INTO omnichat.messages (conversation_id, seq, id, turn_id, created_at, token_count, role, parts)
        SELECT t.conversation_id, t.question_seq + g, gen_random_uuid(), t.id, now(), 10, 'user', repeat('x', 200)
        FROM omnichat.turns t, generate_series(0, 1) g;
    INSERT INTO omnichat.ledger (user_id, purpose, provider, model, input_tokens, cached_tokens, output_tokens,
            reasoning_tokens, cost_nanos, created_at, usage_estimated)
        SELECT t.owner, 'turn', 'p', 'm', 1, 1, 1, 1, 1, now(), false FROM omnichat.turns t;
    INSERT INTO omnichat.files (conversation_id, created_at, size, pages, blob_key, name, text)
        SELECT t.conversation_id, now(), 1, 1, t.id::text, 'n', repeat('x', 200) FROM omnichat.turns t;
    INSERT INTO omnichat.pending_deletions SELECT t.id::text, now() FROM omnichat.turns t;
";

/// S4-49: no statement of the store reads a table from end to end, one conversation's messages least of all, and the
/// index has those in their order.
#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_a_whole_table() {
    let (_, url) = fresh().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute(ROWS).await.unwrap();
    connection.execute("VACUUM ANALYZE").await.unwrap();
    // As the writers and long-lived connections plan.
    connection.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
    let mut seen = 0;
    for file in std::fs::read_dir(".sqlx").unwrap() {
        let json = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let described: serde_json::Value = serde_json::from_str(&json).unwrap();
        let query = described["query"].as_str().unwrap();
        let parameters = described["describe"]["parameters"]["Left"].as_array().unwrap().len();
        let arguments = vec!["NULL"; parameters].join(", ");
        let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
        connection.execute(AssertSqlSafe(format!("PREPARE q{seen} AS {query}"))).await.unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE q{seen}{arguments}"));
        let steps: Vec<String> =
            connection.fetch_all(explain).await.unwrap().iter().map(|row| row.get(0)).collect();
        let is_history = query.contains("FROM omnichat.messages m") && query.contains("ORDER BY m.seq");
        let sorts = steps.iter().any(|step| step.trim_start_matches([' ', '-', '>']).starts_with("Sort"));
        assert!(!(is_history && sorts), "{query}\n{}", steps.join("\n"));
        for table in LARGE {
            let scan = format!("Seq Scan on {table}");
            assert!(!steps.iter().any(|step| step.contains(&scan)), "{query}\n{}", steps.join("\n"));
        }
        seen += 1;
    }
    assert!(seen > 30, "the statements are in .sqlx");
}

/// The query in the function that reads windows is planned by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_read_from_its_end() {
    let (store, url) = fresh().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute(ROWS).await.unwrap();
    let scene = Scene::new(&store).await;
    let mut begin = scene.begin_new("");
    begin.messages = (0..2_000).map(|number| question_of(&format!("m{number}"))).collect();
    let id = store.begin(begin).await.unwrap().conversation.id;
    connection.execute("VACUUM ANALYZE").await.unwrap();
    connection.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
    let read = "SELECT (w).has_older FROM omnichat.window_before($1, 9999, 64, 262144) w";
    let mut scanned = Vec::new();
    for _ in 0..2 {
        connection.execute("SELECT pg_stat_force_next_flush()").await.unwrap();
        let counts = "SELECT seq_scan, seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'messages'";
        let counts = connection.fetch_one(counts).await.unwrap();
        scanned.push((counts.get::<i64, _>(0), counts.get::<i64, _>(1), counts.get::<i64, _>(2)));
        let window = sqlx::query(read).bind(id.0).fetch_one(&mut connection).await.unwrap();
        assert!(window.get::<bool, _>(0));
    }
    let [(scans, ..), (scans_after, ..)] = scanned[..] else { panic!("two counts") };
    assert_eq!(scans, scans_after);
    let (fetched, fetched_after) = (scanned[0].2, scanned[1].2);
    assert!(fetched_after - fetched < 100, "{fetched} {fetched_after}");
}
