//! Limits how many uploads are held in memory at once, from their first byte until they are stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use domain::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of all users together.
const SLOTS: usize = 32;
/// The slots of one user, so that no user can take all of them.
const SLOTS_PER_USER: usize = 4;

/// The slots for uploads.
#[derive(Debug)]
pub(super) struct UploadSlots {
    all: Arc<Semaphore>,
    /// The semaphores of users with a slot. A slot keeps the semaphore of its user alive.
    per_user: Mutex<HashMap<UserId, Weak<Semaphore>>>,
}

/// A slot, which is held until it is dropped.
#[derive(Debug)]
pub(super) struct UploadSlot {
    _of_all: OwnedSemaphorePermit,
    _of_user: OwnedSemaphorePermit,
}

impl UploadSlots {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(SLOTS)), per_user: Mutex::default() }
    }

    /// Takes a slot for the user, if one is free.
    pub(super) fn take(&self, user: UserId) -> Option<UploadSlot> {
        let of_user = self.semaphore_of(user).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(UploadSlot { _of_all: of_all, _of_user: of_user })
    }

    fn semaphore_of(&self, user: UserId) -> Arc<Semaphore> {
        let mut per_user = self.per_user.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = per_user.get(&user).and_then(Weak::upgrade) {
            return slots;
        }
        per_user.retain(|_, slots| slots.strong_count() > 0);
        let slots = Arc::new(Semaphore::new(SLOTS_PER_USER));
        per_user.insert(user, Arc::downgrade(&slots));
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_cannot_take_the_slots_of_others() {
        let slots = UploadSlots::new();
        let mut held: Vec<_> = (0..SLOTS_PER_USER).map(|_| slots.take(UserId(1))).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(slots.take(UserId(1)).is_none());
        assert!(slots.take(UserId(2)).is_some());
        held.pop();
        assert!(slots.take(UserId(1)).is_some());
    }

    #[test]
    fn all_users_together_have_a_fixed_number_of_slots() {
        let slots = UploadSlots::new();
        let held: Vec<_> = (1..).map_while(|user| slots.take(UserId(user))).collect();
        assert_eq!(held.len(), SLOTS);
        drop(held);
        assert!(slots.take(UserId(1)).is_some());
        assert_eq!(slots.per_user.lock().unwrap().len(), 1, "users without a slot are not kept");
    }
}
