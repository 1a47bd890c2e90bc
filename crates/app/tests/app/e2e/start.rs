//! The start of the service, its information routes, and the settings that it refuses to start with.

use crate::support::{Answer, App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(
    the_service_describes_itself,
    the_log_names_the_store_and_the_provider,
    migrations_run_on_command,
);
on_sqlite_alone!(further_ports_are_served, wrong_settings_are_named_and_prevent_the_start);

/// S0-44, S0-45, S0-46, C-28
async fn the_service_describes_itself(store: Store) {
    let app = App::start(store).await;
    let get = |path: &'static str| {
        let request = app.http.get(format!("{}{path}", app.url));
        async move { Answer::read(request.send().await.unwrap()).await }
    };
    let info = get("/").await.ok();
    for key in ["name", "version", "status", "endpoints"] {
        assert!(info.get(key).is_some(), "{key}");
    }
    let health = get("/health").await.ok();
    assert_eq!(health["status"], "healthy");
    for check in ["database", "storage", "llm"] {
        assert!(health["checks"][check].is_string(), "{check}");
    }
    get("/health/live").await.ok();
    let config = get("/config").await;
    let body = config.ok();
    assert_eq!(body["model"], "gpt-4o");
    assert_eq!(body["context_management"]["window_size"], 5);
    for secret in [crate::support::PROVIDER_KEY, crate::support::JWT_SECRET, "postgres:", "127.0.0.1"] {
        assert!(!config.text.contains(secret));
    }
    assert_eq!(app.llm.call_count(), 0);
}

async fn the_log_names_the_store_and_the_provider(store: Store) {
    let app = App::start(store).await;
    let log = app.log();
    let first: Vec<&str> = log.lines().take(6).collect();
    let name = match store {
        Store::Sqlite => "SQLite",
        Store::Postgres => "PostgreSQL",
    };
    assert!(first.iter().any(|line| line.contains(name)), "{first:?}");
    assert!(first.iter().any(|line| line.contains("openai")), "{first:?}");
}

/// S2-10, C-12
async fn further_ports_are_served(store: Store) {
    let extra = testkit::free_port();
    let app = App::start_with(store, &[("EXTRA_PORTS", &extra.to_string())]).await;
    for port in [app.port, extra] {
        let answer = app.http.get(format!("http://127.0.0.1:{port}/health/live")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{port}");
    }
}

async fn migrations_run_on_command(store: Store) {
    let app = App::start(store).await;
    let output = app.command().arg("migrate").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// S0-55, S0-61, S2-6, S2-23, C-16
async fn wrong_settings_are_named_and_prevent_the_start(store: Store) {
    let app = App::start(store).await;
    for (name, value, word) in [
        ("LLM_PROVIDER", "acme", "acme"),
        ("OPENAI_API_KEY", "", "OPENAI_API_KEY"),
        ("OMNICHAT_CONTEXT_MANAGEMENT__MODE", "sometimes", "mode"),
        ("OMNICHAT_NO_SUCH__KEY", "1", "no_such"),
        ("OPENAI_TEMPERATURE", "1.5", "OPENAI_TEMPERATURE"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL"),
        ("PORT", "none", "PORT"),
    ] {
        let output = app.command().env(name, value).output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{name}={value} starts");
        assert!(text.to_lowercase().contains(&word.to_lowercase()), "{name}={value}: {text}");
    }
    let production = app.command().env("ENVIRONMENT", "production").env("JWT_SECRET", "").output().unwrap();
    assert!(!production.status.success());
}
