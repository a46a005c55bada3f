//! Connections that servers close: what is sent again, and what is not sent on them at all.

use super::*;

fn slept(milliseconds: u64) -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_millis(milliseconds))
}

/// The first request on each connection is answered; at the second the connection ends without a word.
#[tokio::test]
async fn a_get_that_met_a_closing_connection_is_sent_once_more() {
    for (method, expected) in [
        (Method::GET, Ok(200)),
        (Method::HEAD, Ok(200)),
        (Method::PUT, Err("CONNECT")),
        (Method::POST, Err("OUTCOME_UNKNOWN")),
    ] {
        let server =
            RawServer::start(|_, n| if n == 1 { Reply::Close(String::new()) } else { Reply::KeepOpen(ok("")) }).await;
        let client = client();
        client.send(&request(Method::GET, server.url("/"))).await.unwrap();
        let again = client.send(&request(method.clone(), server.url("/"))).await;
        let again = again.map(|response| response.status).map_err(|failure| failure.code.to_string());
        assert_eq!(again, expected.map_err(str::to_owned), "{method}");
        assert_eq!(server.request_count(), if expected.is_ok() { 3 } else { 2 }, "{method}");
    }
}

/// A new connection that ends without a word is the host's answer: nothing is sent twice.
#[tokio::test]
async fn a_new_connection_is_not_tried_twice() {
    let server = RawServer::replying(Reply::Close(String::new())).await;
    let failure = client().send(&request(Method::GET, server.url("/"))).await.unwrap_err();
    assert_eq!((class(&failure), server.request_count()), (("CONNECT".to_owned(), true, true), 1));
}

#[tokio::test]
async fn a_connection_is_left_alone_before_its_server_closes_it() {
    for (said, wait, connections) in [("timeout=1", 0, 2), ("timeout=2, max=9", 1_500, 2), ("timeout=60", 1_500, 1)] {
        let answer = format!("HTTP/1.1 200 OK\r\nKeep-Alive: {said}\r\nContent-Length: 0\r\n\r\n");
        let server = RawServer::replying(Reply::KeepOpen(answer)).await;
        let client = client();
        client.send(&request(Method::POST, server.url("/"))).await.unwrap();
        // The first one is in the pool of those who have not said anything yet.
        slept(wait).await;
        client.send(&request(Method::POST, server.url("/"))).await.unwrap();
        assert_eq!(server.connections(), connections, "{said}");
    }
}
