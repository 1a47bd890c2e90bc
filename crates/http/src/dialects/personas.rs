//! Personas of contract S4: `/personas`.

pub(crate) mod request;
pub(crate) mod response;

use actix_web::HttpResponse;
use actix_web::web::Data;
use domain::PersonaId;
use services::Personas;

use crate::HttpSettings;
use crate::error::HandlerResult;
use crate::extract::{Authenticated, JsonBody, ListQuery, NumberPath, QueryOf};
use crate::wire::DoneMessage;
use request::{CreateRequest, UpdateRequest};
use response::PersonaBody;

/// `POST /personas`
pub(crate) async fn create(
    caller: Authenticated,
    personas: Data<Personas>,
    settings: Data<HttpSettings>,
    body: JsonBody<CreateRequest>,
) -> HandlerResult {
    let persona = personas.create(&caller.0, body.0.into_command(&settings)?).await?;
    Ok(HttpResponse::Ok().json(PersonaBody::from(persona)))
}

/// `GET /personas`
pub(crate) async fn list(
    caller: Authenticated,
    personas: Data<Personas>,
    query: QueryOf<ListQuery>,
) -> HandlerResult {
    let found = personas.list(&caller.0, query.0.page()).await?;
    let bodies: Vec<_> = found.into_iter().map(PersonaBody::from).collect();
    Ok(HttpResponse::Ok().json(bodies))
}

/// `GET /personas/{id}`
pub(crate) async fn find(caller: Authenticated, personas: Data<Personas>, path: NumberPath) -> HandlerResult {
    let persona = personas.find(&caller.0, PersonaId(path.0)).await?;
    Ok(HttpResponse::Ok().json(PersonaBody::from(persona)))
}

/// `PUT /personas/{id}`: what it does not name stays.
pub(crate) async fn update(
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

/// `DELETE /personas/{id}`: with all its conversations.
pub(crate) async fn delete(
    caller: Authenticated,
    personas: Data<Personas>,
    path: NumberPath,
) -> HandlerResult {
    personas.delete(&caller.0, PersonaId(path.0)).await?;
    Ok(HttpResponse::Ok().json(DoneMessage::deleted("Persona", path.0)))
}
