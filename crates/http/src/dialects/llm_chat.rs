//! Contract S0, the LLM Chat API: `POST /chat`. Its other endpoints are in `conversations`.

mod doc;
mod image;
mod request;
mod response;
mod stream;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::Data;
use domain::Contract::LlmChat;
use services::{Limits, Turns};

use crate::HttpSettings;
use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::extract::{Authenticated, JsonBody};
use crate::rate_limit::PendingCall;
use crate::rules::JsonLimit;
use crate::stream::respond;
use request::{Chat, ChatRequest};
use response::ChatBody;
use stream::ChatEvents;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(LlmChat, Method::POST, "/chat", chat, doc::chat).json_limit(JsonLimit::Images)]
}

/// `POST /chat`
async fn chat(
    request: HttpRequest,
    caller: Authenticated,
    turns: Data<Turns>,
    limits: Data<Limits>,
    settings: Data<HttpSettings>,
    body: JsonBody<ChatRequest>,
) -> HandlerResult {
    let wants_stream = body.0.wants_stream();
    let Chat { message, label, form } = body.0.into_command(&settings)?;
    let call = PendingCall::chat(&limits, &caller.0, label.as_ref()).await?;
    let (mut turn, headers) = call.settle(turns.send(&caller.0, message).await).await?;
    let id = form.id_of(&turn.conversation);
    let headers = headers.and_turn(turn.turn()).and_conversation(&id);
    if wants_stream {
        let first = turn.first_event(turns.first_event_grace()).await;
        first.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
        let encoder = ChatEvents::new(&turn, id);
        return Ok(respond(&request, headers.ok(), turn.into_listener(), encoder));
    }
    let answer = turn.whole().await.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
    Ok(headers.ok().json(ChatBody::new(&answer, id)))
}
