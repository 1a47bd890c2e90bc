//! Contract S1, the Chat API: `/v1/chat/*` and `/api/chat/*`. A session is a conversation, named by its number.

mod doc;
mod request;
mod response;

use actix_web::HttpResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use domain::Contract::ChatApi;
use domain::{ConversationKey, ConversationNumber};
use services::{Conversations, Files};

use crate::endpoint::Endpoint;
use crate::error::HandlerResult;
use crate::extract::{Authenticated, FileForm, JsonBody, NumberPath};
use crate::wire::DoneMessage;
use request::CreateRequest;
use response::{SessionBody, UploadedBody};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(ChatApi, Method::POST, "/v1/chat/sessions", create, doc::create)
            .bad_field(StatusCode::BAD_REQUEST),
        Endpoint::new(ChatApi, Method::DELETE, "/v1/chat/sessions/{session_id}", delete, doc::delete)
            .bad_field(StatusCode::BAD_REQUEST),
        Endpoint::new(ChatApi, Method::POST, "/api/chat/sessions/{session_id}/upload", upload, doc::upload),
    ]
}

/// `POST /v1/chat/sessions`
async fn create(
    caller: Authenticated,
    conversations: Data<Conversations>,
    body: JsonBody<CreateRequest>,
) -> HandlerResult {
    let (new, model) = body.0.into_command()?;
    let conversation = conversations.create(&caller.0, new).await?;
    Ok(HttpResponse::Ok().json(SessionBody::new(&conversation, &model, &[])))
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
