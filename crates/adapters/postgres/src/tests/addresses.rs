//! The forms of the server's address.

use sqlx::postgres::PgConnectOptions;

use super::*;
use crate::session::Session;

fn options(url: &str) -> PgConnectOptions {
    Session::parse(url).unwrap().address().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_reached_by_its_ipv6_address() {
    let (_, url) = fresh().await;
    let url = PostgresServer::shared().over_ipv6(&url);
    for url in [url.clone(), url.replace("postgres://", "postgresql://"), format!("{url}?sslmode=prefer")] {
        let store = connect(&url);
        store.migrate().await.unwrap();
        is_ready(&store).await;
        let scene = Scene::new(&store).await;
        scene.conversation(&store).await;
        store.close().await;
    }
}

/// RFC 3986, section 3.2.2
#[tokio::test]
async fn an_ipv6_address_is_written_in_brackets() {
    for (url, host) in [
        ("postgres://ann@[::1]:5432/db", "::1"),
        ("postgresql://ann:secret@[2001:DB8::7]/db", "2001:db8::7"),
        ("postgres://ann@[::ffff:192.0.2.1]/db", "::ffff:c000:201"),
        ("postgres://ann@localhost/db?host=[::1]", "::1"),
        ("postgres://ann@localhost/db?host=::1", "::1"),
        ("postgres://ann@192.0.2.1/db", "192.0.2.1"),
        ("postgres://ann@db.example:6432/db", "db.example"),
    ] {
        assert_eq!(options(url).get_host(), host, "{url}");
    }
    for url in ["postgres://ann@[::1/db", "postgres://ann@[fe80::1%25eth0]/db", "postgres://ann@[]/db"] {
        let answer = PostgresStore::connect_lazy(url, PostgresOptions::default());
        assert!(matches!(answer, Err(StoreError::Refused(_))), "{url}");
    }
}

#[test]
fn other_forms_of_the_address_stay_as_they_are() {
    for url in ["postgres:///db?host=/run/postgresql", "postgres://ann@%2Frun%2Fpostgresql/db"] {
        let socket = options(url).get_socket().map(|path| path.display().to_string());
        assert_eq!(socket.as_deref(), Some("/run/postgresql"), "{url}");
    }
    let options = options("postgres://a%40b:p%40ss%2Fw%C3%B6rd@[::1]:6432/my%20db");
    assert_eq!((options.get_username(), options.get_database()), ("a@b", Some("my db")));
    assert_eq!((options.get_host(), options.get_port()), ("::1", 6432));
}
