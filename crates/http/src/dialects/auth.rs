//! Accounts and tokens (C-21).

mod request;
mod response;

use actix_web::HttpResponse;
use actix_web::web::Data;
use services::SignIn;

use crate::error::Answer;
use crate::extract::{Authenticated, JsonBody};
use request::{LoginRequest, RegisterRequest};
use response::{AccountBody, RegisteredBody, TokenBody};

/// `POST /auth/register`
pub(crate) async fn register(sign_in: Data<SignIn>, body: JsonBody<RegisterRequest>) -> Answer {
    let signed_in = sign_in.register(body.0.try_into()?).await?;
    Ok(HttpResponse::Ok().json(RegisteredBody::from(signed_in)))
}

/// `POST /auth/login`
pub(crate) async fn login(sign_in: Data<SignIn>, body: JsonBody<LoginRequest>) -> Answer {
    let (name, password) = body.0.credentials()?;
    let signed_in = sign_in.sign_in(name, password).await?;
    Ok(HttpResponse::Ok().json(TokenBody::from(signed_in.token)))
}

/// `GET /auth/me`
pub(crate) async fn me(caller: Authenticated, sign_in: Data<SignIn>) -> Answer {
    let user = sign_in.me(&caller.0).await?;
    Ok(HttpResponse::Ok().json(AccountBody::from(user)))
}
