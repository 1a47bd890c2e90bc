//! Rate limits in responses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::test::TestRequest;
use ports::{Bucket, Decision, LimiterError, MockRateLimiter, ModelError, Reservation, SignInRecord};
use serde_json::json;

use crate::support::{Setup, Step, UUID, post, setup, start, user};

/// The calls of a limiter: what was taken, and what was given back.
#[derive(Debug, Default)]
struct Seen {
    taken: Vec<(String, u32)>,
    given_back: Vec<String>,
}

/// A limiter that allows all calls except those of the bucket `closed`.
fn limiter(closed: &'static str) -> (MockRateLimiter, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut limiter = MockRateLimiter::new();
    let taken = Arc::clone(&seen);
    limiter.expect_take().returning(move |Bucket { key, limit }| {
        taken.lock().unwrap().taken.push((key.clone(), limit));
        let remaining = if key == closed { 0 } else { limit - 1 };
        let reservation = (key != closed).then_some(Reservation { key, number: 1 });
        Ok(Decision { reservation, remaining, reset_after: Duration::from_millis(30_001) })
    });
    let given_back = Arc::clone(&seen);
    limiter.expect_give_back().returning(move |reservation| {
        given_back.lock().unwrap().given_back.push(reservation.key);
        Ok(())
    });
    (limiter, seen)
}

fn with_limiter(setup: Setup, closed: &'static str) -> (Setup, Arc<Mutex<Seen>>) {
    let (limiter, seen) = limiter(closed);
    (Setup { limiter, ..setup }, seen)
}

fn working() -> Setup {
    setup().with_working_turns(vec![Step::Say("Hi"), Step::Usage, Step::Finish])
}

/// All requests that send a message, except that of S4.
fn sends() -> [(String, serde_json::Value, &'static str); 3] {
    [
        ("/chat".to_owned(), json!({"input": "Hi"}), "10"),
        (format!("/conversations/{UUID}/messages"), json!({"content": "Hi"}), "60"),
        (format!("/conversation/completion/{UUID}"), json!({"message": "Hi", "stream": true}), "60"),
    ]
}

#[actix_web::test]
async fn responses_say_what_is_left_of_the_limit() {
    let (setup, seen) = with_limiter(working(), "");
    let app = start(setup).await;
    for (path, body, limit) in sends() {
        let answer = app.call(post(&path, body)).await;
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, limit), "{path}");
        let left = limit.parse::<u32>().unwrap() - 1;
        assert_eq!(answer.header("ratelimit-remaining"), left.to_string());
        assert_eq!(answer.header("ratelimit-reset"), "31");
    }
    let of_label = app.call(post("/chat", json!({"input": "Hi", "user_id": "user1"}))).await;
    assert_eq!(of_label.status, 200);
    let seen = seen.lock().unwrap();
    let model = || ("model:1".to_owned(), 60);
    let chat = |label: &str| (format!("chat:1:{label}"), 10);
    assert_eq!(seen.taken, [chat("1"), model(), model(), model(), chat("user1"), model()]);
    assert!(seen.given_back.is_empty());
}

#[actix_web::test]
async fn a_call_over_the_limit_is_429_with_retry_after() {
    for closed in ["chat:1:1", "model:1"] {
        let (setup, seen) = with_limiter(setup(), closed);
        let app = start(setup).await;
        for (path, body, _) in sends() {
            if closed.starts_with("chat") && path != "/chat" {
                continue;
            }
            let answer = app.call(post(&path, body)).await;
            assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limit_exceeded"), "{path}");
            assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
            assert_eq!((answer.header("retry-after"), answer.header("ratelimit-reset")), ("31", "31"));
            assert_eq!(answer.header("ratelimit-remaining"), "0");
        }
        // A call takes from all its buckets or from none.
        let given_back = &seen.lock().unwrap().given_back;
        assert_eq!(given_back.iter().any(|key| key == "chat:1:1"), closed == "model:1");
    }
}

#[actix_web::test]
async fn a_call_that_reaches_no_model_does_not_count() {
    let mut refusing = setup();
    refusing.turns.expect_begin().returning(|_| Err(ports::BeginError::NotFound));
    let (refusing, seen) = with_limiter(refusing, "");
    let app = start(refusing).await;
    let body = json!({"input": "Hi", "conversation_id": UUID});
    let answer = app.call(post("/chat", body)).await;
    assert_eq!((answer.status, answer.header("ratelimit-remaining")), (404, "10"));
    assert_eq!(seen.lock().unwrap().given_back, ["chat:1:1", "model:1"]);
    let answer = app.call(post(&format!("/conversations/{UUID}/messages"), json!({"content": "Hi"}))).await;
    assert_eq!((answer.status, answer.header("ratelimit-remaining")), (404, "60"));
    assert_eq!(seen.lock().unwrap().given_back.len(), 3);
    // An invalid request does not ask the limiter.
    let taken = seen.lock().unwrap().taken.len();
    for body in [json!({"input": ""}), json!({"input": "Hi", "conversation_id": "nonsense!"})] {
        assert!(app.call(post("/chat", body)).await.status >= 400);
    }
    assert_eq!(seen.lock().unwrap().taken.len(), taken);
}

#[actix_web::test]
async fn a_call_counts_even_if_the_provider_fails() {
    let failing = setup().with_working_turns(vec![Step::Fail(|| ModelError::TimedOut)]);
    let (failing, seen) = with_limiter(failing, "");
    let app = start(failing).await;
    let answer = app.call(post("/chat", json!({"input": "Hi"}))).await;
    assert_eq!((answer.status, answer.header("ratelimit-remaining")), (502, "9"));
    assert_eq!(answer.header("x-turn-id").len(), 36);
    assert!(seen.lock().unwrap().given_back.is_empty());
}

#[actix_web::test]
async fn without_a_limiter_all_calls_are_allowed() {
    let mut setup = working();
    setup.limiter = MockRateLimiter::new();
    setup.limiter.expect_take().returning(|_| Err(LimiterError("away".into())));
    let app = start(setup).await;
    let answer = app.call(post("/chat", json!({"input": "Hi"}))).await;
    assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, ""));
}

fn login(peer: &str, forwarded: &[&str]) -> TestRequest {
    let request = TestRequest::post().uri("/auth/login").peer_addr(format!("{peer}:5000").parse().unwrap());
    forwarded
        .iter()
        .fold(request, |request, line| request.append_header(("x-forwarded-for", *line)))
        .set_json(json!({"username": "alice@example.com", "password": "password123"}))
}

#[actix_web::test]
async fn sign_ins_are_counted_by_address() {
    let mut setup = setup();
    setup
        .users
        .expect_find_for_sign_in()
        .returning(|_| Ok(Some(SignInRecord { user: user(1), password_hash: Some("hash".to_owned()) })));
    setup.hasher.expect_verify().times(1).returning(|_, _| Ok(true));
    setup.hasher.expect_verify().returning(|_, _| Ok(false));
    setup.settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let (setup, seen) = with_limiter(setup, "sign-in:6.6.6.6");
    let app = start(setup).await;
    let right = app.call(login("1.1.1.1", &["9.9.9.9"])).await;
    assert_eq!((right.status, right.header("ratelimit-remaining")), (200, "19"));
    let wrong = app.call(login("10.0.0.1", &["9.9.9.9, 2.2.2.2", "10.0.0.2"])).await;
    assert_eq!((wrong.status, wrong.header("ratelimit-remaining")), (401, "19"));
    let early = app.call(login("10.0.0.1", &["6.6.6.6"])).await;
    assert_eq!((early.status, early.code().as_str()), (429, "rate_limit_exceeded"));
    let register = TestRequest::post().uri("/auth/register").peer_addr("6.6.6.6:1".parse().unwrap());
    let register = register.set_json(json!({"username": "bob", "password": "password123"}));
    assert_eq!(app.call(register).await.status, 429);
    let broken = TestRequest::post().uri("/auth/login").set_json(json!({"username": "bob"}));
    assert_eq!(app.call(broken).await.status, 422);
    let addresses = ["1.1.1.1", "2.2.2.2", "6.6.6.6", "6.6.6.6"];
    let expected: Vec<_> = addresses.map(|address| (format!("sign-in:{address}"), 20)).into();
    assert_eq!(seen.lock().unwrap().taken, expected);
    assert!(seen.lock().unwrap().given_back.is_empty());
}
