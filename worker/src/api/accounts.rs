//! Connecting accounts of third parties (API 8): a browser is sent away, and comes back without a token of ours.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use super::data_sources;
use super::error::Error;
use super::request::Request;
use super::respond;
use super::service::BASE;
use crate::admin::accounts::{self as admin, Away, Finished, Refusal, Returned};

const REFERRER_POLICY: HeaderName = HeaderName::from_static("referrer-policy");
const CONNECTED: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Account connected</title>\n\
    <h1>Account connected</h1>\n<p>The account is connected. You can close this page.</p>\n</html>\n";
const NOT_CONNECTED: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <title>Account not connected</title>\n<h1>Account not connected</h1>\n<p>The account was not connected. Start again at \
    the connector. Where it keeps failing, the operator finds the reason in the log.</p>\n</html>\n";

/// POST `/data_sources/{id}/connect`.
pub(super) async fn connect(mut request: Request) -> Result<Response, Error> {
    let members = request.optional_object().await?;
    let connector = data_sources::found(&request).await?;
    let (caller, config) = (request.caller()?, &request.api.config);
    let base = config.public_url().ok_or_else(Error::internal)?;
    let away = Away {
        actor: caller.actor(),
        until: caller.expires_at,
        redirect_uri: callback(&base)?,
        return_url: return_url(&base, &config.api.cors_origins, &members)?,
    };
    let url = admin::begin(&request.api.store, &connector, away).await.map_err(|refusal| match refusal {
        Refusal::Invalid(invalid) => Error::invalid(&invalid.path, invalid.to_string()),
        Refusal::Store(error) => error.into(),
    })?;
    Ok(respond::ok(&json!({"authorize_url": url.as_str(), "expires_in": admin::EXPIRES_IN.as_secs()})))
}

/// GET `/oauth/callback`: nothing that came in is shown.
pub(super) async fn returned(request: Request) -> Result<Response, Error> {
    let code = request.query.given("code").filter(|_| request.query.get("error").is_none());
    let state = request.query.given("state").unwrap_or_default().to_owned();
    let returned = Returned { state, code: code.map(SecretString::from) };
    let (api, id) = (request.api, request.id);
    // A code is good once: what it is exchanged for is stored, whether the browser waits for it or not.
    let finishing =
        tokio::spawn(async move { admin::finish(&api.store, api.calls.transport.client(), returned, &id).await });
    let finished = finishing.await.map_err(|_| Error::internal())??;
    Ok(match finished {
        Some(Finished { return_url: Some(url), is_connected }) => sent_back(&url, is_connected),
        Some(Finished { return_url: None, is_connected: true }) => page(StatusCode::OK, CONNECTED),
        Some(Finished { return_url: None, is_connected: false }) | None => page(StatusCode::BAD_REQUEST, NOT_CONNECTED),
    })
}

/// GET `/data_sources/{id}/account`.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    let connector = data_sources::found(&request).await?;
    let account = admin::connected(&request.api.store, &connector).await?;
    Ok(respond::ok(&admin::shown(account.as_ref())))
}

/// DELETE `/data_sources/{id}/account`.
pub(super) async fn disconnect(request: Request) -> Result<Response, Error> {
    let connector = data_sources::found(&request).await?;
    admin::disconnect(&request.api.store, &connector, &request.by()?).await?;
    Ok(respond::no_content())
}

fn page(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    without_referrer(response)
}

/// 303 to where the browser came from, with what became of it.
fn sent_back(url: &str, is_connected: bool) -> Response {
    let Ok(mut url) = Url::parse(url) else { return page(StatusCode::BAD_REQUEST, NOT_CONNECTED) };
    let kept: Vec<(String, String)> =
        url.query_pairs().filter(|(name, _)| name != "connected").map(|(n, v)| (n.into(), v.into())).collect();
    let connected = if is_connected { "1" } else { "0" };
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair("connected", connected);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    without_referrer(respond::with_header(response, header::LOCATION, url.as_str()))
}

/// The address of the page holds the code.
fn without_referrer(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Where browsers come back to.
fn callback(base: &Url) -> Result<Url, Error> {
    let path = format!("{}{BASE}/oauth/callback", base.path().trim_end_matches('/'));
    base.join(&path).map_err(|_| Error::internal())
}

/// `return_url`: a page of this installation, or of an origin whose pages may use the API.
fn return_url(base: &Url, origins: &[String], members: &Map<String, Value>) -> Result<Option<Url>, Error> {
    let text = match members.get("return_url") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Error::invalid("return_url", "return_url must be a text")),
    };
    let url = Url::parse(text).ok().filter(|url| is_ours(base, origins, url));
    let problem = "return_url must begin with api.public_url, or with an origin of api.cors_origins";
    url.map(Some).ok_or_else(|| Error::invalid("return_url", problem))
}

/// `*` among the origins lets pages read answers, and sends nobody anywhere.
fn is_ours(base: &Url, origins: &[String], url: &Url) -> bool {
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let folder = base.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(folder);
    let is_below = url.origin() == base.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_below || origins.contains(&url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_sent_to_our_own_pages_only() {
        let base = Url::parse("https://hub.example/dc/").unwrap();
        let origins = ["https://screens.example:8443".to_owned(), "*".to_owned()];
        for (text, is_taken) in [
            ("https://hub.example/dc/connectors/1?tab=a#b", true),
            ("https://hub.example/dc", true),
            ("https://screens.example:8443/x", true),
            ("https://hub.example/dcx", false),
            ("https://hub.example/", false),
            ("http://hub.example/dc/", false),
            ("https://hub.example:444/dc/", false),
            ("https://hub.example.evil.example/dc/", false),
            ("https://me@hub.example/dc/", false),
            ("https://screens.example/x", false),
            ("https://evil.example/", false),
            ("javascript:alert(1)", false),
            ("//hub.example/dc/", false),
            ("/dc/", false),
            ("", false),
        ] {
            let members = Map::from_iter([("return_url".to_owned(), json!(text))]);
            assert_eq!(return_url(&base, &origins, &members).is_ok(), is_taken, "{text}");
        }
        assert!(return_url(&base, &origins, &Map::from_iter([("return_url".to_owned(), json!(7))])).is_err());
        assert!(return_url(&base, &origins, &Map::new()).is_ok_and(|url| url.is_none()));
        assert_eq!(callback(&base).unwrap().as_str(), "https://hub.example/dc/api/1.0/oauth/callback");
    }

    #[test]
    fn the_outcome_is_said_once() {
        let response = sent_back("https://a.example/p?x=1&connected=1", false);
        assert_eq!(response.headers()[header::LOCATION], "https://a.example/p?x=1&connected=0");
    }
}
