//! Reads and changes the application's database directly.

use std::process::Command;

use testkit::PostgresServer;

use super::App;

/// The rows of a query, with `|` between the columns. Tables are named with their schema, `omnichat`.
pub(crate) fn sql(app: &App, query: &str) -> Vec<String> {
    const READ: &str = "import sqlite3, sys\n\
        database = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)\n\
        for row in database.execute(sys.argv[2]): print('|'.join(map(str, row)))";
    let rows = match &app.database_url {
        Some(url) => PostgresServer::shared().sql(url, query),
        None => sqlite(app, READ, query),
    };
    rows.lines().map(str::to_owned).collect()
}

/// Changes the database, for states that no route can create. Tables are named with their schema, `omnichat`.
pub(crate) fn change(app: &App, statement: &str) {
    const CHANGE: &str =
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])";
    match &app.database_url {
        Some(url) => _ = PostgresServer::shared().sql(url, statement),
        None => _ = sqlite(app, CHANGE, statement),
    }
}

/// Runs a Python script on the application's SQLite file, whose tables have no schema; its output.
fn sqlite(app: &App, script: &str, statement: &str) -> String {
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(app.data.path().join("data/omnichat.db"));
    let output = python.arg(statement.replace("omnichat.", "")).output();
    let output = output.expect("python3 runs; scripts/setup.sh installs it");
    assert!(output.status.success(), "{statement}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
