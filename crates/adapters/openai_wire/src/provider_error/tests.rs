use std::error::Error;

use domain::FailureKind;
use ports::Retry;

use super::*;

fn error_of_response(status: u16, body: &str) -> ModelError {
    from_response(&ErrorResponse { status, retry_after: None, body }, &Redaction::new("canary"))
}

#[test]
fn every_status_has_a_class() {
    for (status, failure) in [
        (400, FailureKind::Rejected),
        (401, FailureKind::Unauthorized),
        (402, FailureKind::Unauthorized),
        (403, FailureKind::Unauthorized),
        (404, FailureKind::Rejected),
        (408, FailureKind::Unavailable),
        (413, FailureKind::Rejected),
        (422, FailureKind::Rejected),
        (429, FailureKind::RateLimited),
        (500, FailureKind::Unavailable),
        (503, FailureKind::Unavailable),
        (529, FailureKind::RateLimited),
        (301, FailureKind::Broken),
        (204, FailureKind::Broken),
    ] {
        for body in ["", "{}", "<html>", r#"{"error":{"message":"no"}}"#] {
            assert_eq!(error_of_response(status, body).failure(), failure, "{status} {body}");
        }
    }
}

#[test]
fn input_that_is_too_long_has_a_class_of_its_own() {
    let coded =
        r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
    let worded =
        r#"{"error":{"code":400,"message":"This endpoint's maximum context length is 8192 tokens."}}"#;
    for body in [coded, worded] {
        assert!(matches!(error_of_response(400, body), ModelError::TooLong(_)));
    }
}

#[test]
fn a_moderated_request_is_rejected() {
    let body = r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}"#;
    assert!(matches!(error_of_response(403, body), ModelError::Rejected(_)));
}

#[test]
fn a_used_up_quota_is_not_retried() {
    let body = r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let error = error_of_response(429, body);
    assert_eq!((error.retry(), error.failure()), (Retry::Never, FailureKind::Unauthorized));
}

#[test]
fn the_pause_of_the_provider_is_used() {
    let pause = Some(Duration::from_secs(7));
    let error =
        from_response(&ErrorResponse { status: 429, retry_after: pause, body: "" }, &Redaction::default());
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
}

#[test]
fn the_message_of_the_provider_is_only_for_logs_and_without_keys() {
    let body =
        r#"{"error":{"message":"Incorrect API key provided: canary, sk-abc123","code":"invalid_api_key"}}"#;
    let error = error_of_response(401, body);
    assert_eq!(error.to_string(), "the provider refused the key");
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "status 401: invalid_api_key, Incorrect API key provided: [hidden], [hidden]");
    assert!(!format!("{error:?}").contains("canary"));
    assert!(!error_of_response(500, "<b>canary</b>").source().unwrap().to_string().contains("canary"));
}

#[test]
fn every_form_of_an_error_has_the_class_that_it_names() {
    let redaction = Redaction::default();
    for (error, failure) in [
        (r#"{"error":{"code":502,"message":"down"}}"#, FailureKind::Unavailable),
        (r#"{"error":{"code":"429","message":"slow"}}"#, FailureKind::RateLimited),
        (r#"{"error":{"code":400,"type":"BadRequestError"}}"#, FailureKind::Rejected),
        (r#"{"error":{"code":"rate_limit_exceeded"}}"#, FailureKind::RateLimited),
        (r#"{"error":{"type":"server_error","code":null}}"#, FailureKind::Unavailable),
        (r#"{"error":{"code":"context_length_exceeded"}}"#, FailureKind::Rejected),
        (r#"{"error":{"code":"image_too_large"}}"#, FailureKind::Rejected),
        (r#"{"error":"words alone"}"#, FailureKind::Broken),
        (r#"{"error":"Rate limit exceeded"}"#, FailureKind::RateLimited),
        (r#"{"error":"no","status":503}"#, FailureKind::Unavailable),
        (r#"{"error":"no","status_code":"401"}"#, FailureKind::Unauthorized),
        (r#"{"error":{"message":"no"},"http_status":429.0}"#, FailureKind::RateLimited),
        (r#"{"error":true,"message":"Service Unavailable"}"#, FailureKind::Unavailable),
        (r#"{"error":{"error":{"type":"overloaded_error"}}}"#, FailureKind::RateLimited),
        (r#"{"error":{"message":"?"}}"#, FailureKind::Broken),
        (r#"{"error":{"message":"Request failed with status code 429"}}"#, FailureKind::RateLimited),
        (r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#, FailureKind::Unavailable),
        (r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]"#, FailureKind::RateLimited),
        (r#"{"error":{"status":"INVALID_ARGUMENT"}}"#, FailureKind::Rejected),
        (r#"{"detail":"Too Many Requests"}"#, FailureKind::RateLimited),
        (r#"{"detail":[{"loc":["body"],"msg":"no"}],"status":422}"#, FailureKind::Rejected),
        (r#"{"message":"Unauthorized"}"#, FailureKind::Unauthorized),
        (r#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#, FailureKind::Rejected),
        (r#"{"type":"error","error":{"type":"overloaded_error"}}"#, FailureKind::RateLimited),
        (r#"{"type":"error","code":"rate_limit_exceeded"}"#, FailureKind::RateLimited),
        (
            r#"{"success":false,"errors":[{"code":1,"message":"Internal Server Error"}]}"#,
            FailureKind::Unavailable,
        ),
        (r#"{"success":false}"#, FailureKind::Broken),
        (r#"{"errors":[{"code":10000,"message":"Authentication error"}]}"#, FailureKind::Unauthorized),
        (r#"{"code":429,"msg":"slow"}"#, FailureKind::RateLimited),
        ("429 Too Many Requests", FailureKind::RateLimited),
        (r#""Internal Server Error""#, FailureKind::Unavailable),
        ("<html>502 Bad Gateway</html>", FailureKind::Unavailable),
        ("words alone", FailureKind::Broken),
        ("", FailureKind::Broken),
        ("7", FailureKind::Broken),
        ("null", FailureKind::Broken),
    ] {
        assert_eq!(from_stray_text(error, false, &redaction).failure(), failure, "{error}");
        let after = if failure == FailureKind::Unavailable { FailureKind::Broken } else { failure };
        assert_eq!(from_stray_text(error, true, &redaction).failure(), after, "{error}, after a delta");
    }
}

#[test]
fn the_words_of_every_form_are_logged() {
    let redaction = Redaction::new("canary");
    for (error, words) in [
        (r#"{"error":{"message":"no canary","type":"t","code":7}}"#, "t, 7, no [hidden]"),
        (r#"{"error":"no"}"#, "no"),
        (r#"{"error":"no","status":503}"#, "503, no"),
        (r#"{"detail":"no"}"#, "no"),
        (r#"{"detail":[{"loc":["body","x"],"msg":"no"},{"msg":"nor"}]}"#, "body.x: no; nor"),
        (r#"{"success":false,"errors":[{"code":7003,"message":"no route"}]}"#, "no route"),
        (
            r#"[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]"#,
            "429, RESOURCE_EXHAUSTED, slow",
        ),
        (
            r#"{"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"it is full"}}}"#,
            "502, Provider returned error, it is full",
        ),
        (r#"{"error":{"message":"\ud83d no"}}"#, "\u{fffd} no"),
        ("the canary died", "the [hidden] died"),
    ] {
        let error_in_log = from_stray_text(error, false, &redaction).source().unwrap().to_string();
        assert_eq!(error_in_log, format!("in the stream: {words}"), "{error}");
    }
}

#[test]
fn a_json_body_with_status_200_may_contain_an_error() {
    let redaction = Redaction::default();
    let body = r#"{"error":{"code":429,"message":"slow down"}}"#;
    assert_eq!(from_json_body(body, &redaction).failure(), FailureKind::RateLimited);
    for body in
        ["", "{}", "[]", r#"{"choices":[]}"#, r#"{"error":null}"#, r#"{"error":{}}"#, r#"{"error":""}"#]
    {
        assert_eq!(from_json_body(body, &redaction).failure(), FailureKind::Broken, "{body}");
    }
}
