//! Registration, sign-in, and the callers that tokens stand for.

mod authenticate;
mod error;
mod register;

use std::sync::Arc;
use std::time::Duration;

use domain::User;
use moka::future::Cache;
use ports::{AccessToken, Clock, Issuer, PasswordHasher, TokenIssuer, TokenVerifier, UserStore};

pub use error::SignInError;
pub use register::Registration;

use crate::Tasks;

/// Sign-in. Cheap to clone.
#[derive(Clone)]
pub struct SignIn {
    setup: SignInSetup,
    /// Accounts by issuer and subject, kept for [`ACCOUNT_TTL`]: a suspension takes effect after at most that time.
    accounts: Cache<(Issuer, String), User>,
}

/// The dependencies of [`SignIn`].
#[derive(Clone)]
pub struct SignInSetup {
    /// The accounts.
    pub users: Arc<dyn UserStore>,
    /// The hasher of passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// The verifier of tokens.
    pub verifier: Arc<dyn TokenVerifier>,
    /// The issuer of our own tokens.
    pub issuer: Arc<dyn TokenIssuer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The tasks that writes run in.
    pub tasks: Tasks,
}

/// A user with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// A token for it.
    pub token: AccessToken,
}

/// How long an account is cached.
const ACCOUNT_TTL: Duration = Duration::from_secs(5);
/// How many accounts are cached.
const CACHED_ACCOUNTS: u64 = 10_000;

impl SignIn {
    /// Creates the service.
    #[must_use]
    pub fn new(setup: SignInSetup) -> Self {
        let accounts = Cache::builder().max_capacity(CACHED_ACCOUNTS).time_to_live(ACCOUNT_TTL).build();
        Self { setup, accounts }
    }
}
