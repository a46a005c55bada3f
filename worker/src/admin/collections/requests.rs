//! Requests to `/api/1.0/collections…`, wherever they come from: method, path and body in, status, headers and a body out
//! (COLLECTIONS 2). Who may do what is the door's question; it is asked before.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::form_urlencoded;

use super::collection_list::CollectionQuery;
use super::export::Document;
use super::{
    Actor, Collection, Error, Export, ExportOptions, Idempotency, IfMatch, ImportOptions, ListQuery, Listing, Names,
    Written, embedded, etag, record_json, to_json,
};
use crate::store::Store;

/// Where all paths begin.
pub const BASE: &str = "/api/1.0/collections";

/// What stands in a header's file name as it is.
const FILE_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// In capitals.
    pub method: &'a str,
    /// As it was sent, from [`BASE`] on, without the query.
    pub path: &'a str,
    /// What follows `?`.
    pub query: &'a str,
    /// The whole body.
    pub body: &'a [u8],
    /// A media type.
    pub content_type: Option<&'a str>,
    /// The header.
    pub if_match: Option<&'a str>,
    /// The header.
    pub if_none_match: Option<&'a str>,
    /// The header, and in whose name it counts.
    pub idempotency: Option<(&'a str, &'a str)>,
}

/// An answer.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// By name, in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
pub enum Body {
    /// None.
    Empty,
    /// JSON.
    Json(Value),
    /// A page of records.
    Listing(Box<Listing>),
    /// An export.
    Export(Box<Export>),
    /// A collection with its records.
    Document(Box<Document>),
}

impl Body {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// When the database cannot be reached: the body is not whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Empty => Ok(None),
            Self::Json(_) => match std::mem::replace(self, Self::Empty) {
                Self::Json(value) => Ok(Some(Bytes::from(value.to_string()))),
                _ => Ok(None),
            },
            Self::Listing(listing) => listing.next().await,
            Self::Export(export) => export.next().await,
            Self::Document(document) => document.next().await,
        }
    }
}

impl Answer {
    fn new(status: u16, body: Body) -> Self {
        let media = match &body {
            Body::Empty | Body::Export(_) => None,
            _ => Some(("content-type", "application/json".to_owned())),
        };
        Self { status, headers: media.into_iter().collect(), body }
    }

    fn json(status: u16, value: Value) -> Self {
        Self::new(status, Body::Json(value))
    }

    fn empty() -> Self {
        Self::new(204, Body::Empty)
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn replayed(self, is_replayed: bool) -> Self {
        if is_replayed { self.with("idempotent-replayed", "true") } else { self }
    }
}

/// Answers a request; what goes wrong is an answer too.
pub async fn answer(store: &Store, request: &Request<'_>, actor: &Actor) -> Answer {
    let door = Door { store, request, actor };
    match door.answer().await {
        Ok(answer) => answer,
        Err(error) => {
            if let Error::Store(problem) = &error
                && !problem.is_transient()
            {
                tracing::error!(error = %problem, "a request to collections could not be answered");
            }
            let answer = Answer::json(error.status(), error.to_json());
            if error.status() == 503 { answer.with("retry-after", "1") } else { answer }
        }
    }
}

struct Door<'a> {
    store: &'a Store,
    request: &'a Request<'a>,
    actor: &'a Actor,
}

impl Door<'_> {
    async fn answer(&self) -> Result<Answer, Error> {
        let rest = self.request.path.strip_prefix(BASE).ok_or_else(|| self.nowhere())?;
        let steps: Vec<&str> = rest.split('/').skip(1).collect();
        let method = if self.request.method == "HEAD" { "GET" } else { self.request.method };
        if !rest.is_empty() && !rest.starts_with('/') {
            return Err(self.nowhere());
        }
        match (method, steps.as_slice()) {
            ("GET", []) => self.list().await,
            ("POST", []) => self.make().await,
            ("POST", ["import"]) => self.import_document().await,
            ("GET", [c]) => Ok(Answer::json(200, Value::Object(to_json(&self.collection(c).await?)))),
            ("PUT", [c]) => self.update(c).await,
            ("DELETE", [c]) => self.remove(c).await,
            ("DELETE", [c, "truncate"]) => self.truncate(c).await,
            ("GET", [c, "columns"]) => self.columns(c).await,
            ("POST", [c, "export"]) => self.document(c).await,
            ("GET", [c, "records"]) => self.records(c).await,
            ("POST", [c, "records"]) => self.create(c).await,
            ("GET", [c, "records", "export"]) => self.export(c).await,
            ("POST", [c, "records", "import"]) => self.import(c).await,
            ("GET", [c, "records", id]) => self.record(c, id).await,
            ("PUT" | "PATCH", [c, "records", id]) => self.change(c, id).await,
            ("DELETE", [c, "records", id]) => self.delete(c, id).await,
            _ => Err(self.nowhere()),
        }
    }

    fn nowhere(&self) -> Error {
        Error::NotFound(format!("there is nothing that answers {} {}", self.request.method, self.request.path))
    }

    async fn collection(&self, step: &str) -> Result<Collection, Error> {
        let reference = decoded(step)?;
        super::find(self.store, &reference).await
    }

    fn parameters(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.request.query.as_bytes()).into_owned().collect()
    }

    fn json(&self) -> Result<Value, Error> {
        let mistake = |error: serde_json::Error| Error::BadRequest(format!("the body is not JSON: {error}"));
        serde_json::from_slice(self.request.body).map_err(mistake)
    }

    fn idempotency(&self) -> Option<Idempotency> {
        let Request { method, path, body, idempotency, .. } = self.request;
        idempotency.map(|(caller, key)| Idempotency::new(caller, key, method, path, body))
    }

    fn if_match(&self) -> Option<IfMatch> {
        self.request.if_match.map(super::if_match)
    }

    async fn list(&self) -> Result<Answer, Error> {
        let parameters = self.parameters();
        let query = CollectionQuery::parse(parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())))?;
        Ok(Answer::json(200, query.page(super::all(self.store).await?, self.request.path)))
    }

    async fn make(&self) -> Result<Answer, Error> {
        let made = super::make(self.store, &self.json()?, self.actor).await?;
        Ok(Answer::json(201, Value::Object(to_json(&made))).with("location", format!("{BASE}/{}", made.id)))
    }

    async fn import_document(&self) -> Result<Answer, Error> {
        let made = super::import_document(self.store, self.whole_file().await, self.actor).await?;
        Ok(Answer::json(201, Value::Object(to_json(&made))).with("location", format!("{BASE}/{}", made.id)))
    }

    async fn update(&self, c: &str) -> Result<Answer, Error> {
        let body = self.json()?;
        let collection = self.collection(c).await?;
        super::update(self.store, &collection, &body, self.actor).await?;
        Ok(Answer::empty())
    }

    async fn remove(&self, c: &str) -> Result<Answer, Error> {
        let collection = self.collection(c).await?;
        let forced = self.parameters().iter().any(|(name, value)| name == "force" && value == "1");
        super::remove(self.store, &collection, forced, self.actor).await?;
        Ok(Answer::empty())
    }

    async fn truncate(&self, c: &str) -> Result<Answer, Error> {
        let collection = self.collection(c).await?;
        let idempotency = self.idempotency();
        let replayed = super::truncate(self.store, &collection, (self.actor, idempotency.as_ref())).await?;
        Ok(Answer::empty().replayed(replayed))
    }

    async fn columns(&self, c: &str) -> Result<Answer, Error> {
        let definition = self.collection(c).await?.rules.definition().to_json();
        Ok(Answer::json(200, json!({"data": definition.get("columns")})))
    }

    async fn document(&self, c: &str) -> Result<Answer, Error> {
        let document = super::document(self.store, self.collection(c).await?).await?;
        Ok(Answer::new(200, Body::Document(Box::new(document))))
    }

    async fn records(&self, c: &str) -> Result<Answer, Error> {
        let (collection, parameters) = (self.collection(c).await?, self.parameters());
        let query = ListQuery::parse(parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())))?;
        let listing = super::list_records(self.store, collection, query, self.request.path).await?;
        Ok(Answer::new(200, Body::Listing(Box::new(listing))))
    }

    async fn export(&self, c: &str) -> Result<Answer, Error> {
        let (collection, parameters) = (self.collection(c).await?, self.parameters());
        let options = ExportOptions::parse(parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())))?;
        let (media, extension) = (options.format.media_type(), options.format.extension());
        let name = utf8_percent_encode(&collection.name, FILE_NAME).to_string();
        let disposition = format!("attachment; filename=\"records.{extension}\"; filename*=UTF-8''{name}.{extension}");
        let export = Export::begin(self.store, collection, options).await?;
        let answer = Answer::new(200, Body::Export(Box::new(export))).with("content-type", media);
        Ok(answer.with("content-disposition", disposition))
    }

    async fn import(&self, c: &str) -> Result<Answer, Error> {
        let (collection, parameters) = (self.collection(c).await?, self.parameters());
        let pairs = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let options = ImportOptions::parse(pairs, self.request.content_type)?;
        let source = self.whole_file().await;
        let report = super::import(self.store, collection, options, source, self.actor, |_| {}).await?;
        let status = report.status();
        let mut body = json!(report);
        if status != 200 {
            body["message"] = report.refusal().into();
            body["code"] = "INVALID".into();
        }
        Ok(Answer::json(status, body))
    }

    /// The body as a file that has come already.
    async fn whole_file(&self) -> super::Source {
        let (sender, source) = mpsc::channel(1);
        sender.send(Ok(Bytes::copy_from_slice(self.request.body))).await.unwrap_or_default();
        source
    }

    async fn record(&self, c: &str, id: &str) -> Result<Answer, Error> {
        let collection = self.collection(c).await?;
        let record = super::find_record(self.store, &collection, &decoded(id)?).await?;
        let tag = etag(&record);
        let is_known = |tags: &str| {
            tags.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
        };
        if self.request.if_none_match.is_some_and(is_known) {
            return Ok(Answer::new(304, Body::Empty).with("etag", tag));
        }
        let mut shown = record_json(&collection, &record, &Names::of(self.store).await?);
        shown.insert("collection".to_owned(), embedded(&collection));
        Ok(Answer::json(200, Value::Object(shown)).with("etag", tag))
    }

    async fn create(&self, c: &str) -> Result<Answer, Error> {
        let (body, idempotency) = (self.json()?, self.idempotency());
        let collection = self.collection(c).await?;
        let written = super::create(self.store, &collection, &body, (self.actor, idempotency.as_ref())).await?;
        let location = format!("{BASE}/{}/records/{}", collection.id, written.record.id);
        Ok(self.whole(201, &collection, &written).await?.with("location", location))
    }

    async fn change(&self, c: &str, id: &str) -> Result<Answer, Error> {
        let (body, idempotency) = (self.json()?, self.idempotency());
        let collection = self.collection(c).await?;
        let (place, caller) = ((&collection, &*decoded(id)?), (self.actor, idempotency.as_ref()));
        let if_match = self.if_match();
        if self.request.method == "PATCH" {
            let written = super::patch(self.store, place, &body, caller, if_match.as_ref()).await?;
            return self.whole(200, &collection, &written).await;
        }
        let written = super::replace(self.store, place, &body, caller, if_match.as_ref()).await?;
        Ok(Answer::empty().with("etag", etag(&written.record)).replayed(written.replayed))
    }

    async fn delete(&self, c: &str, id: &str) -> Result<Answer, Error> {
        let (collection, idempotency) = (self.collection(c).await?, self.idempotency());
        let (place, caller) = ((&collection, &*decoded(id)?), (self.actor, idempotency.as_ref()));
        let written = super::delete(self.store, place, caller, self.if_match().as_ref()).await?;
        Ok(Answer::empty().replayed(written.replayed))
    }

    async fn whole(&self, status: u16, collection: &Collection, written: &Written) -> Result<Answer, Error> {
        let mut shown = record_json(collection, &written.record, &Names::of(self.store).await?);
        // The same request is answered as it was, whatever became of the collection.
        shown.insert("title".to_owned(), written.title.as_str().into());
        let answer = Answer::json(status, Value::Object(shown)).with("etag", etag(&written.record));
        Ok(answer.replayed(written.replayed))
    }
}

fn decoded(step: &str) -> Result<String, Error> {
    let text = percent_decode_str(step).decode_utf8();
    let text = text.map_err(|_| Error::BadRequest("the path holds bytes that are no UTF-8".to_owned()))?;
    Ok(text.into_owned())
}
