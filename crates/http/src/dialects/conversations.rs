//! `/conversations*`. S0 and S2 share these paths, and the bodies have the fields of both (C-1, C-2).

mod doc;
mod request;
mod response;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::Contract::{ChatService, LlmChat};
use domain::Page;
use services::{ConversationFilter, Conversations, Limits, Turns};

use crate::HttpSettings;
use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::extract::{
    Authenticated, ConversationPath, JsonBody, ListQuery, ProjectPath, QueryParams, RawBody,
};
use crate::rate_limit::PendingCall;
use crate::stream::{JsonWriter, LIST, respond_json};
use crate::wire::{IdForm, message_list};
use request::{
    CreateQuery, DeleteQuery, LabelQuery, MessagesQuery, PatchRequest, SendRequest, new_conversation,
};
use response::{ConversationBody, DeletedBody, MessageBody, SentBody};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(LlmChat, Method::POST, "/conversations", create, doc::create),
        Endpoint::new(LlmChat, Method::GET, "/conversations", list, doc::list),
        // Before the paths with `{id}`, which also match `project`.
        Endpoint::new(
            ChatService,
            Method::GET,
            "/conversations/project/{project_id}",
            list_of_project,
            doc::list_of_project,
        ),
        Endpoint::new(LlmChat, Method::GET, "/conversations/{id}", find, doc::find),
        Endpoint::new(LlmChat, Method::PATCH, "/conversations/{id}", patch, doc::patch),
        Endpoint::new(LlmChat, Method::DELETE, "/conversations/{id}", delete, doc::delete),
        Endpoint::new(LlmChat, Method::POST, "/conversations/{id}/restore", restore, doc::restore),
        Endpoint::new(LlmChat, Method::GET, "/conversations/{id}/messages", messages, doc::messages),
        Endpoint::new(ChatService, Method::POST, "/conversations/{id}/messages", send, doc::send),
    ]
}

/// `POST /conversations`. With `?project_id=` it is a request of S2, with a JSON object one of S0.
async fn create(
    caller: Authenticated,
    conversations: Data<Conversations>,
    query: QueryParams<CreateQuery>,
    body: RawBody,
) -> HandlerResult {
    let (request, form) = new_conversation(query.0, &body)?;
    let conversation = conversations.create(&caller.0, request).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::new(conversation, &form)))
}

/// `GET /conversations?user_id=`
async fn list(
    caller: Authenticated,
    conversations: Data<Conversations>,
    query: QueryParams<LabelQuery>,
) -> HandlerResult {
    let (filter, page) = query.0.filter()?;
    list_response(&caller, &conversations, filter, page, &IdForm::Prefixed).await
}

/// `GET /conversations/project/{project_id}`
async fn list_of_project(
    caller: Authenticated,
    conversations: Data<Conversations>,
    project: ProjectPath,
    query: QueryParams<ListQuery>,
) -> HandlerResult {
    let filter = ConversationFilter { project: Some(project.0), ..ConversationFilter::default() };
    list_response(&caller, &conversations, filter, query.0.page(), &IdForm::Uuid).await
}

async fn list_response(
    caller: &Authenticated,
    conversations: &Conversations,
    filter: ConversationFilter,
    page: Page,
    form: &IdForm,
) -> HandlerResult {
    let found = conversations.list(&caller.0, filter, page).await?;
    let bodies: Vec<_> =
        found.into_iter().map(|conversation| ConversationBody::new(conversation, form)).collect();
    Ok(HttpResponse::Ok().json(bodies))
}

/// `GET /conversations/{id}`
async fn find(
    caller: Authenticated,
    conversations: Data<Conversations>,
    path: ConversationPath,
) -> HandlerResult {
    let conversation = conversations.find(&caller.0, path.key).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::new(conversation, &IdForm::Written(path.written))))
}

/// `PATCH /conversations/{id}`
async fn patch(
    caller: Authenticated,
    conversations: Data<Conversations>,
    path: ConversationPath,
    body: JsonBody<PatchRequest>,
) -> HandlerResult {
    let conversation = conversations.patch(&caller.0, path.key, body.0.try_into()?).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::new(conversation, &IdForm::Written(path.written))))
}

/// `DELETE /conversations/{id}?soft=`
async fn delete(
    caller: Authenticated,
    conversations: Data<Conversations>,
    path: ConversationPath,
    query: QueryParams<DeleteQuery>,
) -> HandlerResult {
    let deletion = query.0.deletion();
    conversations.delete(&caller.0, path.key, deletion).await?;
    Ok(HttpResponse::Ok().json(DeletedBody::new(path.written, deletion)))
}

/// `POST /conversations/{id}/restore`
async fn restore(
    caller: Authenticated,
    conversations: Data<Conversations>,
    path: ConversationPath,
) -> HandlerResult {
    let conversation = conversations.restore(&caller.0, path.key).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::new(conversation, &IdForm::Written(path.written))))
}

/// `GET /conversations/{id}/messages`
async fn messages(
    request: HttpRequest,
    caller: Authenticated,
    conversations: Data<Conversations>,
    path: ConversationPath,
    query: QueryParams<MessagesQuery>,
) -> HandlerResult {
    let found = conversations.messages(&caller.0, path.key, query.0.selection()?).await?;
    let (response, written) = (message_list(found.has_more()), path.written);
    let write = move |json: &mut JsonWriter, message| json.item(&MessageBody::new(&message, &written));
    respond_json(&request, response, &LIST, found, write).await
}

/// `POST /conversations/{id}/messages`
async fn send(
    caller: Authenticated,
    turns: Data<Turns>,
    limits: Data<Limits>,
    settings: Data<HttpSettings>,
    path: ConversationPath,
    body: JsonBody<SendRequest>,
) -> HandlerResult {
    let message = body.0.into_command(path.key, &settings)?;
    let call = PendingCall::model(&limits, &caller.0).await?;
    let (turn, headers) = call.settle(turns.send(&caller.0, message).await).await?;
    let headers = headers.and_turn(turn.turn()).and_conversation(&path.written);
    let answer = turn.whole().await.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
    Ok(headers.ok().json(SentBody::new(&answer, path.written)))
}
