mod codes;

use actix_web::body::to_bytes;
use domain::{Failure, FailureKind};
use serde_json::{Value, json};
use services::{ConversationsError, SendError, TurnFailure};

use super::*;

async fn shown(error: ApiError, contract: Contract) -> (u16, Option<String>, Value) {
    let answer = error.answer(&Rules::of(contract));
    let retry_after =
        answer.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap_or_default().to_owned());
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body()).await.unwrap();
    (status, retry_after, serde_json::from_slice(&body).unwrap())
}

fn failed(kind: FailureKind) -> ApiError {
    TurnFailure::Failed(Failure::from(kind)).into()
}

#[actix_web::test]
async fn both_families_of_clients_find_their_key() {
    let (status, retry_after, body) =
        shown(SendError::Busy { retry_after: Duration::from_millis(1) }.into(), Contract::ChatService).await;
    let message = "A turn is running in the conversation, try again when it has ended";
    assert_eq!(status, 409);
    assert_eq!(retry_after.as_deref(), Some("1"));
    assert_eq!(
        body,
        json!({"detail": message, "error":
            {"message": message, "type": "conflict_error", "code": "conversation_busy"}})
    );
}

#[actix_web::test]
async fn a_failing_provider_is_502_but_500_in_s1_and_s4() {
    for kind in [FailureKind::Unauthorized, FailureKind::TimedOut, FailureKind::Unavailable] {
        for contract in [Contract::LlmChat, Contract::ChatService, Contract::ChatAi] {
            assert_eq!(shown(failed(kind), contract).await.0, 502);
        }
        for contract in [Contract::ChatApi, Contract::PersonaChat] {
            let (status, _, body) = shown(failed(kind), contract).await;
            assert_eq!((status, body["error"]["type"].as_str()), (500, Some("upstream_error")));
        }
    }
}

#[actix_web::test]
async fn what_the_provider_refuses_or_limits_keeps_its_status_in_every_contract() {
    for contract in [Contract::LlmChat, Contract::ChatApi, Contract::PersonaChat] {
        assert_eq!(shown(failed(FailureKind::Rejected), contract).await.0, 400);
        let (status, retry_after, body) = shown(failed(FailureKind::RateLimited), contract).await;
        assert_eq!((status, retry_after.as_deref()), (429, Some("1")));
        assert_eq!(body["error"]["code"], "upstream_rate_limited");
        let (status, retry_after, _) = shown(failed(FailureKind::NotConfigured), contract).await;
        assert_eq!((status, retry_after.as_deref()), (503, Some("1")));
    }
}

#[actix_web::test]
async fn what_is_somebody_elses_is_not_found_but_for_s4() {
    let foreign = || ApiError::from(ConversationsError::Foreign);
    let absent = shown(ConversationsError::NotFound.into(), Contract::LlmChat).await;
    assert_eq!(shown(foreign(), Contract::LlmChat).await, absent);
    assert_eq!(shown(foreign(), Contract::PersonaChat).await.0, 403);
    let session = shown(foreign(), Contract::ChatApi).await;
    assert_eq!(session, shown(ConversationsError::NotFound.into(), Contract::ChatApi).await);
    assert_eq!((session.0, session.2["detail"].as_str()), (404, Some("Chat session not found")));
}

#[actix_web::test]
async fn a_bad_field_is_422_or_400_as_the_route_says() {
    let error = || {
        ApiError::from(FieldError { param: Some("title".to_owned()), message: "title is required".into() })
    };
    let (status, _, body) = shown(error(), Contract::LlmChat).await;
    assert_eq!((status, body["error"]["param"].as_str()), (422, Some("title")));
    let rules = Rules { bad_field: StatusCode::BAD_REQUEST, ..Rules::of(Contract::ChatApi) };
    assert_eq!(error().answer(&rules).status(), 400);
}

#[test]
fn pauses_are_whole_seconds_and_never_too_early() {
    assert_eq!(seconds(Duration::ZERO), 1);
    assert_eq!(seconds(Duration::from_millis(1_001)), 2);
    assert_eq!(seconds(Duration::from_secs(7)), 7);
}
