//! `connectors import|export|list|test`: records as JSON or YAML (sheet 4.1-4.3, CONTRACT 7).

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::output::{self, Format};
use super::settings::Settings;
use super::{exit, input};
use crate::call;
use crate::call::catalog::{Directory, Known};
use crate::config::Config;
use crate::connector::Connector;
use crate::job::{Decoder, Envelope};
use crate::plan::CredentialId;
use crate::setup::{client, plan_limits};
use crate::store::Store;

/// Manages connectors.
#[derive(Debug, Subcommand)]
pub(super) enum Connectors {
    /// Add or update connectors: same uuid, id or name means the same one
    Import(Import),
    /// Print connectors without their credentials, as import reads them
    Export(Export),
    /// List connectors and their resources
    List(List),
    /// Call one resource of a connector
    Test(Test),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Connectors files, JSON or YAML; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// By uuid, id or name; all when none is named
    connectors: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// By uuid, id or name
    connector: String,
    /// The resource's name
    resource: String,
    /// Values for the resource's variables and parameters, a JSON object; `-` is standard input
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

impl Connectors {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        // Files are read and checked before a database is opened.
        let records = match &self {
            Self::Import(import) => import.records()?,
            _ => Vec::new(),
        };
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::Import(_) => import(&store, &config, records).await,
            Self::Export(export) => export.run(&store).await,
            Self::List(list) => list.run(&store).await,
            Self::Test(test) => test.run(store, &config).await,
        }
    }
}

impl Import {
    fn records(&self) -> Result<Vec<(PathBuf, Map<String, Value>)>> {
        let mut all = Vec::new();
        for file in &self.files {
            for record in input::connectors(file)? {
                check(&record).with_context(|| {
                    let name = record.get("name").and_then(Value::as_str).unwrap_or("without a name");
                    format!("{}: connector `{name}`", file.display())
                })?;
                all.push((file.clone(), record));
            }
        }
        Ok(all)
    }
}

/// Whether a record can be used: shape, templates, credentials.
fn check(record: &Map<String, Value>) -> Result<()> {
    Connector::read(record)?;
    let credentials = record.get("credentials").and_then(Value::as_object).cloned();
    let known = Known::new(record, &credentials.clone().unwrap_or_default(), CredentialId::default());
    if let Some(invalid) = known.problem() {
        bail!(invalid.clone());
    }
    // Without credentials the stored ones are kept, so that only given ones can be judged here.
    if credentials.is_some() {
        known.credentials.map_err(anyhow::Error::from)?;
    }
    Ok(())
}

async fn import(store: &Store, config: &Config, records: Vec<(PathBuf, Map<String, Value>)>) -> Result<ExitCode> {
    let client = client(config, None).await?;
    for (file, mut record) in records {
        for warning in unreachable_urls(&client, &record) {
            output::note(&format!("warning: {warning}"));
        }
        let credentials = match record.remove("credentials") {
            Some(Value::Object(credentials)) => Some(credentials),
            _ => None,
        };
        let imported = store
            .import_connector(record, credentials)
            .await
            .with_context(|| format!("{}: nothing of this record was stored", file.display()))?;
        let done = if imported.created { "added" } else { "updated" };
        output::line(&format!("{done} {} (id {}, uuid {})", imported.name, imported.id, imported.uuid));
    }
    Ok(ExitCode::SUCCESS)
}

/// URLs without variables that the guard would refuse as things are now (CONTRACT 7).
fn unreachable_urls(client: &crate::http::Client, record: &Map<String, Value>) -> Vec<String> {
    let Ok(connector) = Connector::read(record) else { return Vec::new() };
    let constant = connector.resources.iter().filter(|resource| !resource.url.contains("{{"));
    constant
        .filter_map(|resource| {
            let denied = client.check_url(&url::Url::parse(&resource.url).ok()?).err()?;
            Some(format!("connector `{}`, resource `{}`: {denied}", connector.name, resource.name))
        })
        .collect()
}

impl Export {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let mut records = Vec::new();
        if self.connectors.is_empty() {
            records.extend(store.connectors().await?.into_iter().map(|stored| Value::Object(stored.export())));
        }
        for reference in &self.connectors {
            match store.connector(reference).await? {
                Some(stored) => records.push(Value::Object(stored.export())),
                None => bail!("there is no connector `{reference}`"),
            }
        }
        output::json(&Value::Array(records));
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let stored = store.connectors().await?;
        if self.format == Format::Json {
            output::json(&Value::Array(stored.iter().map(|c| Value::Object(c.export())).collect()));
            return Ok(ExitCode::SUCCESS);
        }
        let mut rows = Vec::new();
        for connector in &stored {
            let Ok(read) = Connector::read(&connector.record) else { continue };
            for resource in &read.resources {
                let (id, name) = (connector.id.to_string(), connector.name.clone());
                rows.push(vec![id, name, resource.name.clone(), resource.method.to_string(), resource.url.clone()]);
            }
        }
        let header = ["id", "connector", "resource", "method", "url"];
        output::table(&header, &rows, "no connectors yet: add some with `data-connector connectors import FILE`");
        Ok(ExitCode::SUCCESS)
    }
}

impl Test {
    /// What an element would configure in order to hand the data's members over to the parameters of the same names.
    async fn declared_rows(&self, store: &Store, data: &Map<String, Value>) -> Result<Vec<Value>> {
        let stored = store.connector(&self.connector).await?;
        let connector = stored.and_then(|stored| Connector::read(&stored.record).ok());
        let resource = connector.as_ref().and_then(|connector| connector.resource(&self.resource));
        let declared = resource.and_then(|resource| resource.params.as_deref()).unwrap_or_default();
        let given = declared.iter().filter(|param| data.contains_key(&param.key));
        Ok(given.map(|p| json!({"type": "PARAM", "key": p.key, "value": format!("{{{{{}}}}}", p.key)})).collect())
    }

    async fn run(self, store: Store, config: &Config) -> Result<ExitCode> {
        let data = self.data.as_deref().map(input::object).transpose()?.unwrap_or_default();
        let mut element = json!({"dataSource": self.connector, "endpoint": self.resource,
            "dataMapping": [{"key": "response", "value": ""}]});
        let rows = self.declared_rows(&store, &data).await?;
        if !rows.is_empty() {
            element["outboundConfig"] = Value::Array(rows);
        }
        let id = uuid::Uuid::now_v7().to_string();
        let body = json!({"id": id, "engine": "test", "request": {"id": id}, "element": {"id": "test"},
            "config": element, "data": data});
        let job = match Decoder::default()
            .decode(&serde_json::to_vec(&body)?, &Envelope { attempt: 1, ..Envelope::default() })
        {
            Ok(job) => job,
            Err(refusal) => bail!(refusal.message),
        };
        // A refresh token that is used here is used up for the workers, unless it is written down for them.
        let client = client(config, Some(&store)).await?;
        let directory = Directory::of_store(store);
        let ready = match call::prepare(&job, None, &directory, &plan_limits(config)).await? {
            Ok(ready) => ready,
            Err(failure) => return Ok(exit::failed(&failure)),
        };
        if let Err(denied) = client.judge(&ready.plan.request) {
            return Ok(exit::failed(&denied));
        }
        output::note(&format!("{} {}", ready.plan.request.method, ready.plan.request.url));
        match call::attempt(&client, &job, &ready).await {
            Ok(answer) => {
                let response = answer.mapped.data.get("response").cloned().unwrap_or(Value::Null);
                output::json(&json!({"status": answer.status, "response": response}));
                Ok(ExitCode::SUCCESS)
            }
            Err(failure) => Ok(exit::failed(&call::explained(&ready, failure))),
        }
    }
}
