//! Input in the forms that clients and operators write, beside the documented ones: it is accepted, and kept in one form.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json, value::RawValue};
use testkit::PostgresServer;
use testkit::fake_llm::Figures;
use testkit::fake_llm::Reply;

use super::llm_chat::{answer_titles, chat, turn_calls};
use crate::support::persona_chat::held;
use crate::support::{App, JWT_SECRET, Store, change, on_both_stores, on_sqlite_alone, sql};

on_both_stores!(
    a_name_is_one_account_in_every_unicode_form,
    names_from_before_they_were_compared_in_one_form_are_found,
    images_are_kept_and_sent_on_in_one_form,
    the_number_of_a_conversation_names_it_in_a_body,
    a_model_name_may_begin_with_an_at_sign,
);
on_sqlite_alone!(
    times_of_tokens_may_have_fractions,
    whole_numbers_may_be_written_with_a_fraction_of_zero,
    max_tokens_has_its_documented_maximum,
    a_price_that_lacks_a_key_is_named_at_the_start,
);

/// `é` in one piece and in two.
const ONE: &str = "\u{e9}";
const TWO: &str = "e\u{301}";

/// C-21
async fn a_name_is_one_account_in_every_unicode_form(store: Store) {
    let app = App::start(store).await;
    let password = |accent: &str| format!("s{accent}same-password");
    let name = |accent: &str| format!("Ren{accent}");
    let registration = json!({"username": name(TWO), "password": password(TWO)});
    let made = app.post("/auth/register", registration).await.ok();
    assert_eq!(made["username"], name(ONE), "names are kept in one form");
    for written in [name(ONE), name(TWO), name(ONE).to_uppercase(), name(TWO).to_uppercase()] {
        for accent in [ONE, TWO] {
            let credentials = json!({"username": written, "password": password(accent)});
            let token = app.post("/auth/login", credentials).await.ok();
            let me = app.me(token["access_token"].as_str().unwrap()).await.ok();
            assert_eq!(me["id"], made["id"], "{written:?}");
        }
        let again = json!({"username": written, "password": "another-password"});
        app.post("/auth/register", again).await.is_error(400, "already_registered");
    }
    let plain = json!({"username": "Rene", "password": password(ONE)});
    app.post("/auth/login", plain).await.is_error(401, "invalid_credentials");

    // The address of a host with an umlaut.
    let address = |host: &str| format!("me@{host}.example");
    let (one, two) = (address("b\u{fc}cher"), address("bu\u{308}cher"));
    let made = app.post("/auth/register", json!({"email": two, "password": "password123"})).await.ok();
    assert_eq!((&made["email"], &made["username"]), (&json!(one), &json!(one)));
    for written in [&one, &two] {
        app.post("/auth/login", json!({"email": written, "password": "password123"})).await.ok();
        let again = json!({"email": written, "username": "other", "password": "password123"});
        app.post("/auth/register", again).await.is_error(400, "already_registered");
    }

    // The command line.
    for written in [name(ONE), name(TWO)] {
        let output = app.command().args(["token", "--user", &written]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let me = app.me(String::from_utf8(output.stdout).unwrap().trim()).await.ok();
        assert_eq!(me["username"], name(ONE));
    }
}

/// C-21
async fn names_from_before_they_were_compared_in_one_form_are_found(store: Store) {
    let mut app = App::start(store).await;
    let (ren, other) = (app.user(&format!("ren{ONE}")).await, app.user("other").await);
    // As an earlier version has stored them: the second in the form of the first, and as an account of its own.
    app.kill();
    let rename = |from: &str, to: &str| {
        change(&app, &format!("UPDATE omnichat.sign_in_names SET name = '{to}' WHERE name = '{from}'"));
    };
    rename(&format!("ren{ONE}"), &format!("ren{TWO}"));
    migrate_again(&app);
    app.start_again().await;
    let signed_in = async |name: String| {
        let body = app.post("/auth/login", json!({"username": name, "password": "password123"})).await.ok();
        app.me(body["access_token"].as_str().unwrap()).await.ok()["id"].as_i64().unwrap()
    };
    for form in [ONE, TWO] {
        assert_eq!(signed_in(format!("Ren{form}")).await, ren.id);
        let again = json!({"username": format!("ren{form}"), "password": "password123"});
        app.post("/auth/register", again).await.is_error(400, "already_registered");
    }
    let names = "SELECT name FROM omnichat.sign_in_names ORDER BY user_id";
    assert_eq!(sql(&app, names), [format!("ren{ONE}"), "other".to_owned()]);

    // Two accounts whose names become the same: each is found by its own form.
    app.kill();
    change(&app, &format!("UPDATE omnichat.sign_in_names SET name = 'ren{TWO}' WHERE name = 'other'"));
    migrate_again(&app);
    app.start_again().await;
    let signed_in = async |name: String| {
        let body = app.post("/auth/login", json!({"username": name, "password": "password123"})).await.ok();
        app.me(body["access_token"].as_str().unwrap()).await.ok()["id"].as_i64().unwrap()
    };
    assert_eq!(signed_in(format!("ren{ONE}")).await, ren.id);
    assert_eq!(signed_in(format!("ren{TWO}")).await, other.id);
}

/// Has the next start bring the names into one form. On SQLite every start does so.
fn migrate_again(app: &App) {
    if app.database_url.is_some() {
        change(app, "DELETE FROM omnichat._sqlx_migrations WHERE description = 'sign in names in nfc'");
    }
}

/// S0-25
async fn images_are_kept_and_sent_on_in_one_form(store: Store) {
    let app = App::start(store).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    // The bytes of a JPEG whose Base64 is `/9j/4AD7/74=`.
    let canonical = "data:image/jpeg;base64,/9j/4AD7/74=";
    let mut conversation = Value::Null;
    let written = [
        canonical,
        "data:image/jpg;base64,/9j/4AD7/74=",
        "data:IMAGE/JPEG;charset=utf-8;BASE64,/9j/4AD7/74=",
        "data:image/jpeg;base64,/9j/4AD7\r\n/74=\r\n",
        "data:image/jpeg;base64,/9j/4AD7/74",
        "data:image/jpeg;base64,_9j_4AD7_74",
        "data:image/jpeg;base64,%2F9j%2F4AD7%2F74%3D",
        "data:image/jpeg;base64, /9j/ 4AD7 /74=",
    ];
    for (turn, url) in written.into_iter().enumerate() {
        let input = json!([{"type": "image_url", "image_url": {"url": url}}]);
        let body = json!({"input": input, "conversation_id": conversation});
        conversation = chat(&user, body).await.ok()["conversation_id"].clone();
        // The earlier images come from the store.
        let call = turn_calls(&app).pop().unwrap();
        let messages = call.body["messages"].as_array().unwrap();
        let images = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
        let images: Vec<&str> = images.map(|part| part["image_url"]["url"].as_str().unwrap()).collect();
        assert_eq!(images, vec![canonical; turn + 1], "{url}");
    }
    let history = user.history(conversation.as_str().unwrap()).await;
    assert!(history.iter().step_by(2).all(|message| message == "user: [Image]"), "{history:?}");
    for url in [
        "data:image/jpeg;charset=utf-8,/9j/4AD7/74=",
        "data:image/jpeg;base64,/9j/4AD7/",
        "data:image/jpeg;base64,/9j/4AD7/74=!",
        "data:image/jpeg;base64,",
        "data:image/png;base64,/9j/4AD7/74=",
        "data:image/tiff;base64,/9j/4AD7/74=",
    ] {
        let input = json!([{"type": "image_url", "image_url": {"url": url}}]);
        chat(&user, json!({"input": input})).await.is_error(422, "validation_error");
    }
}

/// S0-11, C-3
async fn the_number_of_a_conversation_names_it_in_a_body(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    for written in [json!(1), json!(1.0), json!("1")] {
        let body = json!({"input": "hi", "conversation_id": written, "user_id": 7});
        let answer = chat(&user, body).await.ok();
        assert_eq!(answer["conversation_id"], "1", "the answer names it as a text");
    }
    let listed = user.get("/chat/conversations/1/messages").await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 6);
    // A label that is written as a number is its text.
    let begun = chat(&user, json!({"input": "hi", "user_id": 7})).await.ok();
    let made = user.post("/conversations", json!({"user_id": 7})).await.ok();
    assert_eq!(made["user_id"], "7");
    let listed = user.get("/conversations?user_id=7").await.ok();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[1]["id"], begun["conversation_id"]);

    let calls = app.llm.call_count();
    for unknown in [json!(999), json!(0), json!(9_007_199_254_740_991_u64)] {
        let body = json!({"input": "hi", "conversation_id": unknown});
        chat(&user, body).await.is_error(404, "conversation_not_found");
    }
    for wrong in
        [json!(1.5), json!(-1), json!(9_007_199_254_740_992_u64), json!(1e300), json!(true), json!([1])]
    {
        for field in ["conversation_id", "user_id"] {
            let answer = chat(&user, json!({"input": "hi", field: wrong})).await;
            answer.is_error(422, "validation_error");
            assert!(answer.text.contains(field), "{}", answer.text);
        }
    }
    assert_eq!(app.llm.call_count(), calls);
}

/// S1-24, S4-19, C-17
async fn a_model_name_may_begin_with_an_at_sign(store: Store) {
    const LLAMA: &str = "@cf/meta/llama-3.1-8b-instruct";
    let prices = format!("{{'{LLAMA}': {{input_per_1k: 1, output_per_1k: 2}}}}");
    let settings = [
        ("LLM_MODEL", LLAMA),
        ("OPENAI_MODEL", LLAMA),
        ("OMNICHAT_MODELS__ALLOW", &format!("{LLAMA},gpt-4o,gpt-4o-mini")),
        ("OMNICHAT_MODELS__PRICES", &prices),
        ("OMNICHAT_MODELS__WINDOWS", &format!("{LLAMA}=8000")),
    ];
    let app = App::start_with(store, &settings).await;
    answer_titles(&app);
    let user = held(&app).await;
    let figures = Figures { input: 1_000, cached: 0, output: 1_000, reasoning: 0, cost: None };
    app.llm.otherwise(Reply::text("Hello!").figures(figures));
    let answer = chat(&user, json!({"input": "hi", "model": LLAMA})).await.ok();
    assert_eq!((&answer["model"], &answer["cost"]), (&json!(LLAMA), &json!(3.0)));
    let sent = crate::support::persona_chat::send(&user, 1, "hi").await.ok();
    assert_eq!(sent["assistant_message"]["model_used"], LLAMA);
    let session = user.post("/v1/chat/sessions", json!({"model": LLAMA})).await.ok();
    assert_eq!(session["model"], LLAMA);
    let number = session["id"].clone();
    chat(&user, json!({"input": "hi", "conversation_id": number})).await.ok();
    assert!(turn_calls(&app).iter().all(|call| call.model() == LLAMA));
    for name in ["@", "@cf/@"] {
        let answer = chat(&user, json!({"input": "hi", "model": name})).await;
        assert_eq!(answer.status, 400, "it is well-formed and not allowed: {}", answer.text);
    }
    for name in ["@a..b", "-@cf/x", "@cf x"] {
        chat(&user, json!({"input": "hi", "model": name})).await.is_error(422, "validation_error");
    }
}

/// C-21
async fn times_of_tokens_may_have_fractions(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_AUTH__TRUSTED_ISSUERS", "https://trusted.example")]).await;
    let own = app.user("ann").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |exp: &str, more: &str| {
        let claims = format!(r#"{{"sub":"1","exp":{exp},"nbf":{now}.25,"iat":{now}.5{more}}}"#);
        let claims: Box<RawValue> = serde_json::from_str(&claims).unwrap();
        let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
    };
    let later = now + 600;
    let (tenths, floats) = (format!("{later}0e-1"), format!("{later}.0"));
    for exp in [format!("{later}.5"), floats, tenths, "4.1e9".to_owned()] {
        let me = app.me(&token(&exp, r#","iss":"omnichat""#)).await.ok();
        assert_eq!(me["id"], own.id, "{exp}");
        app.me(&token(&exp, r#","iss":"https://trusted.example""#)).await.ok();
        app.me(&token(&exp, "")).await.ok();
    }
    for exp in ["1e300", "-1.5", "\"4.1e9\"", "null", "true", "[4.1e9]"] {
        app.me(&token(exp, r#","iss":"omnichat""#)).await.is_error(401, "invalid_token");
    }
    let before = format!("{}.75", now - 60);
    app.me(&token(&before, r#","iss":"omnichat""#)).await.is_error(401, "token_expired");
}

/// S0-16, S4-10
async fn whole_numbers_may_be_written_with_a_fraction_of_zero(store: Store) {
    let app = App::start(store).await;
    answer_titles(&app);
    let user = held(&app).await;
    chat(&user, json!({"input": "hi", "max_tokens": 1000.0})).await.ok();
    assert_eq!(turn_calls(&app).pop().unwrap().body["max_tokens"], 1000);
    let body = json!({"title": "Chess", "persona_id": 1.0});
    assert_eq!(user.post("/chat/conversations", body).await.ok()["persona_id"], 1);
    for body in [json!({"title": "Chess", "persona_id": 1.5}), json!({"title": "Chess", "persona_id": "1"})] {
        user.post("/chat/conversations", body).await.is_error(422, "validation_error");
    }
}

/// S0-16, S4-27
async fn max_tokens_has_its_documented_maximum(store: Store) {
    let app = App::start(store).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    chat(&user, json!({"input": "hi", "max_tokens": i32::MAX})).await.ok();
    assert_eq!(turn_calls(&app).pop().unwrap().body["max_tokens"], i32::MAX);
    let calls = app.llm.call_count();
    for max_tokens in [json!(1_u64 << 31), json!(u32::MAX), json!(1_u64 << 32), json!(1e300), json!(0)] {
        for stream in [true, false] {
            let body = json!({"input": "hi", "max_tokens": max_tokens, "stream": stream});
            let answer = chat(&user, body).await;
            answer.is_error(422, "validation_error");
            assert!(answer.text.contains("max_tokens"), "{}", answer.text);
        }
    }
    assert_eq!(app.llm.call_count(), calls);
    let output = app.command().env("OPENAI_MAX_TOKENS", "2147483648").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("OPENAI_MAX_TOKENS"), "{told}");
}

async fn a_price_that_lacks_a_key_is_named_at_the_start(store: Store) {
    let app = App::start(store).await;
    let output = app.command().env("OMNICHAT_MODELS__PRICES", "{gpt-x: {input_per_1k: 1}}").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it starts");
    for word in ["OMNICHAT_MODELS__PRICES", "gpt-x", "output_per_1k"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

/// S2-5
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_reached_by_its_ipv6_address() {
    let first = App::start(Store::Postgres).await;
    first.user("ann").await;
    let url = first.database_url.clone().unwrap();
    let url = PostgresServer::shared().over_ipv6(&url).replace("postgres://", "postgresql://");
    let mut app = App::over(Some(url), first.llm.clone(), &[]);
    app.start_again().await;
    app.post("/auth/login", json!({"username": "ann", "password": "password123"})).await.ok();
    answer_titles(&app);
    let user = app.user("bob").await;
    chat(&user, json!({"input": "hi"})).await.ok();
    for (url, problem) in [
        ("postgresql://ann:canary@[::1:5432/db", "IPv6"),
        ("postgresql://ann:canary@[fe80::1%25eth0]:5432/db", "IPv6"),
        ("postgresql://ann:canary@localhost:port/db", "port"),
    ] {
        let output = app.command().env("DATABASE_URL", url).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && told.contains("DATABASE_URL") && told.contains(problem),
            "{told}"
        );
        assert!(!told.contains("canary"), "{told}");
    }
}
