//! The personas of S4: `/personas*`.

pub(super) mod doc;
mod request;
mod response;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Data;
use domain::Contract::PersonaChat;
use domain::PersonaId;
use services::Personas;

use crate::HttpSettings;
use crate::endpoint::Endpoint;
use crate::error::HandlerResult;
use crate::extract::{Authenticated, JsonBody, ListQuery, NumberPath, QueryParams};
use crate::wire::DoneMessage;
use request::{CreateRequest, UpdateRequest};
use response::PersonaBody;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(PersonaChat, Method::POST, "/personas", create, doc::create),
        Endpoint::new(PersonaChat, Method::GET, "/personas", list, doc::list),
        Endpoint::new(PersonaChat, Method::GET, "/personas/{id}", find, doc::find),
        Endpoint::new(PersonaChat, Method::PUT, "/personas/{id}", update, doc::update),
        Endpoint::new(PersonaChat, Method::DELETE, "/personas/{id}", delete, doc::delete),
    ]
}

/// `POST /personas`
async fn create(
    caller: Authenticated,
    personas: Data<Personas>,
    settings: Data<HttpSettings>,
    body: JsonBody<CreateRequest>,
) -> HandlerResult {
    let persona = personas.create(&caller.0, body.0.into_command(&settings)?).await?;
    Ok(HttpResponse::Ok().json(PersonaBody::from(persona)))
}

/// `GET /personas`
async fn list(
    caller: Authenticated,
    personas: Data<Personas>,
    query: QueryParams<ListQuery>,
) -> HandlerResult {
    let found = personas.list(&caller.0, query.0.page()).await?;
    let bodies: Vec<_> = found.into_iter().map(PersonaBody::from).collect();
    Ok(HttpResponse::Ok().json(bodies))
}

/// `GET /personas/{id}`
async fn find(caller: Authenticated, personas: Data<Personas>, path: NumberPath) -> HandlerResult {
    let persona = personas.find(&caller.0, PersonaId(path.0)).await?;
    Ok(HttpResponse::Ok().json(PersonaBody::from(persona)))
}

/// `PUT /personas/{id}`. Fields that are absent are not changed.
async fn update(
    caller: Authenticated,
    personas: Data<Personas>,
    settings: Data<HttpSettings>,
    path: NumberPath,
    body: JsonBody<UpdateRequest>,
) -> HandlerResult {
    let changes = body.0.into_command(&settings)?;
    let persona = personas.update(&caller.0, PersonaId(path.0), changes).await?;
    Ok(HttpResponse::Ok().json(PersonaBody::from(persona)))
}

/// `DELETE /personas/{id}`. The conversations with the persona are deleted too.
async fn delete(caller: Authenticated, personas: Data<Personas>, path: NumberPath) -> HandlerResult {
    personas.delete(&caller.0, PersonaId(path.0)).await?;
    Ok(HttpResponse::Ok().json(DoneMessage::deleted("Persona", path.0)))
}
