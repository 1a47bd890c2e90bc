//! Registration, sign-in and tokens, rule by rule (C-21), and attacks on them.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::persona_chat::{held, send};
use crate::support::{Answer, App, JWT_SECRET, Store, on_both_stores, on_sqlite_alone, wait_until};

on_both_stores!(
    a_registration_needs_one_name_and_accepts_both,
    a_sign_in_accepts_either_name,
    the_subject_of_another_service_is_a_separate_user,
    a_suspended_account_is_shut_out,
    credentials_are_data,
    a_wrong_password_and_a_missing_account_get_the_same_response,
);
on_sqlite_alone!(
    sign_ins_are_limited_for_each_address,
    the_second_variable_of_the_secret_is_used_without_the_first,
    forged_tokens_are_refused,
    every_character_of_a_password_matters,
    weak_secrets_refuse_to_start,
);

const PASSWORD: &str = "password123";

fn later() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 600
}

fn signed(secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

/// C-21, C-24, C-9
async fn a_registration_needs_one_name_and_accepts_both(store: Store) {
    let app = App::start(store).await;
    let cases = [
        (json!({"email": "One@Example.com"}), "one@example.com", "One@Example.com"),
        (json!({"username": "Two@Example.com"}), "two@example.com", "Two@Example.com"),
        (
            json!({"username": "three", "email": "three@example.com", "full_name": null}),
            "three@example.com",
            "three",
        ),
        (json!({"username": "four", "email": null, "full_name": "F. Our"}), "", "four"),
    ];
    for (mut body, email, username) in cases {
        body["password"] = json!(PASSWORD);
        let made = app.post("/auth/register", body).await.ok();
        let expected = if email.is_empty() { Value::Null } else { json!(email) };
        assert_eq!((&made["email"], &made["username"]), (&expected, &json!(username)));
        for key in ["id", "full_name", "tier", "access_token", "token_type", "expires_in"] {
            assert!(made.get(key).is_some(), "{key} is missing in {made}");
        }
        assert!(made["id"].is_i64() && made["tier"] == "free");
        assert!(made.get("password").is_none() && made.get("password_hash").is_none());
        let account = app.me(made["access_token"].as_str().unwrap()).await.ok();
        assert_eq!(account["id"], made["id"]);
        assert!(account["created_at"].as_str().unwrap().ends_with('Z'));
    }
    // The minimum length of a password counts characters.
    let short = |password: &str| json!({"username": "five", "password": password});
    app.post("/auth/register", short(&"ä".repeat(7))).await.is_error(422, "validation_error");
    app.post("/auth/register", short(&"ä".repeat(8))).await.ok();
}

/// S4-31, C-21
async fn a_sign_in_accepts_either_name(store: Store) {
    let app = App::start_with(store, &[("ACCESS_TOKEN_EXPIRE_MINUTES", "5")]).await;
    let body = json!({"username": "Ann", "email": "Ann@Example.com", "password": PASSWORD});
    let made = app.post("/auth/register", body).await.ok();
    for name in [
        json!({"username": "ann@example.com"}),
        json!({"username": "ANN@EXAMPLE.COM"}),
        json!({"username": "ann"}),
        json!({"email": "ann@example.com"}),
        json!({"email": "other@example.com", "username": " ann "}),
    ] {
        let mut body = name.clone();
        body["password"] = json!(PASSWORD);
        let answer = app.post("/auth/login", body.clone()).await;
        let token = answer.ok();
        assert_eq!(token.as_object().unwrap().len(), 3, "{token}");
        assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(300)));
        assert_eq!(app.me(token["access_token"].as_str().unwrap()).await.ok()["id"], made["id"]);
        body["password"] = json!("password124");
        app.post("/auth/login", body).await.is_error(401, "invalid_credentials");
    }
    for body in [
        json!({"password": PASSWORD}),
        json!({"username": "ann"}),
        json!({"username": "", "password": PASSWORD}),
        json!({"username": ["ann"], "password": PASSWORD}),
        json!({"username": "ann", "password": ""}),
    ] {
        let answer = app.post("/auth/login", body.clone()).await;
        assert!([401, 422].contains(&answer.status), "{body}: {}", answer.text);
    }
}

/// C-13
async fn sign_ins_are_limited_for_each_address(store: Store) {
    let app = App::start_with(store, &[("AUTH_RATE_LIMIT_PER_MINUTE", "20")]).await;
    app.user("ann").await;
    for number in 0..19 {
        let body = json!({"username": "ann", "password": format!("wrong {number}")});
        app.post("/auth/login", body).await.is_error(401, "invalid_credentials");
    }
    for path in ["/auth/login", "/auth/register"] {
        let body = json!({"username": "bob", "password": PASSWORD});
        let request = app.http.post(format!("{}{path}", app.url)).header("x-forwarded-for", "9.9.9.9");
        let answer = Answer::read(request.json(&body).send().await.unwrap()).await;
        answer.is_error(429, "rate_limit_exceeded");
        assert_eq!((answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), ("20", "0"));
        assert!((1..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
    }
}

/// C-21, C-35
async fn the_subject_of_another_service_is_a_separate_user(store: Store) {
    let app = App::start(store).await;
    let own = app.user("ann").await;
    let exp = later();
    let uuid = "6f0e0c1a-3d55-4c43-9a47-3d3d0a6c7f10";
    let claims = json!({"sub": uuid, "exp": exp, "application_id": "no integer", "email": "ann@example.com"});
    let first = app.me(&signed(JWT_SECRET, &claims)).await.ok();
    let again =
        app.me(&signed(JWT_SECRET, &json!({"sub": uuid, "exp": exp + 1, "application_id": 3}))).await.ok();
    assert_eq!((&first, first["id"].is_i64()), (&again, true));
    assert_eq!(first["email"], Value::Null);
    // A subject that equals the id of a local user is nevertheless another user.
    let number = app.me(&signed(JWT_SECRET, &json!({"sub": own.id, "exp": exp}))).await.ok();
    assert_ne!(number["id"], own.id);
    let text = app.me(&signed(JWT_SECRET, &json!({"sub": own.id.to_string(), "exp": exp}))).await.ok();
    assert_eq!(text["id"], number["id"]);
}

/// C-21, S4-55
async fn the_second_variable_of_the_secret_is_used_without_the_first(store: Store) {
    let second = "another-secret-for-tests-that-is-long-enough-987654";
    let app = App::start_with(store, &[("JWT_SECRET", ""), ("SECRET_KEY", second)]).await;
    let claims = json!({"sub": "x", "exp": later()});
    app.me(&signed(second, &claims)).await.ok();
    app.me(&signed(JWT_SECRET, &claims)).await.is_error(401, "invalid_token");
    let both = App::start_with(store, &[("SECRET_KEY", second)]).await;
    both.me(&signed(JWT_SECRET, &claims)).await.ok();
    both.me(&signed(second, &claims)).await.is_error(401, "invalid_token");
}

/// C-21, Threat 1
async fn a_suspended_account_is_shut_out(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let suspend = |active: &str| {
        let output = app.command().args(["user", "ann", "--active", active]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    suspend("false");
    wait_until("the account is shut out", async || user.get("/chat/conversations/1").await.status == 401)
        .await;
    user.get("/chat/conversations/1").await.is_error(401, "invalid_token");
    send(&user, 1, "hi").await.is_error(401, "invalid_token");
    let right = json!({"username": "ann", "password": PASSWORD});
    app.post("/auth/login", right.clone()).await.is_error(401, "invalid_credentials");
    assert_eq!(app.llm.call_count(), 0);
    suspend("true");
    app.post("/auth/login", right).await.ok();
}

/// Threat 19, Threat 20, Threat 21
async fn forged_tokens_are_refused(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let encoded = |value: &Value| {
        let text =
            jsonwebtoken::encode(&Header::default(), value, &EncodingKey::from_secret(b"any")).unwrap();
        text.split('.').nth(1).unwrap().to_owned()
    };
    let claims = json!({"sub": user.id, "exp": later(), "iss": "omnichat"});
    let own: Vec<&str> = user.token.split('.').collect();
    let mut forged = vec![
        signed("another-secret-of-nobody-that-is-long-enough-0123", &claims),
        format!("{}.{}.", own[0], own[1]),
        format!("{}.{}", own[0], own[1]),
        format!("{}.{}.{}", own[0], encoded(&claims), own[2]),
    ];
    for alg in ["none", "None", "nOnE", "NONE", "HS384", "RS256", "ES256", ""] {
        let header = encoded(&json!({"alg": alg, "typ": "JWT"}));
        forged.push(format!("{header}.{}.", encoded(&claims)));
        forged.push(format!("{header}.{}.{}", own[1], own[2]));
    }
    for exp in [
        json!("99999999999"),
        json!(-1),
        json!(1e308),
        json!([later()]),
        json!({}),
        json!(null),
        json!(true),
        json!("9e99"),
    ] {
        forged.push(signed(JWT_SECRET, &json!({"sub": "x", "exp": exp})));
        forged.push(signed(
            JWT_SECRET,
            &json!({"sub": "x", "exp": later(), "nbf": if exp.is_null() { json!("") } else { exp }}),
        ));
    }
    forged.push(signed(JWT_SECRET, &json!({"sub": "x"})));
    forged.push(signed(JWT_SECRET, &json!({"exp": later()})));
    forged.push(signed(JWT_SECRET, &json!({"sub": "x", "exp": later(), "iss": "https://evil.example"})));
    for token in forged {
        let answer = app.me(&token).await;
        assert_eq!(answer.status, 401, "{token}: {}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    app.me(&signed(JWT_SECRET, &json!({"sub": "x", "exp": 1}))).await.is_error(401, "token_expired");
}

/// Threat 27, Threat 28, Threat 35
async fn credentials_are_data(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let long = "x".repeat(64 * 1024);
    for credentials in [
        "Bearer ' OR '1'='1",
        "Bearer ';select pg_sleep(60)--",
        "Bearer '/**/UNION/**/SELECT/**/1--",
        "Bearer null",
        "Bearer []",
        "Bearer {}",
        "Bearer",
        "Bearer  ",
        "",
        "Basic YW5uOnBhc3N3b3JkMTIz",
    ] {
        let start = std::time::Instant::now();
        let request = app.http.get(format!("{}/auth/me", app.url)).header("authorization", credentials);
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 401, "{credentials}: {}", answer.text);
        assert!(start.elapsed() < Duration::from_secs(30), "{credentials}");
    }
    let request = app.http.get(format!("{}/auth/me", app.url)).bearer_auth(&long);
    let answer = request.send().await.unwrap().status().as_u16();
    assert!([400, 401, 431].contains(&answer), "{answer}");
    for name in ["' OR '1'='1", "ann'--", "ann'; DROP TABLE users;--", "%", "a_n", "ann\\"] {
        let body = json!({"username": name, "password": PASSWORD});
        app.post("/auth/login", body).await.is_error(401, "invalid_credentials");
    }
    for (name, secret) in [
        (json!(null), json!(null)),
        (json!([]), json!({})),
        (json!("ann"), json!(null)),
        (json!("ann"), json!([])),
        (json!("ann"), json!({"$ne": ""})),
        (json!({"$gt": ""}), json!(PASSWORD)),
        (json!(true), json!(true)),
        (json!("ann\u{0}"), json!(PASSWORD)),
    ] {
        let body = json!({"username": name, "password": secret});
        app.post("/auth/login", body).await.is_error(422, "validation_error");
    }
    for header in ["x-user-id", "x-forwarded-user", "x-auth-user", "x-auth-token", "x-api-key", "cookie"] {
        let request = app.http.get(format!("{}/auth/me", app.url)).header(header, format!("{}", user.id));
        assert_eq!(request.send().await.unwrap().status(), 401, "{header}");
        let request = app.http.get(format!("{}/auth/me", app.url)).header(header, &user.token);
        assert_eq!(request.send().await.unwrap().status(), 401, "{header}");
    }
    let query = format!("/auth/me?access_token={}&token={}", user.token, user.token);
    assert_eq!(app.probe(&query).await.status, 401);
    user.get("/auth/me").await.ok();
}

/// Threat 34
async fn every_character_of_a_password_matters(store: Store) {
    let app = App::start(store).await;
    let long = "x".repeat(72);
    let password = format!("{long}a{}", "y".repeat(27));
    app.post("/auth/register", json!({"username": "ann", "password": password})).await.ok();
    app.post("/auth/login", json!({"username": "ann", "password": password})).await.ok();
    for other in [format!("{long}b{}", "y".repeat(27)), long, format!("{password} ")] {
        let body = json!({"username": "ann", "password": other});
        app.post("/auth/login", body).await.is_error(401, "invalid_credentials");
    }
    // A letter and an accent are the same as the letter with its accent.
    app.post("/auth/register", json!({"username": "zoe", "password": "p\u{e4}ssword"})).await.ok();
    app.post("/auth/login", json!({"username": "zoe", "password": "pa\u{308}ssword"})).await.ok();
    let longest = "ä".repeat(512);
    app.post("/auth/register", json!({"username": "bob", "password": longest})).await.ok();
    for path in ["/auth/register", "/auth/login"] {
        let body = json!({"username": "eve", "password": format!("{longest}x")});
        app.post(path, body).await.is_error(422, "validation_error");
        let body = json!({"username": "eve", "password": "x".repeat(1024 * 1024)});
        app.post(path, body).await.is_error(413, "payload_too_large");
    }
}

/// Threat 31
async fn a_wrong_password_and_a_missing_account_get_the_same_response(store: Store) {
    let app = App::start(store).await;
    app.user("ann").await;
    let mut seen = Vec::new();
    for name in ["ann", "nobody", "ann@example.com"] {
        let answer = app.post("/auth/login", json!({"username": name, "password": "wrong-password"})).await;
        answer.is_error(401, "invalid_credentials");
        let headers = answer.headers.iter().map(|(name, value)| match name.as_str() {
            // These differ from call to call.
            "x-request-id" | "date" | "ratelimit-remaining" | "ratelimit-reset" => name.to_string(),
            _ => format!("{name}: {value:?}"),
        });
        // The order of headers is not defined.
        let headers: std::collections::BTreeSet<String> = headers.collect();
        seen.push((answer.text.clone(), headers));
    }
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
}

/// Threat 29, Threat 30
async fn weak_secrets_refuse_to_start(store: Store) {
    let app = App::start(store).await;
    for name in ["JWT_SECRET", "SECRET_KEY"] {
        for secret in
            ["", "secret", "changeme", "your-secret-key", "your_secret_key", "short-but-random-8fk2"]
        {
            let mut command = app.command();
            command.env("ENVIRONMENT", "production").env("JWT_SECRET", "").env(name, secret);
            let output = command.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{name}={secret} starts");
            assert!(told.contains(name), "{name}={secret}: {told}");
            assert!(secret.len() < 8 || !told.contains(secret), "{name}: {told}");
        }
    }
}
