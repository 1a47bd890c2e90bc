//! Registers accounts and signs them in.

use std::sync::Arc;

use domain::text::composed;
use domain::{NewUser, User, sign_in_name};
use ports::RegisterError;

use super::{SignIn, SignInError, SignedIn};

/// An account to register. The caller checks names and lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The email address, if any.
    pub email: Option<String>,
    /// The name to sign in with.
    pub username: String,
    /// The full name, as the user writes it.
    pub full_name: Option<String>,
    /// The password; `None` for an account that only uses tokens.
    pub password: Option<String>,
}

impl SignIn {
    /// Creates an account and signs it in.
    pub async fn register(&self, registration: Registration) -> Result<SignedIn, SignInError> {
        let Registration { email, username, full_name, password } = registration;
        let password_hash = match password {
            Some(password) => Some(self.setup.hasher.hash(password).await?),
            None => None,
        };
        let (email, username) = (email.as_deref().map(sign_in_name), composed(&username));
        let new = NewUser { email, username, full_name, password_hash, at: self.setup.clock.now() };
        let users = Arc::clone(&self.setup.users);
        match self.setup.tasks.run(async move { users.register(new).await }).await {
            Ok(user) => self.signed_in(user),
            Err(RegisterError::Taken) => Err(SignInError::Taken),
            Err(RegisterError::Store(error)) => Err(SignInError::Store(error)),
        }
    }

    /// Signs an account in by its name or email address.
    ///
    /// # Errors
    /// Neither the error nor the time that it takes reveals whether the account exists.
    pub async fn sign_in(&self, name: String, password: String) -> Result<SignedIn, SignInError> {
        let record = self.setup.users.find_for_sign_in(name.to_lowercase()).await?;
        let hash = record.as_ref().and_then(|record| record.password_hash.clone());
        let matches = self.setup.hasher.verify(password, hash).await?;
        let user = record.map(|record| record.user).filter(|user| matches && user.active);
        self.signed_in(user.ok_or(SignInError::WrongPassword)?)
    }

    /// Issues a token for the account of this name, and creates it if there is none. For operators at the command line.
    pub async fn token_for(&self, name: &str) -> Result<SignedIn, SignInError> {
        if let Some(record) = self.setup.users.find_for_sign_in(name.to_lowercase()).await? {
            return self.signed_in(record.user);
        }
        let email = name.contains('@').then(|| name.to_owned());
        self.register(Registration { email, username: name.to_owned(), full_name: None, password: None })
            .await
    }

    fn signed_in(&self, user: User) -> Result<SignedIn, SignInError> {
        let token =
            self.setup.issuer.issue(user.id, self.setup.clock.now()).map_err(SignInError::Internal)?;
        Ok(SignedIn { user, token })
    }
}
