//! A future that is dropped while it begins a transaction must not lose the writes of the connection's next borrower.

use std::future::poll_fn;
use std::pin::pin;
use std::str::FromStr;
use std::task::Poll;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Executor, PgPool, Row};

use super::*;
use crate::pool::guarded;

/// Drops a `BEGIN` after so many polls, with a short pause after each.
async fn cancel_begin(pool: &PgPool, polls: usize) {
    let mut begin = pin!(pool.begin());
    for _ in 0..polls {
        if poll_fn(|context| Poll::Ready(begin.as_mut().poll(context).is_ready())).await {
            return;
        }
        std::thread::sleep(Duration::from_micros(15));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_is_lost_behind_a_cancelled_begin() {
    let url = PostgresServer::shared().database().await;
    let one = PostgresOptions { max_connections: 1, ..PostgresOptions::default() };
    let pool = guarded(one).connect_lazy_with(PgConnectOptions::from_str(&url).unwrap());
    pool.execute("CREATE TABLE written (number integer)").await.unwrap();
    let mut acknowledged = 0_i64;
    for round in 0..3_000 {
        cancel_begin(&pool, 1 + round % 60).await;
        let insert = "INSERT INTO written VALUES (1) RETURNING now() = statement_timestamp()";
        let is_outside: bool = pool.fetch_one(insert).await.unwrap().get(0);
        assert!(is_outside, "round {round}: the connection was inside a transaction");
        acknowledged += 1;
    }
    pool.close().await;
    let kept = PostgresServer::shared().sql(&url, "SELECT count(*) FROM written");
    assert_eq!(kept.parse(), Ok(acknowledged));
}
