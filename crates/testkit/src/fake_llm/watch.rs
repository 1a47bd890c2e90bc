//! Records how a call ends, also if its client leaves.

use std::sync::Arc;

use super::call::CallEnd;
use super::log::CallLog;
use super::reply::Figures;

/// Held while a call is served. If it is dropped before an end was recorded, it records that the client left.
#[derive(Debug)]
pub(super) struct CallWatch {
    log: Arc<CallLog>,
    number: usize,
    has_ended: bool,
}

impl CallWatch {
    pub(super) fn new(log: Arc<CallLog>, number: usize) -> Self {
        Self { log, number, has_ended: false }
    }

    pub(super) fn counted(&self, figures: Figures) {
        self.log.update(self.number, |call| call.figures = Some(figures));
    }

    pub(super) fn sent(&self, is_event: bool) {
        if is_event {
            self.log.update(self.number, |call| call.events_sent += 1);
        }
    }

    pub(super) fn end(&mut self, end: CallEnd) {
        if !self.has_ended {
            self.has_ended = true;
            self.log.update(self.number, |call| call.end = Some(end));
        }
    }
}

impl Drop for CallWatch {
    fn drop(&mut self) {
        if !self.has_ended {
            self.log.update(self.number, |call| {
                call.end = Some(CallEnd::ClosedByClient { after: call.received.elapsed() });
            });
        }
    }
}
