//! How an operator shows and changes accounts, on mocked ports.

use std::sync::Arc;

use domain::{Tier, User, UserId};
use omnichat_services::{Accounts, Tasks};
use ports::{MockUserStore, SignInRecord, UserChange};
use tokio::runtime::Handle;

use crate::support::now;

fn ann() -> User {
    User {
        id: UserId(7),
        email: None,
        username: Some("ann".to_owned()),
        full_name: None,
        tier: Tier::Free,
        active: true,
        created_at: now(),
    }
}

/// A store that knows Ann alone.
fn users() -> MockUserStore {
    let mut users = MockUserStore::new();
    users.expect_find_for_sign_in().returning(|name| {
        let record = SignInRecord { user: ann(), password_hash: None };
        Ok((name == "ann").then_some(record))
    });
    users
}

fn accounts(users: MockUserStore) -> Accounts {
    Accounts::new(Arc::new(users), Tasks::new(Handle::current()))
}

#[tokio::test]
async fn an_account_is_found_by_its_name_in_any_case_and_changed() {
    let mut users = users();
    let change = UserChange { tier: Some(Tier::Pro), active: None };
    users
        .expect_change()
        .withf(move |user, given| *user == UserId(7) && *given == change)
        .times(1)
        .returning(|_, _| Ok(Some(User { tier: Tier::Pro, ..ann() })));
    let changed = accounts(users).change(" Ann ", change).await.unwrap();
    assert_eq!(changed, Some(User { tier: Tier::Pro, ..ann() }));
}

#[tokio::test]
async fn an_empty_change_shows_the_account_and_writes_nothing() {
    let mut users = users();
    users.expect_change().never();
    assert_eq!(accounts(users).change("ann", UserChange::default()).await.unwrap(), Some(ann()));
}

#[tokio::test]
async fn an_unknown_name_is_no_account() {
    let mut users = users();
    users.expect_change().never();
    let change = UserChange { tier: None, active: Some(false) };
    assert_eq!(accounts(users).change("bob", change).await.unwrap(), None);
}
