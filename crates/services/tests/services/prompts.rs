//! Prompts and previews of them, on mocked ports.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{
    ErrorCode, JsonText, LedgerEntry, ModelMessage, NanoDollars, Part, Prompt, PromptFields, PromptId,
    PromptVersion, Purpose, ReportedUsage, Usage, UserId,
};
use mockall::predicate::{always, eq};
use omnichat_services::{
    DescribeError, Preview, PreviewRequest, PreviewSource, PromptSettings, Prompts, PromptsError,
    PromptsSetup, Tasks,
};
use ports::{MockLedger, MockPromptStore, ModelError, PromptChange, PromptPatch, StoreError};

use crate::support::{ScriptedModel, Step, caller, clock, now, settings};

/// A prompt of user 1 with version 2 as its current one, or a system template.
fn prompt(owner: Option<UserId>) -> Prompt {
    Prompt {
        id: PromptId(7),
        owner,
        version: 2,
        fields: fields("Hi {name}"),
        usage_count: 0,
        created_at: now(),
        updated_at: now(),
    }
}

fn fields(content: &str) -> PromptFields {
    PromptFields {
        title: "T".to_owned(),
        scenario: "s".to_owned(),
        description: None,
        content: content.to_owned(),
        metadata: JsonText::empty_object(),
    }
}

/// A store with prompt 7, whose first version is different.
fn store() -> MockPromptStore {
    let mut store = MockPromptStore::new();
    store.expect_find().returning(|_, id| Ok((id == PromptId(7)).then(|| prompt(Some(UserId(1))))));
    store.expect_version().returning(|_, id, version| {
        let first = PromptVersion { version: 1, fields: fields("Bye {name}"), created_at: now() };
        Ok((id == PromptId(7) && version == 1).then_some(first))
    });
    store
}

struct Made {
    prompts: Prompts,
    model: Arc<ScriptedModel>,
    entries: Receiver<LedgerEntry>,
    tasks: Tasks,
}

fn made(store: MockPromptStore, steps: Vec<Step>) -> Made {
    let (counted, entries) = channel();
    let mut ledger = MockLedger::new();
    ledger.expect_append().returning(move |entry| {
        counted.send(entry).unwrap();
        Ok(())
    });
    over(store, ledger, steps, entries)
}

fn over(
    store: MockPromptStore,
    ledger: MockLedger,
    steps: Vec<Step>,
    entries: Receiver<LedgerEntry>,
) -> Made {
    let model = Arc::new(ScriptedModel { steps, requests: Mutex::default() });
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    let prompts = Prompts::new(PromptsSetup {
        store: Arc::new(store),
        ledger: Arc::new(ledger),
        model: model.clone(),
        clock: clock(),
        tasks: tasks.clone(),
        settings: PromptSettings { preview_model: settings().title_model, models: settings().models },
    });
    Made { prompts, model, entries, tasks }
}

fn request(source: PreviewSource) -> PreviewRequest {
    PreviewRequest { source, values: BTreeMap::from([("name".to_owned(), "{name} Ada".to_owned())]) }
}

fn stored(version: Option<u32>) -> PreviewRequest {
    request(PreviewSource::Prompt { id: PromptId(7), version })
}

fn content(text: &str) -> PreviewRequest {
    request(PreviewSource::Content(text.to_owned()))
}

async fn preview(prompts: &Prompts, request: PreviewRequest) -> Result<Preview, PromptsError> {
    let prepared = prompts.prepare_preview(&caller(), request).await?;
    prompts.start_preview(prepared)?.answer().await
}

fn usage() -> Step {
    Step::Usage(ReportedUsage { input: Some(10), output: Some(15), ..ReportedUsage::default() })
}

fn code<T>(result: Result<T, PromptsError>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it is refused"),
        Err(error) => error.describe().code,
    }
}

/// S1-48, S1-49
#[tokio::test(start_paused = true)]
async fn a_preview_is_one_counted_call_of_the_preview_model() {
    for (request, asked) in [
        (stored(None), "Hi {name} Ada"),
        (stored(Some(1)), "Bye {name} Ada"),
        (content("{{name}}"), "{{name} Ada}"),
    ] {
        let is_stored = matches!(request.source, PreviewSource::Prompt { .. });
        let mut store = store();
        let uses = usize::from(is_stored);
        store.expect_count_use().with(eq(UserId(1)), eq(PromptId(7))).times(uses).returning(|_, _| Ok(()));
        let made =
            made(store, vec![Step::Say("Hel"), Step::Think("hm"), Step::Say("lo"), usage(), Step::Finish]);
        let preview = preview(&made.prompts, request).await.unwrap();
        assert_eq!(
            (preview.text.as_str(), preview.tokens, preview.model.as_str()),
            ("Hel\nlo", 25, "test-model")
        );
        let requests = made.model.requests.lock().unwrap();
        let question = ModelMessage::from_user(vec![Part::Text(asked.to_owned())]);
        assert_eq!(
            (requests.len(), &requests[0].messages, &requests[0].instructions),
            (1, &vec![question], &None)
        );
        let entry = made.entries.try_recv().unwrap();
        let expected = Usage { input: 10, output: 15, ..Usage::default() };
        assert_eq!(
            (entry.usage, entry.cost, entry.purpose),
            (expected, NanoDollars(175_000), Purpose::Preview)
        );
        assert_eq!((entry.user, entry.conversation, entry.turn), (UserId(1), None, None));
        assert!(made.entries.try_recv().is_err());
    }
}

/// S1-50, Threat 3
#[tokio::test(start_paused = true)]
async fn what_cannot_be_previewed_reaches_no_model() {
    let made = made(store(), vec![Step::Finish]);
    let absent = |version| request(PreviewSource::Prompt { id: PromptId(8), version });
    for (request, expected) in [
        (absent(None), ErrorCode::PromptNotFound),
        (absent(Some(1)), ErrorCode::PromptNotFound),
        (stored(Some(3)), ErrorCode::PromptVersionNotFound),
        (stored(Some(0)), ErrorCode::PromptVersionNotFound),
        (content(" \u{200b}\n"), ErrorCode::ValidationError),
        (content(&"{name}".repeat(20_000)), ErrorCode::ValidationError),
    ] {
        assert_eq!(code(preview(&made.prompts, request.clone()).await), expected, "{:?}", request.source);
    }
    assert_eq!(code(PreviewSource::of(None, Some(1), None)), ErrorCode::BadRequest);
    let both = PreviewSource::of(Some(PromptId(1)), None, Some("x".to_owned())).unwrap();
    assert_eq!(both, PreviewSource::Prompt { id: PromptId(1), version: None });
    assert!(made.model.requests.lock().unwrap().is_empty());
}

/// S1-51
#[tokio::test(start_paused = true)]
async fn a_preview_without_an_answer_is_counted_as_a_call_and_not_as_a_use() {
    for (steps, expected) in [
        (vec![usage(), Step::Say("Hel"), Step::Fail(|| ModelError::Truncated)], ErrorCode::UpstreamTruncated),
        (vec![usage(), Step::Finish], ErrorCode::UpstreamEmpty),
        (vec![usage(), Step::Think("hm"), Step::Say(" \n"), Step::Finish], ErrorCode::UpstreamEmpty),
        (vec![usage()], ErrorCode::UpstreamTruncated),
    ] {
        // A count of its use would be a panic of the mock.
        let made = made(store(), steps);
        assert_eq!(code(preview(&made.prompts, stored(None)).await), expected);
        assert_eq!(made.entries.try_recv().unwrap().usage.total(), 25);
        assert!(made.entries.try_recv().is_err());
    }
    // A request that no provider has accepted costs nothing.
    let made = made(
        store(),
        vec![Step::Fail(|| ModelError::Busy {
            retry_after: Some(Duration::from_secs(7)),
            source: "slow down".into(),
        })],
    );
    let error = preview(&made.prompts, stored(None)).await.unwrap_err().describe();
    assert_eq!(
        (error.code, error.retry_after),
        (ErrorCode::UpstreamRateLimited, Some(Duration::from_secs(7)))
    );
    assert!(made.entries.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_ends_the_call_and_it_is_counted() {
    for reported in [true, false] {
        let mut steps = vec![Step::Say("Hello!"), Step::Wait(Duration::from_hours(1)), Step::Finish];
        if reported {
            steps.insert(0, usage());
        }
        let made = made(store(), steps);
        let prepared = made.prompts.prepare_preview(&caller(), stored(None)).await.unwrap();
        let running = made.prompts.start_preview(prepared).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(made.entries.try_recv().is_err());
        drop(running);
        // The task is tracked, and ends by itself.
        assert!(made.tasks.shut_down(Duration::from_secs(1), Duration::ZERO).await);
        let entry = made.entries.try_recv().unwrap();
        assert_eq!((entry.purpose, entry.usage.estimated), (Purpose::Preview, !reported));
        assert_eq!(entry.usage.output, if reported { 15 } else { 2 });
        assert!(made.entries.try_recv().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_not_made_is_not_counted() {
    let made = made(store(), vec![Step::Finish]);
    let prepared = made.prompts.prepare_preview(&caller(), stored(None)).await.unwrap();
    drop(made.prompts.start_preview(prepared).unwrap());
    assert!(made.tasks.shut_down(Duration::from_secs(1), Duration::ZERO).await);
    assert!(made.model.requests.lock().unwrap().is_empty() && made.entries.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_the_call_and_it_is_counted() {
    let made =
        made(store(), vec![usage(), Step::Say("Hel"), Step::Wait(Duration::from_hours(1)), Step::Finish]);
    let prepared = made.prompts.prepare_preview(&caller(), stored(None)).await.unwrap();
    let running = made.prompts.start_preview(prepared).unwrap();
    assert!(made.tasks.shut_down(Duration::from_secs(5), Duration::from_secs(5)).await);
    assert_eq!(code(running.answer().await), ErrorCode::ShuttingDown);
    assert_eq!(made.entries.try_recv().unwrap().usage.total(), 25);
    let prepared = made.prompts.prepare_preview(&caller(), stored(None)).await.unwrap();
    assert_eq!(code(made.prompts.start_preview(prepared)), ErrorCode::ShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_shown_although_it_cannot_be_counted() {
    let unavailable = || StoreError::Unavailable("away".into());
    let (mut store, mut ledger) = (store(), MockLedger::new());
    store.expect_count_use().returning(move |_, _| Err(unavailable()));
    ledger.expect_append().returning(move |_| Err(unavailable()));
    let made = over(store, ledger, vec![Step::Say("Hi"), Step::Finish], channel().1);
    assert_eq!(preview(&made.prompts, stored(None)).await.unwrap().text, "Hi");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_a_filter_has_emptied_is_an_answer_and_a_panic_is_none() {
    let mut filtering = store();
    filtering.expect_count_use().with(always(), always()).times(1).returning(|_, _| Ok(()));
    let filtered = made(filtering, vec![Step::FinishFor("content_filter")]);
    assert_eq!(preview(&filtered.prompts, stored(None)).await.unwrap().text, "");
    let panicking = made(store(), vec![Step::Panic]);
    assert_eq!(code(preview(&panicking.prompts, stored(None)).await), ErrorCode::InternalError);
}

/// S1-54
#[tokio::test]
async fn system_templates_are_not_changed_and_foreign_prompts_are_absent() {
    let mut store = MockPromptStore::new();
    let change = |id| if id == PromptId(7) { PromptChange::Template } else { PromptChange::Absent };
    store.expect_update().returning(move |_, id, _, _| {
        Ok(match change(id) {
            PromptChange::Template => PromptChange::Template,
            PromptChange::Absent | PromptChange::Done(()) => PromptChange::Absent,
        })
    });
    store.expect_delete().returning(move |_, id| Ok(change(id)));
    store.expect_find().returning(|_, _| Ok(None));
    let made = made(store, Vec::new());
    for (id, expected) in [(7, ErrorCode::PromptForbidden), (8, ErrorCode::PromptNotFound)] {
        let id = PromptId(id);
        assert_eq!(code(made.prompts.update(&caller(), id, PromptPatch::default()).await), expected);
        assert_eq!(code(made.prompts.delete(&caller(), id).await), expected);
    }
    let page = domain::Page { limit: 1, offset: 0 };
    assert_eq!(code(made.prompts.versions(&caller(), PromptId(8), page).await), ErrorCode::PromptNotFound);
}
