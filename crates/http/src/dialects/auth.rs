//! Endpoints for accounts and tokens (C-21).

mod doc;
mod request;
mod response;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Data;
use domain::Contract::PersonaChat;
use services::{Limits, SignIn};

use crate::endpoint::Endpoint;
use crate::error::{ApiError, HandlerResult};
use crate::extract::{Authenticated, ClientAddress, JsonBody};
use crate::rate_limit;
use crate::rules::JsonLimit;
use request::{LoginRequest, RegisterRequest};
use response::{AccountBody, RegisteredBody, TokenBody};

/// The limit is small because these bodies are read before the caller is authenticated.
const CREDENTIALS_LIMIT: JsonLimit = JsonLimit::Bytes(64 * 1024);

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(PersonaChat, Method::POST, "/auth/register", register, doc::register)
            .public()
            .json_limit(CREDENTIALS_LIMIT),
        Endpoint::new(PersonaChat, Method::POST, "/auth/login", login, doc::login)
            .public()
            .json_limit(CREDENTIALS_LIMIT),
        Endpoint::new(PersonaChat, Method::GET, "/auth/me", me, doc::me),
    ]
}

/// `POST /auth/register`
async fn register(
    client: ClientAddress,
    sign_in: Data<SignIn>,
    limits: Data<Limits>,
    body: JsonBody<RegisterRequest>,
) -> HandlerResult {
    let registration = body.0.try_into()?;
    let headers = rate_limit::sign_in(&limits, &client).await?;
    let signed_in = sign_in.register(registration).await;
    let signed_in = signed_in.map_err(|error| ApiError::from(error).with_headers(&headers))?;
    Ok(headers.ok().json(RegisteredBody::from(signed_in)))
}

/// `POST /auth/login`
async fn login(
    client: ClientAddress,
    sign_in: Data<SignIn>,
    limits: Data<Limits>,
    body: JsonBody<LoginRequest>,
) -> HandlerResult {
    let (name, password) = body.0.credentials()?;
    let headers = rate_limit::sign_in(&limits, &client).await?;
    let signed_in = sign_in.sign_in(name, password).await;
    let signed_in = signed_in.map_err(|error| ApiError::from(error).with_headers(&headers))?;
    Ok(headers.ok().json(TokenBody::from(signed_in.token)))
}

/// `GET /auth/me`
async fn me(caller: Authenticated, sign_in: Data<SignIn>) -> HandlerResult {
    let user = sign_in.me(&caller.0).await?;
    Ok(HttpResponse::Ok().json(AccountBody::from(user)))
}
