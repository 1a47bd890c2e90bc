//! Contract S1, the Chat API: `/v1/chat/*` and `/api/chat/*`. A session is a conversation, named by its number.

mod doc;
mod request;
mod response;
mod stream;

use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::Contract::ChatApi;
use domain::{ConversationKey, ConversationNumber, ConversationPatch};
use services::{Conversations, Files, Limits, MessageQuery, Turns};

use crate::HttpSettings;
use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::extract::{Authenticated, FileForm, JsonBody, NumberPath, QueryParams};
use crate::rate_limit::PendingCall;
use crate::rules::JsonLimit;
use crate::stream::{JsonWriter, respond, respond_json};
use crate::wire::DoneMessage;
use request::{CreateRequest, HistoryQuery, StreamRequest, SwitchRequest};
use response::{HistoryBody, ReplyBody, SessionBody, SwitchedBody, UploadedBody};
use stream::BareText;

/// The limit of a body with messages: transcripts and documents are sent there (C-37).
const STREAM_LIMIT: JsonLimit = JsonLimit::Bytes(8 * 1024 * 1024);

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(ChatApi, Method::POST, "/v1/chat/stream", stream, doc::stream)
            .bad_field(StatusCode::BAD_REQUEST)
            .json_limit(STREAM_LIMIT),
        Endpoint::new(ChatApi, Method::POST, "/v1/chat/sessions", create, doc::create)
            .bad_field(StatusCode::BAD_REQUEST),
        Endpoint::new(ChatApi, Method::POST, "/v1/chat/switch-model", switch_model, doc::switch_model)
            .bad_field(StatusCode::BAD_REQUEST),
        Endpoint::new(ChatApi, Method::GET, "/v1/chat/history", history, doc::history)
            .bad_field(StatusCode::BAD_REQUEST),
        Endpoint::new(ChatApi, Method::DELETE, "/v1/chat/sessions/{session_id}", delete, doc::delete)
            .bad_field(StatusCode::BAD_REQUEST),
        Endpoint::new(ChatApi, Method::POST, "/api/chat/sessions/{session_id}/upload", upload, doc::upload),
    ]
}

/// `POST /v1/chat/stream`
async fn stream(
    request: HttpRequest,
    caller: Authenticated,
    turns: Data<Turns>,
    limits: Data<Limits>,
    body: JsonBody<StreamRequest>,
) -> HandlerResult {
    let wants_stream = body.0.wants_stream();
    let message = body.0.into_command()?;
    let call = PendingCall::model(&limits, &caller.0).await?;
    let (mut turn, headers) = call.settle(turns.send(&caller.0, message).await).await?;
    let headers = headers.and_turn(turn.turn()).and_session(turn.conversation.number, &turn.model);
    if wants_stream {
        let first = turn.first_event(turns.first_event_grace()).await;
        first.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
        return Ok(respond(&request, headers.ok(), turn.into_listener(), BareText::default()));
    }
    let answer = turn.whole().await.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
    Ok(headers.ok().json(ReplyBody::from(&answer)))
}

/// `POST /v1/chat/sessions`
async fn create(
    caller: Authenticated,
    conversations: Data<Conversations>,
    settings: Data<HttpSettings>,
    body: JsonBody<CreateRequest>,
) -> HandlerResult {
    let conversation = conversations.create(&caller.0, body.0.into_command()?).await?;
    Ok(HttpResponse::Ok().json(SessionBody::empty(&conversation, &settings.default_models)))
}

/// `POST /v1/chat/switch-model`. A running turn keeps its model.
async fn switch_model(
    request: HttpRequest,
    caller: Authenticated,
    conversations: Data<Conversations>,
    settings: Data<HttpSettings>,
    body: JsonBody<SwitchRequest>,
) -> HandlerResult {
    let (session, model) = body.0.into_command()?;
    let patch = ConversationPatch { model: Some(model), ..ConversationPatch::default() };
    let conversation = conversations.patch(&caller.0, session.into(), patch).await?;
    let messages = conversations.messages(&caller.0, conversation.id.into(), MessageQuery::default()).await?;
    let body = SwitchedBody::empty(&conversation, &settings.default_models);
    let write = |json: &mut JsonWriter, message| response::write_message(json, &message);
    respond_json(&request, HttpResponse::Ok(), &body, messages, write).await
}

/// `GET /v1/chat/history`
async fn history(
    request: HttpRequest,
    caller: Authenticated,
    conversations: Data<Conversations>,
    settings: Data<HttpSettings>,
    query: QueryParams<HistoryQuery>,
) -> HandlerResult {
    let (filter, page) = (query.0.filter(&settings.default_models)?, query.0.page());
    let (found, total) = conversations.list_with_total(&caller.0, filter, page.rows()).await?;
    let sessions = conversations.with_messages(&caller.0, found);
    let body = HistoryBody { total, page: page.number, page_size: page.size, sessions: Vec::new() };
    let write =
        move |json: &mut JsonWriter, piece| response::write_piece(json, piece, &settings.default_models);
    respond_json(&request, HttpResponse::Ok(), &body, sessions, write).await
}

/// `DELETE /v1/chat/sessions/{session_id}`. The session is deleted for good.
async fn delete(
    caller: Authenticated,
    conversations: Data<Conversations>,
    path: NumberPath,
) -> HandlerResult {
    let key = ConversationKey::Number(ConversationNumber(path.0));
    conversations.delete_shown(&caller.0, key).await?;
    Ok(HttpResponse::Ok().json(DoneMessage::new("Session deleted successfully")))
}

/// `POST /api/chat/sessions/{session_id}/upload`. The form is read only after the caller's access to the session is checked.
async fn upload(
    caller: Authenticated,
    files: Data<Files>,
    path: NumberPath,
    form: FileForm,
) -> HandlerResult {
    let number = ConversationNumber(path.0);
    let reserved = files.reserve_upload(&caller.0, number).await?;
    let upload = form.read(files.upload_limit()).await?;
    let attached = files.attach(&caller.0, reserved, upload).await?;
    Ok(HttpResponse::Ok().json(UploadedBody::from(attached)))
}
