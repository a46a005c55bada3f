//! The API as a client uses it.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::process::Running;
use crate::test_app::TestApp;

/// The API of a process, as the owner of a token.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl TestApp {
    /// Starts a process that serves the API, and whoever its first token names.
    pub async fn serve(&self, arguments: &[&str]) -> (Running, Api) {
        self.serve_with(arguments, &[]).await
    }

    /// The same with these environment variables.
    pub async fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Running, Api) {
        let log = self.path(&format!("serve-{}.log", uuid::Uuid::new_v4().simple()));
        let mut command = self.command(&[]);
        command.args(arguments).args(["--listen", "127.0.0.1:0", "--migrate"]).envs(variables.iter().copied());
        let process = Running::start(&mut command, log);
        let address = process.address().await;
        let output = process.output();
        let token = output.lines().find_map(|line| line.strip_prefix("first admin token: "));
        (process, Api::new(&address, token))
    }
}

impl Api {
    /// The API at an address, with a token.
    pub fn new(address: &str, token: Option<&str>) -> Self {
        Self { client: client(), base: format!("http://{address}"), token: token.map(ToOwned::to_owned) }
    }

    /// The same with another token; none with `None`.
    #[must_use]
    pub fn with(&self, token: Option<&str>) -> Self {
        Self { token: token.map(ToOwned::to_owned), ..self.clone() }
    }

    /// The same as the owner of a new token with these scopes, limited to these connectors where there are some.
    #[must_use]
    pub async fn with_scopes(&self, scopes: &[&str], connectors: &[&str]) -> Self {
        let mut wanted = serde_json::json!({"name": uuid::Uuid::new_v4().to_string(), "scopes": scopes});
        if !connectors.is_empty() {
            wanted["connectors"] = serde_json::json!(connectors);
        }
        let made = self.post("/tokens", &wanted).await;
        assert_eq!(made.status, 201, "{}", made.body);
        self.with(made.json()["token"].as_str())
    }

    /// The token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// What its requests are sent with.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to a path below `/api/1.0`, to be completed and [`sent`].
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.client.request(method, format!("{}/api/1.0{path}", self.base));
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        sent(self.request("GET", path)).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, body).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        sent(self.request("DELETE", path)).await
    }

    /// Any method with JSON.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        sent(self.request(method, path).header("content-type", "application/json").body(body.to_string())).await
    }
}

/// A client that shows redirects instead of following them.
#[expect(clippy::disallowed_methods, reason = "a test's client calls on loopback")]
fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().timeout(Duration::from_mins(1));
    builder.redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Opens a page as a browser does, without a token.
pub async fn browse(url: &str) -> Answer {
    sent(client().get(url)).await
}

/// Sends a request and reads the answer to its end.
pub async fn sent(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = read(response).await;
    Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() }
}

async fn read(mut response: reqwest::Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.expect("a body") {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}
