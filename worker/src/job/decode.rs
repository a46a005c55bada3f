//! Bytes to [`Job`]: strict about what the contract requires; unknown members are ignored (CONTRACT 2).

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::configuration::{ConfigCache, Configuration, ParsedConfig};
use super::ids::{ID_BYTES, is_id};
use super::json::{id_text, kind_of, object_of, raw_text, string_member, text_member};
use super::json_text::readable;
use super::members::{CONFIG, JobMembers};
use super::refusal::QUOTED;
use super::{Code, Envelope, ErrorHandling, JOB_TYPE, Limit, Refusal, brief, is_name, job_hash};

/// A job, valid by construction.
#[derive(Debug, Clone)]
pub struct Job {
    /// Unique per activation of the element; compared as text.
    pub id: String,
    /// The id as it came, or as text when only the message carried it.
    pub id_echo: Box<RawValue>,
    /// The engine that published it, `[A-Za-z0-9_-]{1,64}`; `default` when absent.
    pub engine: String,
    /// `process` as it came.
    pub process: Option<Box<RawValue>>,
    /// The innermost BPMN process id, as text.
    pub process_id: Option<String>,
    /// Opaque; `None` means the newest.
    pub process_version: Option<String>,
    /// `request` as it came.
    pub request: Box<RawValue>,
    /// `request.id` as text.
    pub request_id: String,
    /// `element` as it came.
    pub element: Box<RawValue>,
    /// `element.id` as text.
    pub element_id: String,
    /// `element.name`, for messages to people.
    pub element_name: Option<String>,
    /// What the designer configured.
    pub config: Configuration,
    /// Timeout, retries and waits of the element.
    pub error_handling: ErrorHandling,
    /// Request data overlaid by the engine's variables: what templates see.
    pub scope: Arc<Map<String, Value>>,
    /// Epoch milliseconds after which no attempt starts.
    pub deadline_ms: Option<i64>,
    /// SHA-256 of the canonical JSON without `deadline` (RFC 8785).
    pub hash: [u8; 32],
}

/// Reads jobs; cheap to clone. Configurations of elements are cached: all jobs of an element carry the same one.
#[derive(Debug, Clone, Default)]
pub struct Decoder(ConfigCache);

impl Decoder {
    /// Reads a job from a message.
    ///
    /// # Errors
    /// A [`Refusal`] (`BAD_JOB`) that names the member at fault and carries whatever identity could be read.
    pub fn decode(&self, body: &[u8], envelope: &Envelope) -> Result<Job, Box<Refusal>> {
        let body = readable(body);
        let unread = |error| {
            let message = why_unread(&body, &error);
            Box::new(Refusal::unread(Code::BadJob, message, envelope.message_id.clone()))
        };
        let members: JobMembers<'_> = serde_json::from_slice(&body).map_err(unread)?;
        let config = members.text(CONFIG).map(|text| self.0.read(text.get())).transpose().map_err(unread)?;
        Reader { members, config, envelope }.job()
    }
}

/// What is wrong with a message that is no object or has an echoed member twice, with line and column.
fn why_unread(body: &[u8], error: &serde_json::Error) -> String {
    match serde_json::from_slice(body) {
        Err(error) => format!("the message is not JSON: {error}"),
        Ok(Value::Object(_)) => format!("the message is ambiguous: {error}"),
        Ok(_) => "the message is not a JSON object".to_owned(),
    }
}

/// The engine of jobs that are made over REST, whose results stay in the ledger. A message may name it only where the ledger
/// has its job already.
pub const REST_ENGINE: &str = "api";

impl Job {
    /// Whether it was made over REST, as far as its message says.
    pub fn is_of_rest(&self) -> bool {
        self.engine == REST_ENGINE
    }

    /// What is answered to a message that says so where the ledger has no such job.
    pub fn refused_as_reserved(&self) -> Refusal {
        Refusal {
            code: Code::BadJob,
            message: format!("`engine` is `{REST_ENGINE}`, which is reserved for jobs that are made over REST"),
            id: Some(self.id.clone()),
            engine: Some(self.engine.clone()),
            process: self.process.clone(),
            request: Some(self.request.clone()),
            element: Some(self.element.clone()),
            process_id: self.process_id.clone(),
        }
    }
}

struct Reader<'a> {
    members: JobMembers<'a>,
    config: Option<Arc<ParsedConfig>>,
    envelope: &'a Envelope,
}

impl Reader<'_> {
    fn job(mut self) -> Result<Job, Box<Refusal>> {
        self.read().map_err(|message| Box::new(self.refusal(message)))
    }

    fn read(&mut self) -> Result<Job, String> {
        if let Some(kind) = self.envelope.kind.as_deref().filter(|kind| *kind != JOB_TYPE) {
            return Err(format!("the message's type is `{kind}`, not `{JOB_TYPE}`"));
        }
        if let Some(queue) = &self.envelope.refused_reply_to {
            return Err(format!("the reply_to is `{queue}`, which begins with none of amqp.reply_to"));
        }
        let canonical_config = self.config.as_ref().map_or(&[][..], |config| &config.canonical);
        let hash = job_hash(self.members.fragments(canonical_config));
        let id = self.id()?;
        let engine = self.engine()?;
        let process = self.object("process")?;
        let request = self.object("request")?.ok_or("`request` is missing")?;
        let element = self.object("element")?.ok_or("`element` is missing")?;
        let process_id = process.map(|p| text_member(p, "process", "id")).transpose()?.flatten();
        let process_version = process.map(|p| text_member(p, "process", "version")).transpose()?.flatten();
        let request_id = text_member(request, "request", "id")?.ok_or("`request.id` is missing")?;
        let element_id = text_member(element, "element", "id")?.ok_or("`element.id` is missing")?;
        let element_name = string_member(element, "element", "name")?;
        let mut scope = self.map("data")?;
        scope.extend(self.map("variables")?);
        Ok(Job {
            id_echo: self.echo("id").unwrap_or_else(|| raw_text(&id)),
            id,
            engine,
            process_id,
            process_version,
            process: self.echo("process"),
            request_id,
            request: self.echo("request").ok_or("`request` is missing")?,
            element_id,
            element_name,
            element: self.echo("element").ok_or("`element` is missing")?,
            config: self.config()?,
            error_handling: self.error_handling()?,
            scope: Arc::new(scope),
            deadline_ms: self.deadline()?,
            hash,
        })
    }

    /// A member's text as it came, unless that is null.
    fn echo(&self, name: &str) -> Option<Box<RawValue>> {
        self.members.text(name).filter(|text| text.get() != "null").map(ToOwned::to_owned)
    }

    fn id(&self) -> Result<String, String> {
        let in_body = match self.members.value("id") {
            None => None,
            Some(value) => Some(id_text(value).ok_or("`id` must be a string or a number")?),
        };
        let id = match (&self.envelope.message_id, in_body) {
            (Some(property), Some(body)) if *property != body => {
                return Err(format!("`id` is `{body}` but the message_id is `{property}`; they must be the same"));
            }
            (_, Some(body)) if body.is_empty() => return Err("`id` is empty".to_owned()),
            (_, Some(body)) => body,
            (Some(property), None) if !property.is_empty() => property.clone(),
            _ => return Err("there is no job id: neither `id` in the body nor a message_id".to_owned()),
        };
        if is_id(&id) { Ok(id) } else { Err(format!("`id` must have 1 to {ID_BYTES} bytes and no NUL")) }
    }

    fn engine(&self) -> Result<String, String> {
        match self.members.value("engine") {
            None => Ok("default".to_owned()),
            Some(Value::String(name)) if is_name(name) => Ok(name.clone()),
            Some(other) => Err(format!("`engine` is {other}; it must be 1 to 64 of A-Z a-z 0-9 _ -")),
        }
    }

    /// An optional object member; `[]` is not accepted here, since these hold identity.
    fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, String> {
        match self.members.value(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(format!("`{name}` must be an object, not {}", kind_of(other))),
        }
    }

    fn map(&mut self, name: &str) -> Result<Map<String, Value>, String> {
        self.members.take(name).map_or_else(|| Ok(Map::new()), |value| object_of(value, name))
    }

    fn config(&self) -> Result<Configuration, String> {
        self.config.as_ref().map_or(Ok(Configuration::Deployed), |config| config.configuration.clone())
    }

    fn error_handling(&mut self) -> Result<ErrorHandling, String> {
        ErrorHandling::from_value(self.members.take("errorHandling").unwrap_or_default())
    }

    fn deadline(&self) -> Result<Option<i64>, String> {
        match self.members.value("deadline") {
            None => Ok(None),
            Some(Value::String(text)) => match text.parse::<jiff::Timestamp>() {
                Ok(time) => Ok(Some(time.as_millisecond())),
                Err(_) => Err(format!("`deadline` is `{text}`; it must be a time such as 2026-11-23T18:00:00Z")),
            },
            Some(other) => Err(format!("`deadline` must be a string, not {}", kind_of(other))),
        }
    }

    fn refusal(&self, message: String) -> Refusal {
        let id = self.envelope.message_id.clone().or_else(|| self.members.value("id").and_then(id_text));
        let engine = match self.members.value("engine") {
            None => Some("default".to_owned()),
            Some(Value::String(name)) if is_name(name) => Some(name.clone()),
            _ => None,
        };
        let has_id = |name: &str| self.members.value(name).and_then(|value| value.get("id")).and_then(id_text);
        Refusal {
            code: Code::BadJob,
            message: brief(message, Limit::Bytes(QUOTED)).into_owned(),
            id: id.filter(|id| is_id(id)),
            engine,
            process_id: has_id("process"),
            process: has_id("process").and_then(|_| self.echo("process")),
            request: has_id("request").and_then(|_| self.echo("request")),
            element: has_id("element").and_then(|_| self.echo("element")),
        }
    }
}

#[cfg(test)]
mod tests;
