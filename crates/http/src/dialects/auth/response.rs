//! Responses with accounts and tokens.

use domain::User;
use serde::Serialize;
use services::SignedIn;

use crate::wire;

/// An account.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountBody {
    id: i64,
    email: Option<String>,
    username: Option<String>,
    full_name: Option<String>,
    /// `free`, `pro` or `enterprise`. It decides how many model calls are allowed in a minute.
    tier: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A token for the `Authorization` header.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenBody {
    /// The token, to be sent as `Authorization: Bearer <token>`.
    access_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// For how many seconds the token is valid.
    expires_in: u64,
}

/// A new account, and a token for it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RegisteredAccount)]
pub(crate) struct RegisteredBody {
    #[serde(flatten)]
    account: AccountBody,
    #[serde(flatten)]
    token: TokenBody,
}

impl From<User> for AccountBody {
    fn from(user: User) -> Self {
        let User { id, email, username, full_name, tier, active: _, created_at } = user;
        Self { id: id.0, email, username, full_name, tier: tier.as_str(), created_at: wire::time(created_at) }
    }
}

impl From<services::AccessToken> for TokenBody {
    fn from(token: services::AccessToken) -> Self {
        let services::AccessToken { token, expires_in } = token;
        Self { access_token: token, token_type: "bearer", expires_in }
    }
}

impl From<SignedIn> for RegisteredBody {
    fn from(signed_in: SignedIn) -> Self {
        let SignedIn { user, token } = signed_in;
        Self { account: user.into(), token: token.into() }
    }
}
