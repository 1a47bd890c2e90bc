//! Event streams, and what happens when a client leaves or does not read.

use std::time::Duration;

use domain::{EndState, Ending, FinishReason, NanoDollars, Reply, TurnId, Usage};
use ports::{StopOutcome, TurnRecord};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::sockets::{Client, PATIENCE, chunks, serve};
use crate::support::{Gate, Setup, Step, UUID, by_alice, conversation, get, kept, now, setup, start};
use actix_web::test::TestRequest;

const TURN: u128 = 0x77;

/// A turn that ended long ago.
fn with_ended_turn() -> Setup {
    let mut setup = setup();
    setup.turns.expect_find().returning(|_, turn| {
        let mut reply = Reply::default();
        for text in ["Hel", "lo"] {
            reply.push(domain::Delta::Text(text.to_owned()));
        }
        let record = TurnRecord { turn, conversation: conversation().id, reply, ending: Some(ended_now()) };
        Ok((turn == TurnId(Uuid::from_u128(TURN))).then_some(record))
    });
    setup
}

fn ended_now() -> Ending {
    Ending {
        state: EndState::Completed(FinishReason::Stop),
        reply: None,
        usage: Usage::default(),
        cost: NanoDollars(0),
        response_time_ms: 1,
        at: now(),
    }
}

fn events(text: &str) -> Vec<Value> {
    let event = |event: &str| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    text.split_terminator("\n\n").filter(|event| !event.starts_with(':')).map(event).collect()
}

#[actix_web::test]
async fn a_replay_has_every_event_with_its_number() {
    let app = start(with_ended_turn()).await;
    let path = format!("/turns/{}/events", Uuid::from_u128(TURN));
    let whole = app.call(get(&path)).await;
    assert_eq!(whole.header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(whole.header("cache-control"), "no-cache, no-transform");
    let shown = events(&whole.text());
    let types: Vec<_> = shown.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["started", "delta", "delta", "completed"]);
    for (number, event) in shown.iter().enumerate() {
        assert_eq!(event["event"], number);
    }
    let rest = app.call(get(&format!("{path}?after=1"))).await;
    assert_eq!(events(&rest.text()), shown[2..]);
    for after in ["3", "4", "18446744073709551615"] {
        let nothing = app.call(get(&format!("{path}?after={after}"))).await;
        assert_eq!((nothing.status, nothing.text().as_str()), (200, ""), "{after}");
    }
}

#[actix_web::test]
async fn ready_events_share_a_chunk_and_none_is_split() {
    let (settings, services) = with_ended_turn().ready();
    let address = serve(settings, services).await;
    let path = format!("/turns/{}/events", Uuid::from_u128(TURN));
    let answer = Client::ask(address, "GET", &path, "").await.until("0\r\n\r\n").await;
    assert_eq!(chunks(&answer).0.len(), 1);

    let mut long = setup();
    long.turns.expect_find().returning(|_, turn| {
        let mut reply = Reply::default();
        for _ in 0..3_000 {
            reply.push(domain::Delta::Text("some words ".to_owned()));
        }
        let ending = ended_now();
        Ok(Some(TurnRecord { turn, conversation: conversation().id, reply, ending: Some(ending) }))
    });
    let (settings, services) = long.ready();
    let address = serve(settings, services).await;
    let answer = Client::ask(address, "GET", &path, "").await.until("0\r\n\r\n").await;
    let (pieces, _) = chunks(&answer);
    assert!((2..100).contains(&pieces.len()), "{}", pieces.len());
    assert!(pieces.iter().all(|piece| piece.starts_with("data: ") && piece.ends_with("\n\n")));
    assert_eq!(events(&pieces.concat()).len(), 3_002);
}

#[actix_web::test]
async fn an_unknown_turn_is_404() {
    let app = start(with_ended_turn()).await;
    for id in [&Uuid::from_u128(1).to_string(), "nonsense"] {
        let answer = app.call(get(&format!("/turns/{id}/events"))).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "turn_not_found"));
    }
    let path = format!("/turns/{}/events?after=-1", Uuid::from_u128(TURN));
    assert_eq!(app.call(get(&path)).await.status, 422);
}

#[actix_web::test]
async fn a_stop_is_200_even_if_no_turn_is_running() {
    let mut setup = setup();
    setup.turns.expect_request_stop().times(1).returning(|_, _| Ok(StopOutcome::Idle));
    setup.turns.expect_request_stop().times(1).returning(|_, _| Ok(StopOutcome::NotFound));
    setup.turns.expect_request_stop().returning(|_, _| Ok(StopOutcome::Asked(TurnId(Uuid::from_u128(TURN)))));
    let app = start(setup).await;
    let stop = || app.call(by_alice(TestRequest::post().uri(&format!("/conversations/{UUID}/stop"))));
    assert_eq!(stop().await.json(), json!({"stopped": false, "turn_id": null, "conversation_id": UUID}));
    assert_eq!(stop().await.code(), "conversation_not_found");
    let turn = Uuid::from_u128(TURN).to_string();
    assert_eq!(stop().await.json(), json!({"stopped": true, "turn_id": turn, "conversation_id": UUID}));
}

#[actix_web::test]
async fn a_watched_running_turn_has_heartbeats() {
    let gate = Gate::default();
    let steps = vec![Step::Say("Hel"), Step::Gate(gate.clone()), Step::Say("lo"), Step::Usage, Step::Finish];
    let mut setup = setup().with_working_turns(steps);
    setup.settings.heartbeat = Duration::from_millis(50);
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let path = format!("/conversation/completion/{UUID}");
    let mut sender = Client::ask(address, "POST", &path, "{\"message\":\"Hi\",\"stream\":true}").await;
    let head = sender.until("x-turn-id: ").await;
    let turn = &head.split_once("x-turn-id: ").unwrap().1[..36];
    let mut watcher = Client::ask(address, "GET", &format!("/turns/{turn}/events"), "").await;
    watcher.until(": keep-alive\n\n").await;
    gate.open();
    let answer = watcher.until("0\r\n\r\n").await;
    let text = chunks(&answer).0.concat();
    assert!(text.contains("\n\n: keep-alive\n\ndata: "), "{text}");
    let shown = events(&text);
    assert_eq!((shown.len(), shown[3]["type"].as_str()), (4, Some("completed")));
}

#[actix_web::test]
async fn a_client_that_leaves_does_not_stop_the_turn() {
    let gate = Gate::default();
    let steps = vec![Step::Say("Hel"), Step::Gate(gate.clone()), Step::Say("lo"), Step::Usage, Step::Finish];
    let mut setup = setup().with_open_turns(steps);
    let (sent, mut stored) = tokio::sync::mpsc::unbounded_channel();
    setup.turns.expect_finish().returning(move |finish| {
        sent.send(finish.reply.as_ref().map(|(_, reply)| reply.text())).unwrap();
        Ok(kept(finish))
    });
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let path = format!("/conversation/completion/{UUID}");
    let mut tab = Client::ask(address, "POST", &path, "{\"message\":\"Hi\",\"stream\":true}").await;
    tab.until("Hel").await;
    tab.hang_up().await;
    tab.is_closed_within(PATIENCE).await;
    gate.open();
    assert_eq!(stored.recv().await.unwrap().as_deref(), Some("Hello"));
}

#[actix_web::test]
async fn a_client_that_leaves_is_noticed_while_the_model_is_silent() {
    let steps = vec![Step::Say("Hel"), Step::Wait(Duration::from_mins(2)), Step::Usage, Step::Finish];
    let mut setup = setup().with_open_turns(steps);
    setup.settings.heartbeat = Duration::from_mins(1);
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let path = format!("/conversation/completion/{UUID}");
    let mut tab = Client::ask(address, "POST", &path, "{\"message\":\"Hi\",\"stream\":true}").await;
    tab.until("Hel").await;
    assert!(!tab.is_closed_by_server());
    tab.hang_up().await;
    // The first heartbeat, which would find the connection closed, is sent after a minute.
    tab.is_closed_within(PATIENCE).await;
}

#[actix_web::test]
async fn the_connection_of_a_stalled_client_is_closed_and_the_turn_goes_on() {
    let mut steps = vec![Step::SayMuch(64 * 1024); 200];
    steps.extend([Step::Usage, Step::Finish]);
    let mut setup = setup().with_working_turns(steps);
    setup.settings.stall_limit = Duration::from_millis(400);
    let (settings, services) = setup.ready();
    let turns = services.turns.clone();
    let address = serve(settings, services).await;
    let path = format!("/conversation/completion/{UUID}");
    let mut tab = Client::ask(address, "POST", &path, "{\"message\":\"Hi\",\"stream\":true}").await;
    tab.until("HTTP/1.1 200").await;
    tab.is_closed_within(PATIENCE).await;
    let ended = async {
        while turns.running() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the turn ends");
    let answer = tab.until_closed().await;
    assert!(answer.len() < 200 * 64 * 1024);
    assert!(!answer.ends_with("0\r\n\r\n"));
}
