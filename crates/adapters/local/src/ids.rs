//! New ids.

use domain::{BlobId, ConversationId, MessageId, RunnerId, TurnId};
use ports::IdSource;
use uuid::Uuid;

/// New ids as `UUIDv7`. Each is greater than all ids that this process made before, even within a millisecond or after
/// the clock was set back: `uuid` keeps a counter behind a lock.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidIds;

#[expect(clippy::disallowed_methods, reason = "this implements the port")]
fn next() -> Uuid {
    Uuid::now_v7()
}

impl IdSource for UuidIds {
    fn conversation(&self) -> ConversationId {
        ConversationId(next())
    }

    fn message(&self) -> MessageId {
        MessageId(next())
    }

    fn turn(&self) -> TurnId {
        TurnId(next())
    }

    fn runner(&self) -> RunnerId {
        RunnerId(next())
    }

    fn blob(&self) -> BlobId {
        BlobId(next())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn each_id_is_greater_than_the_one_before() {
        let ids: Vec<_> = (0..100_000).map(|_| UuidIds.message()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.0.get_version_num() == 7));
    }

    #[test]
    fn threads_never_get_the_same_id_and_each_gets_growing_ones() {
        let make = || {
            let ids: Vec<_> = (0..20_000).map(|_| UuidIds.turn()).collect();
            assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
            ids
        };
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(make)).collect();
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 80_000);
    }
}
