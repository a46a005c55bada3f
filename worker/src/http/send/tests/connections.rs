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

/// Closes every connection 4 ms after its answer without a word, and reads nothing more from it; `tells` at each request.
async fn hasty_server(status_line: &'static str, seen: Arc<std::sync::Mutex<Vec<String>>>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut head = [0; 4_096];
                let length = socket.read(&mut head).await.unwrap_or(0);
                seen.lock().unwrap().push(String::from_utf8_lossy(&head[..length]).into_owned());
                socket.write_all(format!("{status_line}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.ok();
                slept(4).await;
            });
        }
    });
    url
}

/// One after the other, at once, and with requests of other methods between them: each is answered, and none sent twice.
#[tokio::test]
async fn what_may_not_be_sent_again_is_not_put_on_a_connection_that_may_be_closing() {
    for names in [vec![], vec!["SOAPAction".to_owned()]] {
        for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
            let seen = Arc::<std::sync::Mutex<Vec<String>>>::default();
            let url = hasty_server("HTTP/1.1 200 OK", Arc::clone(&seen)).await;
            let client = client();
            let mut spec = request(Method::POST, url.clone()).with_written_names(names.clone());
            spec.method = method.clone();
            for pause in (0..40).map(|n| n % 8) {
                assert_eq!(client.send(&spec).await.map(|r| r.status).map_err(|f| f.message), Ok(200), "{method}");
                slept(pause).await;
            }
            let at_once = (0..20).map(|_| client.send(&spec));
            for answer in futures_util::future::join_all(at_once).await {
                assert_eq!(answer.map(|r| r.status).map_err(|f| f.message), Ok(200), "{method} at once");
            }
            // Another one finds out now whether the server keeps connections, and later once more.
            slept(1_100).await;
            client.send(&request(Method::GET, url)).await.unwrap();
            for _ in 0..5 {
                assert_eq!(client.send(&spec).await.map(|r| r.status).map_err(|f| f.message), Ok(200), "{method}");
            }
            let posts = seen.lock().unwrap().iter().filter(|seen| seen.starts_with(method.as_str())).count();
            assert_eq!(posts, 65, "{method}");
        }
    }
}

/// A server that keeps connections is found to, and then gets all requests over one.
#[tokio::test]
async fn connections_that_are_kept_are_used() {
    for (names, first) in [
        (vec![], Method::POST),
        (vec![], Method::GET),
        (vec!["SOAPAction".to_owned()], Method::POST),
        (vec!["x-lower".to_owned()], Method::POST),
    ] {
        let server = RawServer::replying(Reply::KeepOpen(ok(""))).await;
        let client = client();
        let spec = |method: Method| request(method, server.url("/")).with_written_names(names.clone());
        client.send(&spec(first.clone())).await.unwrap();
        if first == Method::GET {
            client.send(&spec(Method::GET)).await.unwrap();
        } else {
            slept(1_100).await;
        }
        for _ in 0..20 {
            client.send(&spec(Method::POST)).await.unwrap();
        }
        assert_eq!(server.connections(), 1, "{names:?} {first}");
    }
}
