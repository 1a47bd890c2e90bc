//! The prompts of S1: `/api/chat/prompts*`.

mod doc;
mod request;
mod response;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Data;
use domain::Contract::ChatApi;
use domain::PromptId;
use services::{Limits, Prompts};

use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::extract::{Authenticated, JsonBody, NumberPath, QueryParams};
use crate::rate_limit::PendingCall;
use crate::rules::JsonLimit;
use crate::wire::DoneMessage;
use request::{CreateRequest, MakePreviewRequest, PromptsQuery, UpdateRequest, VersionsQuery};
use response::{PreviewBody, PromptBody, PromptsBody, VersionsBody};

/// The largest body of a preview: a template and a value of 100,000 characters each, all of them escaped in 12 bytes, and
/// room for the rest.
const PREVIEW_BYTES: usize = 3 * 1024 * 1024;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(ChatApi, Method::POST, "/api/chat/prompts", create, doc::create),
        Endpoint::new(ChatApi, Method::GET, "/api/chat/prompts", list, doc::list),
        Endpoint::new(ChatApi, Method::POST, "/api/chat/prompts/preview", preview, doc::preview)
            .json_limit(JsonLimit::Bytes(PREVIEW_BYTES)),
        Endpoint::new(ChatApi, Method::GET, "/api/chat/prompts/{id}", find, doc::find),
        Endpoint::new(ChatApi, Method::PUT, "/api/chat/prompts/{id}", update, doc::update),
        Endpoint::new(ChatApi, Method::DELETE, "/api/chat/prompts/{id}", delete, doc::delete),
        Endpoint::new(ChatApi, Method::GET, "/api/chat/prompts/{id}/versions", versions, doc::versions),
    ]
}

/// `POST /api/chat/prompts`
async fn create(
    caller: Authenticated,
    prompts: Data<Prompts>,
    body: JsonBody<CreateRequest>,
) -> HandlerResult {
    let prompt = prompts.create(&caller.0, body.0.try_into()?).await?;
    Ok(HttpResponse::Ok().json(PromptBody::from(prompt)))
}

/// `GET /api/chat/prompts`
async fn list(
    caller: Authenticated,
    prompts: Data<Prompts>,
    query: QueryParams<PromptsQuery>,
) -> HandlerResult {
    let page = query.0.page();
    let found = prompts.list(&caller.0, query.0.filter()?, page.rows()).await?;
    Ok(HttpResponse::Ok().json(PromptsBody::new(found, page)))
}

/// `POST /api/chat/prompts/preview`. The call of the model ends if the client leaves.
async fn preview(
    caller: Authenticated,
    prompts: Data<Prompts>,
    limits: Data<Limits>,
    body: JsonBody<MakePreviewRequest>,
) -> HandlerResult {
    let prepared = prompts.prepare_preview(&caller.0, body.0.into_command()?).await?;
    let call = PendingCall::model(&limits, &caller.0).await?;
    let (running, headers) = call.settle(prompts.start_preview(prepared)).await?;
    let preview = running.answer().await.map_err(|error| ApiError::from(error).with_headers(&headers))?;
    Ok(headers.ok().json(PreviewBody::from(preview)))
}

/// `GET /api/chat/prompts/{id}`
async fn find(caller: Authenticated, prompts: Data<Prompts>, path: NumberPath) -> HandlerResult {
    let prompt = prompts.find(&caller.0, PromptId(path.0)).await?;
    Ok(HttpResponse::Ok().json(PromptBody::from(prompt)))
}

/// `PUT /api/chat/prompts/{id}`. Fields that are absent are not changed.
async fn update(
    caller: Authenticated,
    prompts: Data<Prompts>,
    path: NumberPath,
    body: JsonBody<UpdateRequest>,
) -> HandlerResult {
    let prompt = prompts.update(&caller.0, PromptId(path.0), body.0.try_into()?).await?;
    Ok(HttpResponse::Ok().json(PromptBody::from(prompt)))
}

/// `DELETE /api/chat/prompts/{id}`
async fn delete(caller: Authenticated, prompts: Data<Prompts>, path: NumberPath) -> HandlerResult {
    prompts.delete(&caller.0, PromptId(path.0)).await?;
    Ok(HttpResponse::Ok().json(DoneMessage::new("Prompt deleted successfully")))
}

/// `GET /api/chat/prompts/{id}/versions`
async fn versions(
    caller: Authenticated,
    prompts: Data<Prompts>,
    path: NumberPath,
    query: QueryParams<VersionsQuery>,
) -> HandlerResult {
    let versions = prompts.versions(&caller.0, PromptId(path.0), query.0.page()).await?;
    Ok(HttpResponse::Ok().json(VersionsBody::from(versions)))
}
