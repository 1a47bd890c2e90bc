//! The stored chunks of a running turn.

use domain::{Reply, TurnId};

use crate::reply_from;

/// A chunk of a running turn's reply: one delta or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptChunk {
    /// The number of deltas before it.
    pub first: i64,
    /// The parts of its deltas, as JSON.
    pub parts: String,
    /// The lengths of its deltas.
    pub lengths: Vec<u8>,
}

/// The reply that consecutive chunks make, up to the first one that is missing or cannot be read.
#[must_use]
pub fn fold_chunks(turn: TurnId, chunks: impl IntoIterator<Item = KeptChunk>) -> Reply {
    fold_chunks_after(turn, 0, chunks)
}

/// The deltas that consecutive chunks have beyond so many known ones, up to the first chunk that is missing or cannot be
/// read.
pub(crate) fn fold_chunks_after(
    turn: TurnId,
    known: usize,
    chunks: impl IntoIterator<Item = KeptChunk>,
) -> Reply {
    let mut reply = Reply::default();
    for chunk in chunks {
        // A chunk may repeat deltas of the chunk before it.
        let first = usize::try_from(chunk.first).ok();
        let repeated = first.and_then(|first| (known + reply.len()).checked_sub(first));
        match (repeated, reply_from(&chunk.parts, &chunk.lengths)) {
            (Some(repeated), Ok(deltas)) => reply.append(&deltas.since(repeated)),
            (None, _) => {
                tracing::error!(turn.id = %turn, first = chunk.first, "turn {turn} lacks deltas");
                break;
            }
            (Some(_), Err(error)) => {
                tracing::error!(turn.id = %turn, %error, "deltas of turn {turn} cannot be read");
                break;
            }
        }
    }
    reply
}

#[cfg(test)]
mod tests {
    use domain::Delta;

    use super::*;
    use crate::{lengths_to_bytes, parts_to_json};

    fn chunk(first: i64, words: &[&str]) -> KeptChunk {
        let mut reply = Reply::default();
        for word in words {
            reply.push(Delta::Text((*word).to_owned()));
        }
        KeptChunk { first, parts: parts_to_json(reply.parts()), lengths: lengths_to_bytes(reply.lengths()) }
    }

    fn folded(chunks: Vec<KeptChunk>) -> String {
        fold_chunks(TurnId(uuid::Uuid::nil()), chunks).text()
    }

    #[test]
    fn chunks_may_overlap() {
        assert_eq!(folded(vec![chunk(0, &["a", "b"]), chunk(1, &["b", "c"]), chunk(3, &["d"])]), "abcd");
    }

    #[test]
    fn known_deltas_are_left_out() {
        let after = |known| {
            let chunks = [chunk(2, &["c", "d"]), chunk(4, &["e"])];
            fold_chunks_after(TurnId(uuid::Uuid::nil()), known, chunks).text()
        };
        assert_eq!([2, 3, 4, 5, 9].map(after), ["cde", "de", "e", "", ""]);
        assert_eq!(after(1), "", "a delta is missing");
    }

    #[test]
    fn a_gap_or_a_broken_chunk_ends_the_reply() {
        assert_eq!(folded(vec![chunk(0, &["a"]), chunk(2, &["c"])]), "a");
        let broken = KeptChunk { first: 1, parts: "{".to_owned(), lengths: vec![1] };
        assert_eq!(folded(vec![chunk(0, &["a"]), broken, chunk(1, &["b"])]), "a");
    }
}
