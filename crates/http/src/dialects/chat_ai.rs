//! Contract S3, the `ChatAI` API: `/conversation`.

mod doc;
mod request;
mod response;
mod stream;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::Contract;
use domain::Contract::ChatAi;
use services::{ConversationFilter, Conversations, Limits, NewConversationRequest, Turns};

use crate::HttpSettings;
use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::extract::{Authenticated, ConversationPath, JsonBody, ListQuery, QueryParams};
use crate::rate_limit::PendingCall;
use crate::stream::{LIST, respond, respond_json};
use request::CompletionRequest;
use response::{ConversationBody, ReplyBody};
use stream::PlainText;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(ChatAi, Method::POST, "/conversation", create, doc::create),
        Endpoint::new(ChatAi, Method::GET, "/conversation", list, doc::list),
        Endpoint::new(ChatAi, Method::POST, "/conversation/completion/{id}", complete, doc::complete),
    ]
}

/// `POST /conversation`. A body is not read.
async fn create(caller: Authenticated, conversations: Data<Conversations>) -> HandlerResult {
    let new = NewConversationRequest::plain(Contract::ChatAi);
    let conversation = conversations.create(&caller.0, new).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::empty(&conversation)))
}

/// `GET /conversation`
async fn list(
    request: HttpRequest,
    caller: Authenticated,
    conversations: Data<Conversations>,
    query: QueryParams<ListQuery>,
) -> HandlerResult {
    let filter = ConversationFilter::default();
    let found = conversations.list_with_messages(&caller.0, filter, query.0.page()).await?;
    respond_json(&request, HttpResponse::Ok(), &LIST, found, response::write_piece).await
}

/// `POST /conversation/completion/{id}`
async fn complete(
    request: HttpRequest,
    caller: Authenticated,
    turns: Data<Turns>,
    limits: Data<Limits>,
    settings: Data<HttpSettings>,
    path: ConversationPath,
    body: JsonBody<CompletionRequest>,
) -> HandlerResult {
    let wants_stream = body.0.wants_stream();
    let message = body.0.into_command(path.key, &settings)?;
    let call = PendingCall::model(&limits, &caller.0).await?;
    let (mut turn, headers) = call.settle(turns.send(&caller.0, message).await).await?;
    let headers = headers.and_turn(turn.turn());
    if wants_stream {
        let first = turn.first_event(turns.first_event_grace()).await;
        first.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
        return Ok(respond(&request, headers.ok(), turn.into_listener(), PlainText::default()));
    }
    let answer = turn.whole().await.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
    Ok(headers.ok().json(ReplyBody::from(&answer)))
}
