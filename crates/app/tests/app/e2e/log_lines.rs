//! The log lines of one turn, from its request to its end.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{InjectedFault, Reply};

use super::llm_chat::answer_titles;
use crate::support::{Answer, App, Store, on_sqlite_alone};

on_sqlite_alone!(every_line_of_a_turn_names_its_request_and_the_turn);

const REQUEST: &str = "request-of-this-test";

/// The lines of a log in JSON that name this request.
fn lines_of_request(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["span"]["request.id"] == REQUEST).collect()
}

async fn every_line_of_a_turn_names_its_request_and_the_turn(store: Store) {
    let app = App::start_with(store, &[("LOG_FORMAT", "json")]).await;
    answer_titles(&app);
    app.llm.script(Reply::fault(InjectedFault::status(503)));
    app.llm.script(Reply::pieces(["Once", " upon", " a time"]));
    let user = app.user("ann").await;
    let body = json!({"input": "Write a story", "stream": true});
    let request = user.request(Method::POST, "/chat").header("x-request-id", REQUEST).json(&body);
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let turn = answer.header("x-turn-id").to_owned();
    let ended = format!("turn {turn} ended");
    app.wait_for_log(&ended).await;

    let log = app.log();
    let lines = lines_of_request(&log);
    for message in ["sending the request to openai again", "POST /chat", ended.as_str()] {
        let line = lines.iter().find(|line| line["message"] == message);
        let line = line.unwrap_or_else(|| panic!("{message} is not in a line of the request:\n{log}"));
        assert_eq!(line["span"]["turn.id"], *turn, "{line}");
    }
    for line in log.lines().skip_while(|line| !line.contains(REQUEST)) {
        assert!(line.contains(REQUEST), "a line does not name its request: {line}");
        assert!(line.contains(&turn), "a line does not name its turn: {line}");
    }
}
