//! The file: locks of other processes, a full disk, processes that end abruptly.

use domain::MessagePage;
use ports::{Chunk, ConversationFilter, RunnerStore as _, StoreError, StoreHealth as _};
use sqlx::{ConnectOptions as _, Connection as _};

use super::*;

async fn store_on(scratch: &Scratch) -> SqliteStore {
    let store = SqliteStore::open(&scratch.file()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

#[tokio::test]
async fn commits_are_synced_to_a_log_that_only_the_owner_can_read() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    let mut connection = store.file.clone().unwrap().connect().await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await.unwrap();
    let foreign_keys: i64 =
        sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut connection).await.unwrap();
    assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
    #[cfg(unix)]
    for file in std::fs::read_dir(scratch.file().parent().unwrap()).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
    }
    connection.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn readers_cannot_write() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    assert!(sqlx::query("DELETE FROM users").execute(&store.reads).await.is_err());
}

#[tokio::test]
async fn names_from_before_they_were_compared_in_one_form_are_brought_into_it() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    // Form C, form D, a mixture as Vietnamese keyboards of Windows write it, and a plain name.
    for name in ["zo\u{eb}", "zoe\u{308}", "rene\u{301}", "vi\u{ea}\u{323}t", "ada"] {
        store.sql("INSERT INTO users (username, created_at) VALUES ('old', 0)").await;
        store.sql(format!("INSERT INTO sign_in_names SELECT '{name}', max(id) FROM users")).await;
    }
    store.migrate().await.unwrap();
    let found = async |name: &str| {
        store.find_for_sign_in(name.to_owned()).await.unwrap().map(|record| record.user.id.0)
    };
    for (forms, id) in [
        (["ren\u{e9}", "RENE\u{301}"], 3),
        (["vi\u{1ec7}t", "vie\u{323}\u{302}t"], 4),
        (["vi\u{ea}\u{323}t", "VI\u{1ec6}T"], 4),
        (["ada", "Ada"], 5),
    ] {
        for name in forms {
            assert_eq!(found(name).await, Some(id), "{name:?}");
        }
    }
    // Of two names that are the same now, each is found in its own form.
    assert_eq!((found("zo\u{eb}").await, found("zoe\u{308}").await), (Some(1), Some(2)));
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    let owner = user(&store, "ada").await;
    store.migrate().await.unwrap();
    assert!(ports::UserStore::find(&store, owner).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_new_start() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    exchange(&store, owner, talk.id).await;
    store.close().await;
    let late = store.create(conversation_of(owner)).await.unwrap_err();
    assert!(matches!(late, StoreError::Unavailable(_)));
    assert!(store.check().await.is_err());

    let store = store_on(&scratch).await;
    let read = store.messages(owner, talk.id.into(), MessagePage::default()).await.unwrap();
    let messages = read.granted().unwrap().messages;
    assert_eq!(messages.iter().map(domain::Message::text).collect::<Vec<_>>(), ["why?", "because"]);
    assert!(store.check().await.is_ok());
}

#[tokio::test]
async fn a_new_start_ends_the_turns_that_the_old_one_left() {
    let scratch = Scratch::new();
    let old = store_on(&scratch).await;
    let owner = user(&old, "ada").await;
    let talk = conversation(&old, owner).await;
    let dead = runner();
    old.renew(dead).await.unwrap();
    let order = begin(owner, Target::existing(talk.id), dead);
    let turn = order.turn;
    old.begin(order).await.unwrap();
    let mut whole = said("half ");
    whole.push(Delta::Text("an answer".to_owned()));
    for first in 0..2u32 {
        let deltas = said(if first == 0 { "half " } else { "an answer" });
        old.checkpoint(dead, vec![turn], vec![Chunk { turn, first, deltas }]).await.unwrap();
    }

    let new = SqliteStore::open(&scratch.file()).await.unwrap();
    let alive = runner();
    new.renew(alive).await.unwrap();
    assert_eq!(new.reap(alive, at(9)).await.unwrap(), 1);
    assert_eq!(new.reap(alive, at(9)).await.unwrap(), 0);

    let record = turn_of(&new, owner, turn).await;
    assert_eq!(record.reply, whole);
    let ending = record.ending.unwrap();
    assert_eq!(ending.state, EndState::Interrupted);
    assert_eq!(ending.usage, Usage { output: 5, estimated: true, ..Usage::default() });
    assert_eq!(old.finish(finish(turn, dead, talk.id, "late")).await.unwrap(), ports::Finished::Lost);
    let signals = old.checkpoint(dead, vec![turn], Vec::new()).await.unwrap();
    assert_eq!(signals.lost, [turn]);
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    let owner = user(&store, "ada").await;
    let mut other = store.file.clone().unwrap().connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let writes: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.create(conversation_of(owner)).await })
        })
        .collect();
    for _ in 0..100 {
        assert_eq!(store.count(owner, ConversationFilter::default()).await.unwrap(), 0, "readers go on");
    }
    assert!(writes.iter().all(|write| !write.is_finished()), "writers wait");
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    assert_eq!(store.count(owner, ConversationFilter::default()).await.unwrap(), 64);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_serves_reads_and_recovers() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    let owner = user(&store, "ada").await;
    let talk = conversation(&store, owner).await;
    store.sql("PRAGMA max_page_count = 1").await;
    let mut long = begin(owner, Target::existing(talk.id), runner());
    long.messages = vec![question(&"long ".repeat(100_000))];

    for _ in 0..3 {
        let full = store.begin(long.clone()).await.unwrap_err();
        assert!(
            matches!(full, ports::BeginError::Store(StoreError::Unavailable(_))),
            "a full disk is not the fault of the caller: {full:?}"
        );
    }
    let seen = seen(&store, owner, talk.id).await;
    assert_eq!((seen.last_seq.0, seen.running), (0, None));

    // The limit belongs to the connection. Where the failed write has closed that, there is no limit any more.
    store.sql("PRAGMA max_page_count = 1000000").await;
    assert_eq!(store.begin(long).await.unwrap().question.0, 1);
    let intact: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&store.reads).await.unwrap();
    assert_eq!(intact, "ok");
}

#[tokio::test]
async fn a_database_of_another_version_is_refused() {
    let scratch = Scratch::new();
    let store = store_on(&scratch).await;
    store.sql("UPDATE _sqlx_migrations SET checksum = x'00'").await;
    let Err(StoreError::Refused(why)) = store.migrate().await else { panic!("it is refused") };
    assert_eq!(
        why.to_string(),
        "migration 1 was previously applied but has been modified: another version of this program has made the \
         database"
    );
}
