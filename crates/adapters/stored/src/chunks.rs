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
    let mut reply = Reply::default();
    for chunk in chunks {
        // A chunk may repeat deltas of the chunk before it.
        let known = usize::try_from(chunk.first).ok().and_then(|first| reply.len().checked_sub(first));
        match (known, reply_from(&chunk.parts, &chunk.lengths)) {
            (Some(known), Ok(deltas)) => reply.append(&deltas.since(known)),
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
    fn a_gap_or_a_broken_chunk_ends_the_reply() {
        assert_eq!(folded(vec![chunk(0, &["a"]), chunk(2, &["c"])]), "a");
        let broken = KeptChunk { first: 1, parts: "{".to_owned(), lengths: vec![1] };
        assert_eq!(folded(vec![chunk(0, &["a"]), broken, chunk(1, &["b"])]), "a");
    }
}
