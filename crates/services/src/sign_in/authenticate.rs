//! Finds the caller that a token stands for.

use std::sync::Arc;

use domain::{Caller, User, UserId};
use ports::{Issuer, StoreError, Subject};

use super::{SignIn, SignInError};

impl SignIn {
    /// Finds the caller that a token stands for. A subject of an outside issuer gets an account with its first call.
    pub async fn authenticate(&self, token: String) -> Result<Caller, SignInError> {
        let subject = self.setup.verifier.verify(token).await?;
        let user = self.account(&subject).await?;
        if !user.active {
            return Err(SignInError::NoAccount);
        }
        Ok(Caller { user: user.id, tier: user.tier, application: subject.application })
    }

    /// Finds the caller's account.
    pub async fn me(&self, caller: &Caller) -> Result<User, SignInError> {
        self.setup.users.find(caller.user).await?.ok_or(SignInError::NoAccount)
    }

    /// Finds the account of a token's subject. Concurrent calls for the same subject share one query.
    async fn account(&self, subject: &Subject) -> Result<User, SignInError> {
        let key = (subject.issuer.clone(), subject.subject.clone());
        let find = async {
            match &subject.issuer {
                Issuer::Own => self.own_account(&subject.subject).await,
                Issuer::Outside(issuer) => {
                    Ok(self.provisioned(issuer.clone(), subject.subject.clone()).await?)
                }
            }
        };
        self.accounts.try_get_with(key, find).await.map_err(SignInError::Account)
    }

    async fn own_account(&self, subject: &str) -> Result<User, SignInError> {
        let id = subject.parse().map(UserId).map_err(|_| SignInError::NoAccount)?;
        self.setup.users.find(id).await?.ok_or(SignInError::NoAccount)
    }

    async fn provisioned(&self, issuer: String, subject: String) -> Result<User, StoreError> {
        let (users, at) = (Arc::clone(&self.setup.users), self.setup.clock.now());
        self.setup.tasks.run(async move { users.provision(issuer, subject, at).await }).await
    }
}
