//! What is counted of model calls that do not end well, or whose provider reports only a part, on mocked ports.

use std::time::Duration;

use domain::{Contract, NanoDollars, Purpose, ReportedUsage, Usage};
use omnichat_services::TurnSettings;
use ports::{Finish, MockLedger, ModelError, Signals};

use crate::support::{Step, caller, keeping_store, question, settings, titled_turns, turns};

fn reported(input: Option<u64>, output: Option<u64>) -> Step {
    Step::Usage(ReportedUsage { input, output, ..ReportedUsage::default() })
}

/// The end of a turn with these steps, whether it fails or not.
async fn finish_of(steps: Vec<Step>) -> Finish {
    let (store, finishes) = keeping_store();
    let (turns, _, _) = turns(store, steps);
    let _ = turns.send(&caller(), question("How are you?")).await.unwrap().whole().await;
    finishes.only()
}

fn usage_of(finish: &Finish) -> Usage {
    let entry = finish.ledger.as_ref().unwrap();
    assert_eq!((entry.usage, entry.cost), (finish.ending.usage, finish.ending.cost));
    entry.usage
}

#[tokio::test(start_paused = true)]
async fn figures_that_came_before_a_failure_are_kept() {
    let usage = || reported(Some(10), Some(15));
    let failure = || Step::Fail(|| ModelError::Broken("?".into()));
    let truncated = || Step::Fail(|| ModelError::Truncated);
    for steps in [
        vec![Step::Say("Hel"), usage(), failure()],
        vec![Step::Say("Hel"), usage(), truncated()],
        // A stream that ends without a last event.
        vec![usage(), Step::Say("Hel")],
        vec![usage(), failure()],
        vec![usage(), Step::Think("hm"), Step::Finish],
    ] {
        let finish = finish_of(steps.clone()).await;
        let expected = Usage { input: 10, output: 15, ..Usage::default() };
        assert_eq!(usage_of(&finish), expected, "{steps:?}");
        assert_eq!(finish.ending.cost, NanoDollars(175_000), "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn figures_that_came_before_a_stop_are_kept() {
    let (mut store, finishes) = keeping_store();
    store.expect_checkpoint().returning(|_, running, _| Ok(Signals { stop: running, lost: vec![] }));
    let steps = vec![reported(Some(10), Some(15)), Step::Say("Hel"), Step::Wait(Duration::from_hours(1))];
    let (turns, _, _) = turns(store, steps);
    turns.start_upkeep();
    turns.send(&caller(), question("?")).await.unwrap().whole().await.unwrap();
    assert_eq!(usage_of(&finishes.only()), Usage { input: 10, output: 15, ..Usage::default() });
}

#[tokio::test(start_paused = true)]
async fn counts_that_are_missing_or_cannot_be_true_are_estimated_and_marked() {
    // The question has 12 bytes and the reply 9, with a token for each 3 bytes.
    for (input, output, expected) in [
        (Some(10), None, (10, 3)),
        (None, Some(15), (4, 15)),
        (None, None, (4, 3)),
        (Some(0), Some(0), (4, 3)),
        (Some(0), Some(15), (4, 15)),
        (Some(10), Some(0), (10, 3)),
    ] {
        let says = [Step::Think("abc"), Step::Say("Hello!")];
        let finish = finish_of([&says[..], &[reported(input, output), Step::Finish]].concat()).await;
        let expected = Usage { input: expected.0, output: expected.1, estimated: true, ..Usage::default() };
        assert_eq!(usage_of(&finish), expected, "{input:?} {output:?}");
    }
    let finish = finish_of(vec![Step::CallTool, Step::Finish]).await;
    assert_eq!(usage_of(&finish).output, 3, "the id, the name and the arguments of the call");
}

#[tokio::test(start_paused = true)]
async fn a_title_call_is_counted_with_its_figures_whatever_its_end() {
    let usage = || reported(Some(10), Some(15));
    let failure = || Step::Fail(|| ModelError::Broken("?".into()));
    let exact = Usage { input: 10, output: 15, ..Usage::default() };
    for (steps, expected) in [
        (vec![usage(), Step::Say("Greeting"), Step::Finish], exact),
        (vec![usage(), Step::Say("Greet"), failure()], exact),
        (vec![Step::Say("Greet"), usage()], exact),
        (vec![reported(None, Some(15)), Step::Say("Greet"), failure()], Usage { estimated: true, ..exact }),
    ] {
        let (counted, entries) = std::sync::mpsc::channel();
        let mut ledger = MockLedger::new();
        ledger.expect_append().returning(move |entry| {
            counted.send(entry).unwrap();
            Ok(())
        });
        let settings = TurnSettings { titled_by_model: vec![Contract::ChatService], ..settings() };
        let (store, _finishes) = keeping_store();
        // The call of the title and that of the turn follow the same steps.
        let turns = titled_turns(store, ledger, steps.clone(), settings);
        let _ = turns.send(&caller(), question("How are you?")).await.unwrap().whole().await;
        let entry = entries.try_recv().unwrap();
        assert_eq!(entry.purpose, Purpose::Title);
        let usage = Usage { input: if expected.estimated { entry.usage.input } else { 10 }, ..expected };
        assert_eq!(entry.usage, usage, "{steps:?}");
        assert!(entry.usage.input > 0 && entry.cost > NanoDollars(0), "{entry:?}");
        assert!(entries.try_recv().is_err(), "it is counted once");
    }
}
