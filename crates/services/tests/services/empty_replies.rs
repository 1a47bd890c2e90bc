//! Replies without an answer, and finish reasons, on mocked ports.

use std::time::Duration;

use domain::{Contract, EndState, FailureKind, FinishReason};
use omnichat_services::{SendMessage, TurnFailure};

use crate::support::{Step, caller, keeping_store, question, turns};

/// How a turn of this contract ends, and its stored reply.
async fn end_of(contract: Contract, steps: Vec<Step>) -> (EndState, Option<String>) {
    let (store, finishes) = keeping_store();
    let (turns, _, _) = turns(store, steps);
    let message = SendMessage { contract, ..question("?") };
    // The ending that is stored is compared, and not the one that is returned.
    let _ = turns.send(&caller(), message).await.unwrap().whole().await;
    let finish = finishes.only();
    assert!(finish.ledger.is_some(), "the call is counted");
    (finish.ending.state, finish.reply.map(|(_, reply)| reply.text()))
}

const TEXT_ALONE: [Contract; 5] =
    [Contract::LlmChat, Contract::ChatApi, Contract::ChatService, Contract::ChatAi, Contract::PersonaChat];

#[tokio::test(start_paused = true)]
async fn a_reply_without_an_answer_is_a_failure() {
    let empty = EndState::Failed(FailureKind::Empty.into());
    for said in [
        vec![],
        vec![Step::Think("Let me see.")],
        vec![Step::Think("Let me see."), Step::Say("\n\n")],
        vec![Step::Say(" "), Step::Say("\n"), Step::Say("\t")],
        vec![Step::Say("\u{a0}\u{200b}\u{feff}\u{2060}")],
        vec![Step::Refuse(" ")],
    ] {
        for end in ["stop", "length", "tool_calls", "something_new"] {
            let steps = [said.clone(), vec![Step::FinishFor(end)]].concat();
            for contract in TEXT_ALONE {
                let (state, _) = end_of(contract, steps.clone()).await;
                assert_eq!(state, empty, "{steps:?} in {contract:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_explains_an_empty_reply_and_other_content_is_an_answer() {
    for (said, end) in [
        (Step::Think("hm"), FinishReason::ContentFilter),
        (Step::Say("\n"), FinishReason::ContentFilter),
        (Step::Refuse("no"), FinishReason::Stop),
        (Step::CallTool, FinishReason::ToolCalls),
        (Step::CallTool, FinishReason::Stop),
        (Step::Say("."), FinishReason::Length),
    ] {
        let finish = match &end {
            FinishReason::Stop => Step::FinishFor("stop"),
            FinishReason::Length => Step::FinishFor("length"),
            FinishReason::ContentFilter => Step::FinishFor("content_filter"),
            FinishReason::ToolCalls => Step::FinishFor("tool_calls"),
            FinishReason::Other(name) => panic!("{name}"),
        };
        for contract in TEXT_ALONE {
            let (state, _) = end_of(contract, vec![said.clone(), finish.clone()]).await;
            assert_eq!(state, EndState::Completed(end.clone()), "{said:?} in {contract:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reasoning_is_an_answer_where_it_is_shown() {
    let thought = || vec![Step::Think("hm"), Step::Finish];
    let (state, _) = end_of(Contract::OpenAi, thought()).await;
    assert_eq!(state, EndState::Completed(FinishReason::Stop));
    let (state, _) = end_of(Contract::OpenAi, vec![Step::Think(" \n"), Step::Finish]).await;
    assert_eq!(state, EndState::Failed(FailureKind::Empty.into()));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_shown_is_stored_with_the_failure() {
    let (state, reply) = end_of(Contract::ChatAi, vec![Step::Say(" \n"), Step::Finish]).await;
    assert_eq!((state, reply.as_deref()), (EndState::Failed(FailureKind::Empty.into()), Some(" \n")));
}

/// A streamed response has a real status if there is nothing to show before the end.
#[tokio::test(start_paused = true)]
async fn a_reply_that_shows_nothing_fails_before_its_stream_begins() {
    let pause = || Step::Wait(Duration::from_secs(2));
    let grace = Duration::from_secs(8);
    let steps = vec![Step::Think("hm"), pause(), Step::Say("\n"), pause(), Step::Finish];
    let (store, _finishes) = keeping_store();
    let (quiet, _, _) = turns(store, steps);
    let mut turn = quiet.send(&caller(), question("?")).await.unwrap();
    assert_eq!(turn.first_event(grace).await, Err(TurnFailure::Failed(FailureKind::Empty.into())));

    // It begins with the first text, and after the grace without any.
    for (waits, expected) in [(vec![pause()], 2), (vec![pause(); 9], 8)] {
        let steps = [vec![Step::Think("hm")], waits, vec![Step::Say("a"), pause(), Step::Finish]].concat();
        let (store, _finishes) = keeping_store();
        let (talking, _, _) = turns(store, steps);
        let mut turn = talking.send(&caller(), question("?")).await.unwrap();
        let asked = tokio::time::Instant::now();
        assert_eq!(turn.first_event(grace).await, Ok(()));
        assert_eq!(asked.elapsed(), Duration::from_secs(expected));
        assert_eq!(turn.whole().await.unwrap().reply.text(), "a");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_finish_reason_is_shown_as_it_may_be() {
    for (name, shown) in [("guardrail", "guardrail"), ("\u{1b}[31m odd\0\nreason ", "[31m odd reason")] {
        let (state, _) = end_of(Contract::ChatAi, vec![Step::Say("a"), Step::FinishFor(name)]).await;
        assert_eq!(state, EndState::Completed(FinishReason::Other(shown.to_owned())));
    }
}
