//! Tests of matching transcripts. Messages are written as `user one`; `part` is a reply that broke off.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::*;
use crate::{ConversationId, MessageId, MessageNumber, Timestamp};

fn stored(seq: i64, written: &str) -> Message {
    let (role, text) = written.split_once(' ').unwrap();
    let (role, state) = match role {
        "user" => (Role::User, MessageState::Completed),
        "system" => (Role::System, MessageState::Completed),
        "part" => (Role::Assistant, MessageState::Stopped),
        _ => (Role::Assistant, MessageState::Completed),
    };
    Message {
        id: MessageId(Uuid::from_u128(1)),
        number: MessageNumber(seq),
        conversation: ConversationId(Uuid::from_u128(1)),
        seq: Seq(seq),
        parent: None,
        turn: None,
        role,
        parts: vec![Part::Text(text.to_owned())],
        state,
        reply: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn place(path: &[&str], posted: &[&str]) -> Placement {
    let posted = posted.iter().map(|written| {
        let (role, text) = written.split_once(' ').unwrap();
        (if role == "user" { Role::User } else { Role::Assistant }, text)
    });
    let mut matcher = TranscriptMatcher::new(posted);
    for (seq, written) in (1..).zip(path) {
        if !matcher.take(stored(seq, written)) {
            break;
        }
    }
    matcher.finish()
}

fn partly(stored: usize, keep_to: i64) -> Placement {
    Placement::Partly { stored, keep_to: Seq(keep_to) }
}

fn again(question: i64, text: &str) -> Placement {
    Placement::Again { question: Seq(question), parts: vec![Part::Text(text.to_owned())] }
}

#[test]
fn a_new_message_alone_follows_what_is_stored() {
    let path = ["user one", "reply 1", "user two", "reply 2"];
    for posted in ["user three", "user one", "user two"] {
        assert_eq!(place(&path, &[posted]), Placement::New, "{posted}");
    }
    assert_eq!(place(&[], &["user one"]), Placement::New);
    assert_eq!(place(&[], &["user one", "reply 1", "user two"]), Placement::New);
}

#[test]
fn of_a_transcript_only_the_end_is_new() {
    let path = ["user one", "reply 1", "user two", "reply 2"];
    let mut posted = path.to_vec();
    posted.push("user three");
    assert_eq!(place(&path, &posted), partly(4, 4));
    // Messages that another client has added leave the path, and so does what an edit replaces.
    assert_eq!(place(&path, &["user one", "reply 1", "user other"]), partly(2, 2));
    assert_eq!(place(&path, &["user one", "reply changed", "user two"]), partly(1, 1));
    assert_eq!(place(&path, &["user one", "user two"]), partly(1, 1));
    assert_eq!(place(&path, &["user other", "reply 1", "user two"]), Placement::New);
}

/// A client has edited its first question: that was posted alone, so it was appended.
#[test]
fn a_transcript_may_begin_with_a_later_message() {
    let path = ["user one", "reply 1", "user two", "reply 2"];
    assert_eq!(place(&path, &["user two", "reply 2", "user three"]), partly(2, 4));
    assert_eq!(place(&path, &["reply 2", "user three"]), partly(1, 4));
    assert_eq!(place(&path, &["user two", "user three"]), Placement::New, "no reply is equal");
    let path = ["user one", "reply 1", "user two", "reply 2", "user three", "reply 3"];
    assert_eq!(place(&path, &["user two", "reply 2", "user other"]), partly(2, 4));
    assert_eq!(place(&path, &["user two", "reply 2", "user three"]), again(5, "three"));
    for end in [&["user two"][..], &["user two", "part 2"], &["user two", "part 2", "user more"]] {
        let path: Vec<&str> = path[..2].iter().chain(end).copied().collect();
        let last = i64::try_from(path.len()).unwrap();
        assert_eq!(place(&path, &["user two", "user three"]), partly(1, last), "{end:?}");
    }
    let path = ["user one", "reply 1", "user one", "reply other", "user two"];
    assert_eq!(place(&path, &["user one", "reply other", "user three"]), partly(2, 5));
}

#[test]
fn invisible_characters_make_no_difference() {
    let path = ["user one\ntwo", "reply a  b\r\n c\u{7}", "user \u{feff}three"];
    assert_eq!(place(&path, &["user onetwo", "reply ab\u{2003}c", "user three", "user four"]), partly(3, 3));
    assert_eq!(place(&path, &["user onetwo", "user ab c"]), partly(1, 1), "the roles differ");
    assert_eq!(place(&path, &["user Onetwo", "reply abc", "user four"]), Placement::New);
}

#[test]
fn a_stored_question_is_answered_again() {
    let path = ["user one", "reply 1", "user two"];
    assert_eq!(place(&path, &path), again(3, "two"));
    let path = ["user one", "reply 1", "user two", "reply 2", "user three"];
    assert_eq!(place(&path, &path[..3]), again(3, "two"));
    assert_eq!(place(&["user a", "user a", "reply 1"], &["user a", "user a"]), again(2, "a"));
    let twice = ["user one", "reply 1", "user two", "user two"];
    assert_eq!(place(&twice, &twice[..3]), again(4, "two"), "the newest one");
}

#[test]
fn a_first_question_without_a_complete_reply_is_answered_again() {
    assert_eq!(place(&["user one"], &["user one"]), again(1, "one"));
    assert_eq!(place(&["user one", "part 1"], &["user one"]), again(1, "one"));
    assert_eq!(place(&["user one", "user two"], &["user two"]), again(2, "two"));
    assert_eq!(place(&["user one", "part 1", "user two"], &["user two"]), again(3, "two"));
    assert_eq!(place(&["user one", "user two"], &["user one"]), Placement::New, "it is not the last one");
    assert_eq!(place(&["user one"], &["user two"]), Placement::New);
    assert_eq!(place(&["user one", "user two", "reply 2"], &["user two"]), Placement::New);
}

#[test]
fn what_failed_may_be_left_out_and_stays() {
    let path = ["user one", "user two", "reply 2", "user three", "part 3", "user four"];
    for posted in [
        &["user one", "user two", "reply 2", "user three", "part 3", "user four", "user five"][..],
        &["user two", "reply 2", "user three", "part 3", "user five"],
        &["user two", "reply 2", "user three", "user five"],
        &["user one", "user two", "reply 2", "user three", "user four", "user five"],
    ] {
        assert_eq!(place(&path, posted), partly(posted.len() - 1, 6), "{posted:?}");
    }
    // A reply that is not complete, and its question, in the middle of the path.
    let path = ["user one", "part 1", "user two", "reply 2"];
    assert_eq!(place(&path, &["user two", "reply 2", "user three"]), partly(2, 4));
    // At its end, this is an edit of the question.
    let path = ["user one", "reply 1", "user two", "part 2"];
    assert_eq!(place(&path, &["user one", "reply 1", "user other"]), partly(2, 2));
    assert_eq!(place(&path, &["user one", "reply 1", "user two", "user other"]), partly(3, 4));
}

#[test]
fn an_incomplete_reply_may_be_known_in_part_or_be_replaced() {
    let path = ["user one", "part a b c"];
    assert_eq!(place(&path, &["user one", "reply a b", "user two"]), partly(2, 2));
    assert_eq!(place(&path, &["user one", "reply abc", "user two"]), partly(2, 2));
    assert_eq!(place(&path, &["user one", "user two"]), partly(1, 2));
    // The client has seen more than what was stored of the reply.
    assert_eq!(place(&path, &["user one", "reply a b c d", "user two"]), partly(1, 1));
    assert_eq!(place(&["user one"], &["user one", "reply a", "user two"]), partly(1, 1));
    let complete = ["user one", "reply a b c"];
    assert_eq!(place(&complete, &["user one", "reply a b", "user two"]), partly(1, 1));
}

#[test]
fn messages_that_cannot_be_posted_may_be_left_out() {
    let path = ["system rules", "user one", "reply \n", "user two", "reply 2"];
    assert_eq!(place(&path, &["user one", "user two", "reply 2", "user three"]), partly(3, 5));
    assert_eq!(place(&path[..3], &["user one", "user two"]), partly(1, 3));
}

#[test]
fn of_several_ways_the_longest_is_taken() {
    let path = ["user a", "user a", "reply 1", "user a", "part x", "user a", "reply 2"];
    assert_eq!(place(&path, &["user a", "reply 1", "user a", "reply 2", "user b"]), partly(4, 7));
    assert_eq!(place(&path, &["user a", "user a", "reply 1", "user a", "user b"]), partly(4, 6));
}

/// C-19: the client shows no more than what it posts.
#[test]
fn of_equal_ways_the_one_from_the_first_stored_message_is_taken() {
    let path = ["user hi", "reply hello", "user two", "reply 2", "user hi", "reply hello", "user three"];
    assert_eq!(place(&path, &["user hi", "reply hello", "user other"]), partly(2, 2));
    assert_eq!(place(&path, &["user hi", "reply hello", "user three"]), again(7, "three"));
    let path = ["user ok", "reply ok", "user ok", "reply ok", "user ok", "reply ok"];
    assert_eq!(place(&path, &path[..3]), again(3, "ok"));
    assert_eq!(place(&path, &path[..5]), again(5, "ok"));
}

#[test]
fn a_message_alone_is_compared_up_to_the_first_reply() {
    let mut alone = TranscriptMatcher::new([(Role::User, "one")]);
    assert!(alone.take(stored(1, "user one")));
    assert!(!alone.take(stored(2, "reply 1")));
    assert_eq!(alone.finish(), Placement::New);
}

/// Many long messages, all equal or each the beginning of the next, against as many that may be left out.
#[test]
fn equal_messages_are_matched_in_little_time() {
    let long = "word ".repeat(500);
    let parts: Vec<String> = (1..=500).map(|length| long[..length].to_owned()).collect();
    let equal = vec![(Role::User, long.as_str()); 2_000];
    let nested = parts.iter().map(|part| (Role::Assistant, part.as_str()));
    for (posted, written) in [(equal, format!("user {long}")), (nested.collect(), format!("part {long}"))] {
        let attempts = (0..3).map(|_| {
            let start = Instant::now();
            let mut matcher = TranscriptMatcher::new(posted.clone());
            let count = i64::try_from(matcher.posted.len()).unwrap();
            assert!((1..=count).all(|seq| matcher.take(stored(seq, &written))));
            assert_ne!(matcher.finish(), Placement::New);
            start.elapsed()
        });
        // The quickest one counts: a busy machine may stand still for seconds.
        let quickest = attempts.min().unwrap();
        assert!(quickest < Duration::from_secs(5), "{quickest:?}");
    }
}
