//! When a process may treat another one as dead.

use ports::{BeginError, RunnerStore, TurnStore};
use testkit::PostgresServer;

use super::{Scene, fresh, now};

/// After an outage of the database all leases have expired. The first process to renew must not end the turns of others.
#[tokio::test(flavor = "multi_thread")]
async fn no_process_counts_as_dead_right_after_an_outage() {
    let (store, url) = fresh().await;
    let alive = Scene::new(&store).await;
    let id = alive.conversation(&store).await;
    let begun = store.begin(alive.begin_in(id, "q")).await.unwrap();
    let other = alive.in_another_process(&store).await;
    let server = PostgresServer::shared();
    let outage = "UPDATE omnichat.runners SET
        renewed_at = now() - interval '1 minute', since = now() - interval '1 hour'";
    server.sql(&url, outage);

    for is_renewed in [false, true] {
        if is_renewed {
            store.renew(other.runner).await.unwrap();
        }
        let refused = store.begin(other.begin_in(id, "next")).await;
        assert!(matches!(refused, Err(BeginError::Busy { .. })), "{refused:?}");
        assert_eq!(store.reap(other.runner, now()).await.unwrap(), 0);
    }
    store.renew(alive.runner).await.unwrap();

    // Later, when one of them is really dead.
    server.sql(&url, "UPDATE omnichat.runners SET since = since - interval '21 seconds'");
    assert_eq!(store.reap(other.runner, now()).await.unwrap(), 0);
    let dead = "UPDATE omnichat.runners SET renewed_at = renewed_at - interval '21 seconds'";
    server.sql(&url, &format!("{dead} WHERE id = '{}'", alive.runner));
    assert_eq!(store.reap(other.runner, now()).await.unwrap(), 1);
    assert!(begun.conversation.running.is_some());
    assert!(store.begin(other.begin_in(id, "next")).await.is_ok());
}
