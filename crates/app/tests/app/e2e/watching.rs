//! Watching a turn that another process runs: live, alike for all watchers, and with few statements.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::PostgresServer;
use testkit::fake_llm::{Gate, Reply};

use super::replicas::{stream, two, two_over};
use crate::support::{App, User, Watcher, setting};

/// A turn that runs, and the answer that it is streamed to.
struct Running {
    conversation: String,
    turn: String,
    answer: reqwest::Response,
}

/// Begins a turn with this reply.
async fn begin(app: &App, user: &User, reply: Reply) -> Running {
    let conversation = user.conversation().await;
    app.llm.script(reply);
    let answer = stream(user, &conversation).await;
    let turn = answer.headers()["x-turn-id"].to_str().unwrap().to_owned();
    Running { conversation, turn, answer }
}

/// The model waits at a gate, and the other process shows what it has said before.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_watched_from_another_process() {
    let (here, there) = two().await;
    let user = here.user("ann").await;
    let (first_gate, second_gate) = (Gate::closed(), Gate::closed());
    let reply = Reply::text("one two three four")
        .waiting_after_words(1, &first_gate)
        .waiting_after_words(3, &second_gate);
    let Running { turn, answer, .. } = begin(&here, &user, reply).await;
    let elsewhere = there.welcome(&user);
    let mut watcher = Watcher::of(&elsewhere, &turn, "").await;
    let started = watcher.next().await.unwrap();
    assert_eq!((&started["event"], &started["type"]), (&json!(0), &json!("started")));
    assert_eq!(watcher.text().await, "one ");
    first_gate.open();
    assert_eq!(watcher.text().await, "two ");
    // One that comes later is shown what was said, and goes on from there.
    let mut late = Watcher::of(&elsewhere, &turn, "").await;
    let mut resumed = Watcher::of(&elsewhere, &turn, "?after=1").await;
    assert_eq!(late.next().await.unwrap(), started);
    assert_eq!((late.text().await, resumed.text().await), ("one ".to_owned(), "two ".to_owned()));
    for watcher in [&mut watcher, &mut resumed] {
        assert_eq!(watcher.text().await, "three ");
    }
    second_gate.open();
    assert_eq!(answer.text().await.unwrap(), "one two three four");

    let ran_here = Watcher::of(&user, &turn, "").await.rest().await;
    assert_eq!((ran_here.len(), &ran_here[5]["type"]), (6, &json!("completed")));
    assert_eq!(watcher.rest().await, ran_here[4..]);
    assert_eq!(late.rest().await, ran_here[2..]);
    assert_eq!(resumed.rest().await, ran_here[4..]);
    assert!(!watcher.was_cut && !late.was_cut && !resumed.was_cut);
}

/// A body that is cut says nothing about the turn; one that ended would.
#[tokio::test(flavor = "multi_thread")]
async fn a_purge_cuts_off_the_watchers_on_another_process() {
    let (here, there) = two().await;
    let user = here.user("ann").await;
    let gate = Gate::closed();
    let running = begin(&here, &user, Reply::text("one two").waiting_after_words(1, &gate)).await;
    let (elsewhere, turn) = (there.welcome(&user), &running.turn);
    let mut watcher = Watcher::of(&elsewhere, turn, "?after=0").await;
    assert_eq!(watcher.text().await, "one ");
    user.delete(&format!("/conversations/{}?soft=false", running.conversation)).await.ok();
    assert_eq!(watcher.rest().await, Vec::<Value>::new());
    assert!(watcher.was_cut);
    elsewhere.get(&format!("/turns/{turn}/events")).await.is_error(404, "turn_not_found");
}

/// All statements of both processes count, those of checkpoints and leases too.
#[tokio::test(flavor = "multi_thread")]
async fn many_watchers_cost_few_statements_and_see_the_same() {
    const STATEMENTS_PER_SECOND: f64 = 15.0;
    /// The pause between two words of the model.
    const PACE: Duration = Duration::from_millis(100);
    let watchers = setting("OMNICHAT_TEST_WATCHERS", 50);
    let seconds = setting("OMNICHAT_TEST_SECONDS", 3);
    // A server whose log holds no other test's statements.
    let server = PostgresServer::options().fast().start();
    let (here, there) = two_over(server.database().await).await;
    let user = here.user("ann").await;
    let gate = Gate::closed();
    // Words for the counted time, and for a second before it and after it.
    let words: Vec<String> = (0..(seconds + 2) * 10).map(|number| format!("word {number}. ")).collect();
    let reply = Reply::pieces(words.iter().map(String::as_str)).slowly(PACE).waiting_after_words(1, &gate);
    let running = begin(&here, &user, reply).await;

    let elsewhere = there.welcome(&user);
    let attaching = Instant::now();
    let mut watching = Vec::new();
    for _ in 0..watchers {
        let (elsewhere, turn) = (elsewhere.clone(), running.turn.clone());
        watching.push(tokio::spawn(async move {
            let mut watcher = Watcher::of(&elsewhere, &turn, "").await;
            let events = vec![watcher.next().await.unwrap(), watcher.next().await.unwrap()];
            (watcher, events)
        }));
    }
    let mut attached = Vec::new();
    for watcher in watching {
        attached.push(watcher.await.unwrap());
    }
    eprintln!("{watchers} watchers attached in {:.1} s", attaching.elapsed().as_secs_f64());
    let watching: Vec<_> = attached
        .into_iter()
        .map(|(mut watcher, mut events)| {
            tokio::spawn(async move {
                events.extend(watcher.rest().await);
                assert!(!watcher.was_cut);
                events
            })
        })
        .collect();
    gate.open();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.log_statements();
    let (before, counted) = (server.logged_statements(), Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    let counted = counted.elapsed();
    let rate = f64::from(u32::try_from(server.logged_statements() - before).unwrap()) / counted.as_secs_f64();
    eprintln!("{rate:.1} statements per second, counted for {:.1} s", counted.as_secs_f64());

    let ran_here = Watcher::of(&user, &running.turn, "").await.rest().await;
    assert_eq!(ran_here.len(), words.len() + 2);
    let mut alike = 0;
    for watcher in watching {
        alike += u32::from(watcher.await.unwrap() == ran_here);
    }
    eprintln!(
        "{alike} of {watchers} watchers saw the {} events that the turn's own process shows",
        ran_here.len()
    );
    assert_eq!(alike, watchers);
    // Another program is measured and not judged.
    if std::env::var_os("OMNICHAT_TEST_PROGRAM").is_none() {
        // Following and checkpoints make some: with fewer, they were not counted.
        assert!((1.0..=STATEMENTS_PER_SECOND).contains(&rate), "{rate} statements per second");
    }
}
