//! How callers are found, on mocked ports.

use std::sync::Arc;
use std::time::Duration;

use domain::{ErrorCode, Tier, User, UserId};
use futures_util::future::join_all;
use omnichat_services::{DescribeError, SignIn, SignInSetup, Tasks};
use ports::{
    Issuer, MockPasswordHasher, MockTokenIssuer, MockTokenVerifier, MockUserStore, StoreError, Subject,
};

use crate::support::{clock, now};

/// Sign-in over these accounts, where every token is that of user 1.
fn sign_in(users: MockUserStore) -> SignIn {
    let mut verifier = MockTokenVerifier::new();
    verifier.expect_verify().returning(|_| {
        let expires_at = now() + Duration::from_hours(1);
        Ok(Subject { issuer: Issuer::Own, subject: "1".to_owned(), application: None, expires_at })
    });
    SignIn::new(SignInSetup {
        users: Arc::new(users),
        hasher: Arc::new(MockPasswordHasher::new()),
        verifier: Arc::new(verifier),
        issuer: Arc::new(MockTokenIssuer::new()),
        clock: clock(),
        tasks: Tasks::new(tokio::runtime::Handle::current()),
    })
}

fn user() -> User {
    User {
        id: UserId(1),
        email: None,
        username: Some("alice".to_owned()),
        full_name: None,
        tier: Tier::Free,
        active: true,
        created_at: now(),
    }
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_query_for_the_account() {
    let mut users = MockUserStore::new();
    users.expect_find().times(1).returning(|_| Ok(Some(user())));
    let sign_in = sign_in(users);
    let callers = join_all((0..8).map(|_| sign_in.authenticate("token".to_owned()))).await;
    assert!(callers.into_iter().all(|caller| caller.unwrap().user == UserId(1)));
}

#[tokio::test]
async fn a_failed_query_is_not_cached() {
    let mut users = MockUserStore::new();
    let mut calls = 0;
    users.expect_find().times(2).returning(move |_| {
        calls += 1;
        if calls == 1 { Err(StoreError::Unavailable("away".into())) } else { Ok(Some(user())) }
    });
    let sign_in = sign_in(users);
    let error = sign_in.authenticate("token".to_owned()).await.unwrap_err();
    assert_eq!(error.describe().code, ErrorCode::DatabaseUnavailable);
    assert_eq!(error.to_string(), "The account could not be read or stored");
    assert!(sign_in.authenticate("token".to_owned()).await.is_ok());
}
