//! All calls so far.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::call::Call;

/// The calls, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct CallLog(Mutex<Vec<Call>>);

impl CallLog {
    /// Keeps a call under the next number.
    pub(super) fn add(&self, mut call: Call) -> Call {
        let mut calls = self.lock();
        call.number = calls.len() + 1;
        calls.push(call.clone());
        call
    }

    pub(super) fn update(&self, number: usize, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.lock().get_mut(number - 1) {
            change(call);
        }
    }

    pub(super) fn all(&self) -> Vec<Call> {
        self.lock().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn open(&self) -> usize {
        self.lock().iter().filter(|call| !call.has_ended()).count()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
