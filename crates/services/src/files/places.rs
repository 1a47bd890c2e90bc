//! How many uploads are held in memory at once, from their first byte until they are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use domain::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Of all users together.
const AT_ONCE: usize = 32;
/// Of one user, so that nobody takes all places.
const OF_ONE_USER: usize = 4;

/// The places for uploads.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    /// Those of users who hold one; a place keeps its own alive.
    of_users: Mutex<HashMap<UserId, Weak<Semaphore>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_user: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), of_users: Mutex::default() }
    }

    /// A place for the user, if there is one.
    pub(super) fn take(&self, user: UserId) -> Option<Place> {
        let of_user = self.of(user).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place { _of_all: of_all, _of_user: of_user })
    }

    fn of(&self, user: UserId) -> Arc<Semaphore> {
        let mut of_users = self.of_users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = of_users.get(&user).and_then(Weak::upgrade) {
            return places;
        }
        of_users.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(OF_ONE_USER));
        of_users.insert(user, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_places_and_leaves_others_theirs() {
        let places = Places::new();
        let mut held: Vec<_> = (0..OF_ONE_USER).map(|_| places.take(UserId(1))).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(UserId(1)).is_none());
        assert!(places.take(UserId(2)).is_some());
        held.pop();
        assert!(places.take(UserId(1)).is_some());
    }

    #[test]
    fn all_together_have_so_many_places() {
        let places = Places::new();
        let held: Vec<_> = (1..).map_while(|user| places.take(UserId(user))).collect();
        assert_eq!(held.len(), AT_ONCE);
        drop(held);
        assert!(places.take(UserId(1)).is_some());
        assert_eq!(places.of_users.lock().unwrap().len(), 1, "who holds none is forgotten");
    }
}
