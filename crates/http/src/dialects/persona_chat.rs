//! Contract S4, the Persona Chat: `/chat/*`. Its personas are in `personas`.

mod doc;
mod request;
mod response;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::Contract::PersonaChat;
use domain::{ConversationNumber, MessageNumber};
use services::{Health, Limits, Personas, PersonasError};

use crate::HttpSettings;
use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::extract::{Authenticated, JsonBody, NumberPath, QueryParams};
use crate::rate_limit::PendingCall;
use crate::stream::{JsonWriter, LIST, respond_json};
use crate::wire::{DoneMessage, message_list};
use request::{ConversationsQuery, CreateRequest, MessagesQuery, SendRequest, UpdateRequest};
use response::{ConversationBody, ExchangeBody, HealthBody, MessageBody, StatsBody};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(PersonaChat, Method::POST, "/chat/conversations", create, doc::create),
        Endpoint::new(PersonaChat, Method::GET, "/chat/conversations", list, doc::list),
        Endpoint::new(PersonaChat, Method::GET, "/chat/conversations/{id}", find, doc::find),
        Endpoint::new(PersonaChat, Method::PUT, "/chat/conversations/{id}", update, doc::update),
        Endpoint::new(PersonaChat, Method::DELETE, "/chat/conversations/{id}", delete, doc::delete),
        Endpoint::new(PersonaChat, Method::POST, "/chat/conversations/{id}/send", send, doc::send),
        Endpoint::new(PersonaChat, Method::GET, "/chat/conversations/{id}/messages", messages, doc::messages),
        Endpoint::new(
            PersonaChat,
            Method::DELETE,
            "/chat/messages/{id}",
            delete_message,
            doc::delete_message,
        ),
        Endpoint::new(PersonaChat, Method::GET, "/chat/stats", stats, doc::stats),
        Endpoint::new(PersonaChat, Method::GET, "/chat/health", health, doc::health).public(),
    ]
}

/// `POST /chat/conversations`
async fn create(
    caller: Authenticated,
    personas: Data<Personas>,
    body: JsonBody<CreateRequest>,
) -> HandlerResult {
    let (persona, title) = body.0.into_command()?;
    let conversation = personas.create_conversation(&caller.0, persona, title).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::from(&conversation)))
}

/// `GET /chat/conversations?persona_id=`
async fn list(
    caller: Authenticated,
    personas: Data<Personas>,
    query: QueryParams<ConversationsQuery>,
) -> HandlerResult {
    let (persona, page) = query.0.filter();
    let found = personas.conversations(&caller.0, persona, page).await?;
    let bodies: Vec<_> = found.iter().map(ConversationBody::from).collect();
    Ok(HttpResponse::Ok().json(bodies))
}

/// `GET /chat/conversations/{id}`
async fn find(caller: Authenticated, personas: Data<Personas>, path: NumberPath) -> HandlerResult {
    let conversation = personas.conversation(&caller.0, ConversationNumber(path.0)).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::from(&conversation)))
}

/// `PUT /chat/conversations/{id}`. Fields that are absent are not changed.
async fn update(
    caller: Authenticated,
    personas: Data<Personas>,
    path: NumberPath,
    body: JsonBody<UpdateRequest>,
) -> HandlerResult {
    let (title, persona) = body.0.into_command()?;
    let number = ConversationNumber(path.0);
    let conversation = personas.edit_conversation(&caller.0, number, title, persona).await?;
    Ok(HttpResponse::Ok().json(ConversationBody::from(&conversation)))
}

/// `DELETE /chat/conversations/{id}`. The conversation is deleted for good.
async fn delete(caller: Authenticated, personas: Data<Personas>, path: NumberPath) -> HandlerResult {
    personas.delete_conversation(&caller.0, ConversationNumber(path.0)).await?;
    Ok(HttpResponse::Ok().json(DoneMessage::deleted("Conversation", path.0)))
}

/// `POST /chat/conversations/{id}/send`
async fn send(
    caller: Authenticated,
    personas: Data<Personas>,
    limits: Data<Limits>,
    settings: Data<HttpSettings>,
    path: NumberPath,
    body: JsonBody<SendRequest>,
) -> HandlerResult {
    let (number, content) = (ConversationNumber(path.0), body.0.content(&settings)?);
    let call = PendingCall::model(&limits, &caller.0).await?;
    let (turn, headers) = call.settle(personas.send(&caller.0, number, content.clone()).await).await?;
    let headers = headers.and_turn(turn.turn());
    let question = MessageBody::question(&turn, content).ok_or(PersonasError::NoMessage);
    let answer = turn.whole().await.map_err(|failure| ApiError::from(failure).with_headers(&headers))?;
    let question = question.map_err(|error| ApiError::from(error).with_headers(&headers))?;
    Ok(headers.ok().json(ExchangeBody::new(question, &answer)))
}

/// `GET /chat/conversations/{id}/messages`
async fn messages(
    request: HttpRequest,
    caller: Authenticated,
    personas: Data<Personas>,
    path: NumberPath,
    query: QueryParams<MessagesQuery>,
) -> HandlerResult {
    let number = ConversationNumber(path.0);
    let found = personas.messages(&caller.0, number, query.0.selection()?).await?;
    let response = message_list(found.has_more());
    let write = move |json: &mut JsonWriter, message| json.item(&MessageBody::stored(message, number));
    respond_json(&request, response, &LIST, found, write).await
}

/// `DELETE /chat/messages/{id}`
async fn delete_message(caller: Authenticated, personas: Data<Personas>, path: NumberPath) -> HandlerResult {
    personas.delete_message(&caller.0, MessageNumber(path.0)).await?;
    Ok(HttpResponse::Ok().json(DoneMessage::deleted("Message", path.0)))
}

/// `GET /chat/stats`
async fn stats(caller: Authenticated, personas: Data<Personas>) -> HandlerResult {
    let totals = personas.totals(&caller.0).await?;
    Ok(HttpResponse::Ok().json(StatsBody::from(totals)))
}

/// `GET /chat/health`. The status is 200 even if the provider cannot be reached.
async fn health(health: Data<Health>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(HealthBody::new(health.provider_answers().await)))
}
