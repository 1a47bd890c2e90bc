//! How the database finds its rows.

use sqlx::{AssertSqlSafe, Row as _};

use super::*;

const TABLES: [&str; 13] = [
    "users",
    "sign_in_names",
    "personas",
    "prompts",
    "prompt_versions",
    "conversations",
    "messages",
    "turns",
    "turn_chunks",
    "runners",
    "ledger",
    "files",
    "pending_deletions",
];

/// What a statement may read whole, by how the statement begins.
const ALLOWED: [(&str, &str); 7] = [
    // The index has only running turns.
    (
        "SELECT id AS \"id: Uuid\" FROM turns WHERE state = 'running'",
        "turns USING COVERING INDEX turns_running",
    ),
    // The index has only rows that an operator has just written.
    ("SELECT EXISTS (SELECT 1 FROM prompts", "prompts USING INDEX prompts_without_search_text"),
    ("SELECT id AS \"id!\", user_id, version", "prompts USING INDEX prompts_without_search_text"),
    // There are as many as there were processes recently.
    ("DELETE FROM runners", "runners"),
    // Once, when the process starts.
    ("SELECT name FROM sign_in_names WHERE length(CAST(name AS BLOB))", "sign_in_names"),
    // It stops at the first row.
    ("SELECT EXISTS (SELECT 1 FROM conversations)", "conversations"),
    // A check of foreign keys that SQLite skips while none is open.
    ("INSERT INTO users", "conversations"),
];

/// S4-49: nor are the messages of a conversation sorted; the index has their order. What a list does with the sizes of
/// the rows that it has found so is another step of the plan.
#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let store = SqliteStore::in_memory().await.unwrap();
    let mut seen = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx")).unwrap() {
        let json = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let described: serde_json::Value = serde_json::from_str(&json).unwrap();
        let query = described["query"].as_str().unwrap().to_owned();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let is_history = query.contains("FROM messages m") && query.contains("ORDER BY m.seq");
        let mut found_rows = None;
        for row in sqlx::query(explain).fetch_all(&store.reads).await.unwrap() {
            let (id, parent): (i64, i64) = (row.get("id"), row.get("parent"));
            let step: String = row.get("detail");
            if step == "MATERIALIZE candidates" {
                found_rows = Some(id);
            }
            let is_of_history = is_history && found_rows.is_none_or(|found| found == parent);
            assert!(!(is_of_history && step.contains("TEMP B-TREE")), "{step} in {query}");
            let Some(scanned) = step.strip_prefix("SCAN ") else { continue };
            let is_table = TABLES.iter().any(|table| scanned.split(' ').next() == Some(table));
            let is_allowed =
                ALLOWED.iter().any(|(start, what)| query.starts_with(start) && scanned.starts_with(what));
            assert!(!is_table || is_allowed, "{step} in {query}");
        }
        seen += 1;
    }
    assert!(seen > 30, "the statements are in .sqlx");
}
