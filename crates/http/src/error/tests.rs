mod codes;

use actix_web::body::to_bytes;
use domain::{Failure, FailureKind};
use serde_json::{Value, json};
use services::{ConversationsError, SendError, TurnFailure};

use super::*;

async fn shown(error: ApiError, contract: Contract) -> (u16, Option<String>, Value) {
    let response = error.to_response(&Rules::new(contract));
    let retry_after =
        response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap_or_default().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, retry_after, serde_json::from_slice(&body).unwrap())
}

fn failed(kind: FailureKind) -> ApiError {
    TurnFailure::Failed(Failure::from(kind)).into()
}

#[actix_web::test]
async fn the_body_has_the_keys_of_all_contracts() {
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
async fn a_request_that_the_provider_rejects_or_limits_has_one_status_in_every_contract() {
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
async fn another_users_conversation_is_404_in_every_contract_but_s4() {
    let foreign = || ApiError::from(ConversationsError::Foreign);
    let absent = shown(ConversationsError::NotFound.into(), Contract::LlmChat).await;
    assert_eq!(shown(foreign(), Contract::LlmChat).await, absent);
    assert_eq!(shown(foreign(), Contract::PersonaChat).await.0, 403);
    let session = shown(foreign(), Contract::ChatApi).await;
    assert_eq!(session, shown(ConversationsError::NotFound.into(), Contract::ChatApi).await);
    assert_eq!((session.0, session.2["detail"].as_str()), (404, Some("Chat session not found")));
}

#[actix_web::test]
async fn an_invalid_field_is_422_or_400_by_the_rules_of_the_endpoint() {
    let error = || {
        ApiError::from(FieldError { param: Some("title".to_owned()), message: "title is required".into() })
    };
    let (status, _, body) = shown(error(), Contract::LlmChat).await;
    assert_eq!((status, body["error"]["param"].as_str()), (422, Some("title")));
    let rules = Rules { bad_field: StatusCode::BAD_REQUEST, ..Rules::new(Contract::ChatApi) };
    assert_eq!(error().to_response(&rules).status(), 400);
}

#[test]
fn pauses_are_rounded_up_to_whole_seconds() {
    assert_eq!(seconds(Duration::ZERO), 1);
    assert_eq!(seconds(Duration::from_millis(1_001)), 2);
    assert_eq!(seconds(Duration::from_secs(7)), 7);
}
