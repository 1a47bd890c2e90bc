//! Endpoints to watch and to stop a turn, for all contracts.

mod doc;
mod request;
mod response;
mod stream;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use domain::Contract::LlmChat;
use services::Turns;

use crate::endpoint::Endpoint;
use crate::error::HandlerResult;
use crate::extract::{Authenticated, ConversationPath, QueryParams, TurnPath};
use crate::stream::respond;
use request::EventsQuery;
use response::StoppedBody;
use stream::NumberedEvents;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(LlmChat, Method::POST, "/conversations/{id}/stop", stop, doc::stop),
        Endpoint::new(LlmChat, Method::GET, "/turns/{id}/events", events, doc::events),
    ]
}

/// `POST /conversations/{id}/stop`. The status is 200 even if no turn is running.
async fn stop(caller: Authenticated, turns: Data<Turns>, path: ConversationPath) -> HandlerResult {
    let turn = turns.stop(&caller.0, path.key).await?;
    Ok(HttpResponse::Ok().json(StoppedBody::new(turn, path.written)))
}

/// `GET /turns/{id}/events?after=N`
async fn events(
    request: HttpRequest,
    caller: Authenticated,
    turns: Data<Turns>,
    path: TurnPath,
    query: QueryParams<EventsQuery>,
) -> HandlerResult {
    let listener = turns.watch(&caller.0, path.0, query.0.after()).await?;
    Ok(respond(&request, HttpResponse::Ok(), listener, NumberedEvents))
}
