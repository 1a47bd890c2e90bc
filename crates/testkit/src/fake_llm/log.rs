//! All calls so far.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::call::Call;

/// The calls, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct CallLog(Mutex<Calls>);

#[derive(Debug, Default)]
struct Calls {
    all: Vec<Call>,
    /// The highest number of calls that were open at the same time.
    most_open: usize,
}

impl CallLog {
    /// Adds a call under the next number.
    pub(super) fn add(&self, mut call: Call) -> Call {
        let mut calls = self.lock();
        call.number = calls.all.len() + 1;
        calls.all.push(call.clone());
        calls.most_open = calls.most_open.max(calls.open());
        call
    }

    pub(super) fn update(&self, number: usize, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.lock().all.get_mut(number - 1) {
            change(call);
        }
    }

    pub(super) fn all(&self) -> Vec<Call> {
        self.lock().all.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().all.len()
    }

    pub(super) fn open(&self) -> usize {
        self.lock().open()
    }

    pub(super) fn most_open(&self) -> usize {
        self.lock().most_open
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn open(&self) -> usize {
        self.all.iter().filter(|call| !call.has_ended()).count()
    }
}
