//! Many requests at once.

use std::time::Duration;

use testkit::fake_llm::Reply;

use crate::support::{App, Store, on_both_stores};

on_both_stores!(a_conversation_runs_one_turn_at_a_time, conversations_run_at_the_same_time);

async fn a_conversation_runs_one_turn_at_a_time(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    app.llm.otherwise(Reply::echo().slowly(Duration::from_millis(1)));
    let mut answered = 0;
    for round in 0..5 {
        let sends = (0..64).map(|number| {
            let (user, id) = (user.clone(), id.clone());
            tokio::spawn(async move { user.say(&id, &format!("{round}-{number}")).await })
        });
        for send in sends.collect::<Vec<_>>() {
            let answer = send.await.unwrap();
            if answer.status == 200 {
                answered += 1;
            } else {
                answer.is_error(409, "conversation_busy");
                assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
            }
        }
    }
    assert!(answered >= 5, "{answered}");
    let history = user.history(&id).await;
    assert_eq!(history.len(), 2 * answered);
    for exchange in history.chunks(2) {
        let question = exchange[0].strip_prefix("user: ").expect("a question");
        assert_eq!(exchange[1], format!("assistant: You said: {question}"));
    }
    assert_eq!(app.llm.call_count(), answered);
}

async fn conversations_run_at_the_same_time(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    app.llm.otherwise(Reply::echo().slowly(Duration::from_millis(50)));
    let turns = (0..40).map(|number| {
        let user = user.clone();
        tokio::spawn(async move {
            let id = user.conversation().await;
            user.say(&id, &format!("n{number}")).await.ok();
            assert_eq!(user.history(&id).await[1], format!("assistant: You said: n{number}"));
        })
    });
    for turn in turns.collect::<Vec<_>>() {
        turn.await.unwrap();
    }
}
