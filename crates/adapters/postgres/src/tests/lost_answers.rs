//! The reply of the database is lost on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A proxy between a store and its database. While it drops replies, it also drops their connections.
struct Proxy {
    url: String,
    drops_replies: Arc<AtomicBool>,
}

impl Proxy {
    async fn start(url: &str) -> Self {
        let (account, address) = url.rsplit_once(':').unwrap();
        let (database_port, database) = address.split_once('/').unwrap();
        let database_port: u16 = database_port.parse().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let drops_replies = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&drops_replies);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", database_port)).await.unwrap();
                tokio::spawn(Self::forward(client, server, Arc::clone(&shared)));
            }
        });
        Self { url: format!("{account}:{port}/{database}"), drops_replies }
    }

    async fn forward(client: TcpStream, server: TcpStream, drops_replies: Arc<AtomicBool>) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::spawn(async move {
            let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        });
        let mut buffer = vec![0; 65_536];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            if drops_replies.load(Ordering::SeqCst) {
                return;
            }
            if to_client.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    }
}

/// A begin that was committed, but whose reply was lost, does not keep its conversation busy for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_whose_begin_got_no_reply_is_ended() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let id = scene.conversation(&store).await;
    let proxy = Proxy::start(&url).await;
    let distant = connect(&proxy.url);
    let heard = distant.begin(scene.begin_in(id, "heard")).await.unwrap();
    scene.answer(&distant, &heard, "a").await;

    proxy.drops_replies.store(true, Ordering::SeqCst);
    let begin = scene.begin_in(id, "unheard");
    let turn = begin.turn;
    let result = distant.begin(begin).await;
    assert!(matches!(result, Err(BeginError::Store(StoreError::Unavailable(_)))), "{result:?}");
    let conversation = conversation_of(&store, &scene, id).await.unwrap();
    assert_eq!((conversation.running, conversation.last_seq.0), (Some(turn), 5));

    proxy.drops_replies.store(false, Ordering::SeqCst);
    let start = Instant::now();
    loop {
        let found = record_of(&store, &scene, turn).await;
        if let Some(ending) = found.ending {
            assert_eq!(ending.state, EndState::Interrupted);
            break;
        }
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    store.begin(scene.begin_in(id, "again")).await.unwrap();
}

/// A finish whose reply was lost is repeated, and counts once.
#[tokio::test(flavor = "multi_thread")]
async fn a_finish_is_repeated_after_a_lost_reply() {
    let (store, url) = fresh().await;
    let scene = Scene::new(&store).await;
    let proxy = Proxy::start(&url).await;
    let distant = connect(&proxy.url);
    let begun = distant.begin(scene.begin_new("q")).await.unwrap();
    proxy.drops_replies.store(true, Ordering::SeqCst);
    let finish = scene.finish(&begun, "a");
    assert!(is_unavailable(&distant.finish(finish.clone()).await));
    proxy.drops_replies.store(false, Ordering::SeqCst);
    let Finished::Done { change, .. } = distant.finish(finish).await.unwrap() else { panic!("lost") };
    let change = change.unwrap();
    assert_eq!((change.message_count, change.totals.input), (1, 10));
}
