//! Accounts are registered, provisioned, found and changed.

use std::collections::HashSet;
use std::sync::Arc;

use domain::{NewUser, Tier, User, UserId};
use futures_util::future::join_all;
use ports::{RegisterError, UserChange};

use super::Stores;
use super::scene::instant;

fn account(username: &str, email: Option<&str>) -> NewUser {
    NewUser {
        email: email.map(str::to_owned),
        username: username.to_owned(),
        full_name: Some("Ada Lovelace".to_owned()),
        password_hash: Some("$argon2id$hash".to_owned()),
        at: instant(1),
    }
}

/// A registered account is found unchanged, and the first one has the id 1.
pub(super) async fn a_registered_account_is_found_again(stores: &Stores) {
    let user = stores.users.register(account("ada", Some("ada@example.org"))).await.unwrap();
    let expected = User {
        id: UserId(1),
        email: Some("ada@example.org".to_owned()),
        username: Some("ada".to_owned()),
        full_name: Some("Ada Lovelace".to_owned()),
        tier: Tier::Free,
        active: true,
        created_at: instant(1),
    };
    assert_eq!(user, expected);
    assert_eq!(stores.users.find(user.id).await.unwrap(), Some(expected));
    assert_eq!(stores.users.find(UserId(99)).await.unwrap(), None);
    let bare = NewUser { full_name: None, password_hash: None, ..account("bare", None) };
    let bare = stores.users.register(bare).await.unwrap();
    assert_eq!((bare.email, bare.full_name), (None, None));
    let record =
        stores.users.find_for_sign_in("bare".to_owned()).await.unwrap().expect("the account is known");
    assert_eq!(record.password_hash, None);
}

/// A sign-in may give the name or the email address in any case.
pub(super) async fn a_sign_in_takes_name_or_email_in_any_case(stores: &Stores) {
    let user = stores.users.register(account("Zoë", Some("zoe@example.org"))).await.unwrap();
    stores.users.register(account("other", Some("other@example.org"))).await.unwrap();
    for name in ["Zoë", "zoë", "ZOË", "zoe@example.org", "Zoe@Example.ORG"] {
        let record = stores.users.find_for_sign_in(name.to_owned()).await.unwrap();
        let record = record.unwrap_or_else(|| panic!("{name} is known"));
        assert_eq!((record.user, record.password_hash.as_deref()), (user.clone(), Some("$argon2id$hash")));
    }
    for name in ["zoe\u{308}", "ZOE\u{308}"] {
        let record = stores.users.find_for_sign_in(name.to_owned()).await.unwrap();
        assert_eq!(record.map(|record| record.user).as_ref(), Some(&user), "{name:?}");
    }
    for name in ["zoe", "", "zoë ", "%", "Ada Lovelace"] {
        assert_eq!(stores.users.find_for_sign_in(name.to_owned()).await.unwrap(), None, "{name}");
    }
}

/// A name or an email address is unique in any case and any Unicode form, and the name of one account cannot be the email of another.
pub(super) async fn a_name_is_given_once(stores: &Stores) {
    stores.users.register(account("Adaé", Some("ada@example.org"))).await.unwrap();
    stores.users.register(account("bob@example.org", None)).await.unwrap();
    let taken = [
        account("Adaé", None),
        account("ADAÉ", None),
        account("Adae\u{301}", None),
        account("ADAE\u{301}", None),
        account("new", Some("adae\u{301}")),
        account("eve", Some("ada@example.org")),
        account("ada@example.org", None),
        account("ADA@example.org", Some("new@example.org")),
        account("eve", Some("bob@example.org")),
    ];
    for new in taken {
        let name = new.username.clone();
        assert!(matches!(stores.users.register(new).await, Err(RegisterError::Taken)), "{name}");
    }
    // A refused registration has not taken its other name.
    stores.users.register(account("eve", Some("new@example.org"))).await.unwrap();
    // The name and the email of the same account may be equal.
    stores.users.register(account("me@example.org", Some("me@example.org"))).await.unwrap();
}

/// Of many registrations of one name at the same time, one succeeds.
pub(super) async fn one_of_many_gets_the_name(stores: &Stores) {
    let calls = (0..16).map(|number| {
        let users = Arc::clone(&stores.users);
        let name = if number % 2 == 0 { "Ada" } else { "ada" };
        tokio::spawn(async move { users.register(account(name, None)).await })
    });
    let results: Vec<_> = join_all(calls).await.into_iter().map(|result| result.unwrap()).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = |result: &&Result<User, RegisterError>| matches!(result, Err(RegisterError::Taken));
    assert_eq!(results.iter().filter(refused).count(), 15);
}

/// A subject of another issuer has one account, however often and from whichever process it is provisioned.
pub(super) async fn a_subject_has_one_account(stores: &Stores) {
    let provision = |issuer: &str, subject: &str, second: i64| {
        let (users, issuer, subject) = (Arc::clone(&stores.users), issuer.to_owned(), subject.to_owned());
        async move { users.provision(issuer, subject, instant(second)).await.unwrap() }
    };
    let calls = (0..32).map(|second| tokio::spawn(provision("issuer", "subject", second)));
    let users: Vec<User> = join_all(calls).await.into_iter().map(|result| result.unwrap()).collect();
    let ids: HashSet<UserId> = users.iter().map(|user| user.id).collect();
    assert_eq!(ids.len(), 1);
    let first = users[0].clone();
    assert_eq!((&first.email, &first.username, first.tier, first.active), (&None, &None, Tier::Free, true));
    assert_eq!(provision("issuer", "subject", 99).await, first);
    assert_eq!(stores.users.find(first.id).await.unwrap(), Some(first.clone()));
    let others =
        [("issuer", "Subject"), ("other", "subject"), ("issuersubject", "x"), ("issuer", "subject2")];
    for (issuer, subject) in others {
        assert_ne!(provision(issuer, subject, 1).await.id, first.id, "{issuer} {subject}");
    }
    assert_eq!(stores.users.find_for_sign_in("subject".to_owned()).await.unwrap(), None);
    stores.users.register(account("subject", None)).await.unwrap();
}

/// A change sets the fields that it names; the others stay.
pub(super) async fn an_account_is_changed_as_named(stores: &Stores) {
    let user = stores.users.register(account("ada", None)).await.unwrap();
    let other = stores.users.register(account("other", None)).await.unwrap();
    let change = async |tier, active| {
        let changed = stores.users.change(user.id, UserChange { tier, active }).await.unwrap();
        let changed = changed.expect("the account is known");
        assert_eq!(stores.users.find(user.id).await.unwrap(), Some(changed.clone()));
        assert_eq!(changed, User { tier: changed.tier, active: changed.active, ..user.clone() });
        (changed.tier, changed.active)
    };
    assert_eq!(change(None, None).await, (Tier::Free, true));
    assert_eq!(change(Some(Tier::Pro), None).await, (Tier::Pro, true));
    assert_eq!(change(None, Some(false)).await, (Tier::Pro, false));
    assert_eq!(change(Some(Tier::Enterprise), Some(true)).await, (Tier::Enterprise, true));
    assert_eq!(stores.users.find(other.id).await.unwrap(), Some(other));
    let unknown = UserChange { tier: None, active: Some(false) };
    assert_eq!(stores.users.change(UserId(99), unknown).await.unwrap(), None);
}
