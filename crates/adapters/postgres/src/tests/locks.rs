//! A process is known dead by its lock: what proves it, and what does not.

mod processes;

use std::time::{Duration, Instant};

use domain::{EndState, MessageState};
use ports::Chunk;
use sqlx::{Connection, PgConnection};
use testkit::Network;

use super::*;
use processes::{Processes, hold, in_time};

/// How long a lock must be free until others may take its process for dead.
const GRACE: Duration = Duration::from_secs(1);
/// A pause that is longer than that.
const A_SECOND: Duration = Duration::from_millis(1_050);

/// The judge has run for a moment only: it needs no lease of its own that lasts.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_dead_at_the_second_look() {
    in_time(async || {
        let mut processes = Processes::new().await;
        assert_eq!(processes.look().await, 0);
        assert!(!processes.row().await.was_missed);
        processes.kill().await;
        let start = Instant::now();
        let mut early = Vec::new();
        for _ in 0..3 {
            early.push((processes.look().await, processes.begun_elsewhere().await.is_none()));
        }
        let is_slow = start.elapsed() >= GRACE;
        if is_slow && early != [(0, true); 3] {
            return false;
        }
        assert_eq!(early, [(0, true); 3]);
        tokio::time::sleep(A_SECOND).await;
        assert_eq!(processes.look().await, 1);
        let turn = processes.turn.conversation.running.unwrap();
        let ended = record_of(&processes.store, &processes.first, turn).await;
        assert_eq!(ended.ending.map(|ending| ending.state), Some(EndState::Interrupted));
        assert!(processes.begun_elsewhere().await.is_some());
        true
    })
    .await;
}

/// A begin is the second look, if there was a first one. Its process has no lease yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_begin_takes_the_place_of_a_killed_process() {
    let mut processes = Processes::new().await;
    processes.kill().await;
    processes.refuses().await;
    tokio::time::sleep(A_SECOND).await;
    // Begins were no first look.
    processes.refuses().await;
    assert_eq!(processes.look().await, 0);
    tokio::time::sleep(A_SECOND).await;
    let new = Scene { runner: RunnerId(Uuid::now_v7()), ..processes.second };
    let begun = processes.other_store.begin(new.begin_in(processes.turn.conversation.id, "next")).await;
    new.answer(&processes.other_store, &begun.unwrap(), "b").await;
    let finish = processes.first.finish(&processes.turn, "late");
    assert_eq!(processes.store.finish(finish).await.unwrap(), Finished::Lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_between_two_looks_shows_life() {
    let mut processes = Processes::new().await;
    processes.kill().await;
    for _ in 0..2 {
        assert_eq!(processes.look().await, 0);
        tokio::time::sleep(A_SECOND).await;
        processes.store.renew(processes.first.runner).await.unwrap();
    }
    processes.refuses().await;
    processes.completes_its_turn().await;
}

/// The lock was announced in an earlier run of the server, or before a change to a standby.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_another_run_of_the_server_proves_nothing() {
    let mut processes = Processes::new().await;
    processes.kill().await;
    assert_eq!(processes.look().await, 0);
    for other_run in ["- interval '1 hour'", "+ interval '1 microsecond'"] {
        let change = format!("UPDATE omnichat.runners SET locked_in = omnichat.server_run() {other_run}");
        PostgresServer::shared().sql(&processes.url, &change);
        tokio::time::sleep(A_SECOND).await;
        assert_eq!(processes.look().await, 0);
        processes.refuses().await;
    }
    processes.completes_its_turn().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_announced_no_lock_is_judged_by_its_lease_alone() {
    let mut processes = Processes::new().await;
    processes.kill().await;
    processes.sql("UPDATE omnichat.runners SET locked_in = NULL").await;
    for _ in 0..3 {
        assert_eq!(processes.look().await, 0);
        processes.refuses().await;
        tokio::time::sleep(A_SECOND).await;
    }
    processes.completes_its_turn().await;
}

/// Its key is that of a lock that someone else holds: another process, or the same one over a connection that was cut
/// silently.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_another_session_holds_is_waited_for() {
    let mut processes = Processes::new().await;
    processes.kill().await;
    let key = sqlx::query("SELECT pg_advisory_lock(omnichat.lock_key($1))").bind(processes.first.runner.0);
    let mut other = PgConnection::connect(&processes.url).await.unwrap();
    key.execute(&mut other).await.unwrap();
    processes.sql("UPDATE omnichat.runners SET locked_in = NULL").await;
    processes.lock = hold(&processes.store, processes.first.runner);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let row = processes.row().await;
    assert!(row.is_held() && !row.is_announced, "{row:?}");
    other.close().await.unwrap();
    processes.wait_until_announced().await;
    assert_eq!(processes.look().await, 0);
    processes.completes_its_turn().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_connection_was_cut_is_taken_again_at_once() {
    in_time(async || {
        let mut processes = Processes::new().await;
        let looking = processes.keep_looking();
        for _ in 0..5 {
            let before = processes.row().await.holder;
            let start = Instant::now();
            processes.cut().await;
            processes
                .wait_until("the lock is held and announced again", |row| {
                    row.is_held() && row.holder != before && row.is_announced
                })
                .await;
            let is_slow = start.elapsed() >= GRACE;
            if is_slow && looking.ended() > 0 {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        tokio::time::sleep(A_SECOND).await;
        assert_eq!(looking.ended(), 0);
        processes.completes_its_turn().await;
        true
    })
    .await;
}

/// The process lives and reaches the database, but gets no new connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_cannot_be_taken_again_is_withdrawn() {
    in_time(async || {
        let mut processes = Processes::new().await;
        let server = PostgresServer::shared();
        let name = processes.url.rsplit('/').next().unwrap().to_owned();
        let admin = server.url("postgres");
        // The judge looks all the time, over connections that it has already.
        processes.look().await;
        processes.refuses().await;
        server.sql(&admin, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
        let start = Instant::now();
        processes.cut().await;
        let (mut ended, mut withdrawn_after) = (0, None);
        while ended == 0 && start.elapsed() < withdrawn_after.map_or(PATIENCE, |_| 3 * A_SECOND) {
            ended = processes.look().await + u64::from(processes.begun_elsewhere().await.is_some());
            let row = processes.row().await;
            if !row.is_held() && !row.is_announced {
                withdrawn_after.get_or_insert_with(|| start.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let row = processes.row().await;
        server.sql(&admin, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
        if ended > 0 && withdrawn_after.is_none_or(|after| after >= GRACE) {
            return false;
        }
        assert_eq!(ended, 0);
        assert!(!row.is_held() && !row.is_announced, "{row:?}");
        processes.completes_its_turn().await;
        true
    })
    .await;
}

/// The server stops and starts again, or one of its connections crashes, so that it closes all and keeps running. Both are
/// another run of the server, in which no lock counts before it is announced again, however long that takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_ends_no_turn() {
    let server = tokio::task::spawn_blocking(|| PostgresServer::options().start()).await.unwrap();
    let url = server.database().await;
    let store = connect(&url);
    store.migrate().await.unwrap();
    let mut processes = Processes::over(url.clone(), store).await;
    let looking = processes.keep_looking();
    for is_crash in [false, true] {
        if is_crash {
            server.crash();
        } else {
            server.stop_hard();
            tokio::time::sleep(Duration::from_millis(700)).await;
            server.start_again();
        }
        processes.observer = PgConnection::connect(&url).await.unwrap();
        processes.wait_until_announced().await;
        tokio::time::sleep(2 * A_SECOND).await;
    }
    assert_eq!(looking.ended(), 0);
    processes.completes_its_turn().await;
}

/// The network drops everything for less time than a lease lasts.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_silent_for_a_while_ends_no_turn() {
    let (_, url) = fresh().await;
    let server = PostgresServer::shared();
    let network = Network::to(server.address()).await;
    let through = url.replace(&server.address().to_string(), &network.address().to_string());
    let mut processes = Processes::over(url, connect(&through)).await;
    let holder = "SELECT pid FROM omnichat.held_locks()";
    let before = server.sql(&processes.url, holder);
    network.fall_silent();
    let start = Instant::now();
    // The process waits in vain for an answer on the connection of its lock, and for one elsewhere.
    while start.elapsed() < Duration::from_secs(17) {
        assert_eq!(processes.look().await, 0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    network.speak_again();
    let start = Instant::now();
    while start.elapsed() < 2 * A_SECOND {
        assert_eq!(processes.look().await, 0);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.sql(&processes.url, holder), before);
    processes.wait_until_announced().await;
    processes.completes_its_turn().await;
}

/// The lock stays held by a connection that nobody serves, so the lease decides; and the process that comes back has lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_network_never_lets_two_processes_write_one_turn() {
    let (direct, url) = fresh().await;
    let server = PostgresServer::shared();
    let network = Network::to(server.address()).await;
    let through = url.replace(&server.address().to_string(), &network.address().to_string());
    let processes = &mut Processes::over(url, connect(&through)).await;
    let (store, first, turn) = (processes.store.clone(), processes.first, processes.turn.clone());
    let id = turn.conversation.running.unwrap();
    let mut kept = Reply::default();
    kept.push(Delta::Text("kept".to_owned()));
    let chunk = Chunk { turn: id, first: 0, deltas: kept };
    store.checkpoint(first.runner, vec![id], vec![chunk]).await.unwrap();

    network.fall_silent();
    let late = tokio::spawn(async move { store.finish(first.finish(&turn, "kept and more")).await });
    for _ in 0..3 {
        assert_eq!(processes.look().await, 0);
        processes.refuses().await;
        tokio::time::sleep(A_SECOND).await;
    }
    assert!(processes.row().await.is_held());
    processes.sql("UPDATE omnichat.runners SET since = since - interval '21 seconds'").await;
    let expire = format!(
        "UPDATE omnichat.runners SET renewed_at = renewed_at - interval '21 seconds' WHERE id = '{}'",
        first.runner
    );
    server.sql(&processes.url, &expire);
    assert_eq!(processes.other_store.reap(processes.second.runner, now()).await.unwrap(), 1);
    let conversation = processes.turn.conversation.id;
    let next = processes.other_store.begin(processes.second.begin_in(conversation, "next")).await.unwrap();

    network.speak_again();
    // Its statement arrives now, or it had given up before.
    let late = late.await.unwrap();
    assert!(matches!(late, Ok(Finished::Lost) | Err(StoreError::Unavailable(_))), "{late:?}");
    let again = direct.finish(first.finish(&processes.turn, "kept and more")).await.unwrap();
    assert_eq!(again, Finished::Lost);
    assert_eq!(next.window.messages.len(), 2);
    assert_eq!(next.window.messages[1].state, MessageState::Interrupted);
    processes.second.answer(&processes.other_store, &next, "b").await;
    let after = conversation_of(&direct, &first, conversation).await.unwrap();
    assert_eq!((after.last_seq.0, after.message_count, after.running), (4, 2, None));
}
