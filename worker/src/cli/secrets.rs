//! `secrets set|list|remove`: named values that records and elements refer to as `{{secret:NAME}}`.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::output::{self, Format};
use super::settings::Settings;
use crate::admin::secrets as admin;
use crate::clock::rfc3339;
use crate::job::without_mark;
use crate::store::{ListedSecret, Store};

/// Manages named secrets.
#[derive(Debug, Subcommand)]
pub(super) enum Secrets {
    /// Set a secret to what comes from standard input; a line break at its end is dropped
    Set(Set),
    /// List secrets, without their values
    List(List),
    /// Remove a secret
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(super) struct Set {
    /// 1 to 64 of A-Z a-z 0-9 _ -
    name: String,
    /// A host it may be sent to: HOST, HOST:PORT or http://HOST:PORT, https unless written; repeatable. Anywhere when none is
    /// named
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// Its name
    name: String,
}

impl Secrets {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        match self {
            Self::Set(set) => {
                let value = set.value()?;
                let store = settings.store(&config).await?;
                admin::set(&store, &set.name, &value, &set.host).await?;
                for warning in admin::warnings(&value, &set.host) {
                    output::note(&format!("warning: {warning}"));
                }
                output::note(&format!("set; write {{{{secret:{}}}}} where it belongs", set.name));
            }
            Self::List(list) => list.run(&settings.store(&config).await?).await?,
            Self::Remove(remove) => {
                admin::remove(&settings.store(&config).await?, &remove.name).await?;
                output::note("removed; calls that refer to it fail as CONFIGURATION");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    fn value(&self) -> Result<SecretString> {
        admin::check(&self.name, &self.host)?;
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the value on standard input is not UTF-8 text")?;
        let text = without_mark(&text);
        let value = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        if value.is_empty() {
            bail!("standard input held no value; write: printf %s VALUE | data-connector secrets set {}", self.name);
        }
        Ok(SecretString::from(value))
    }
}

impl List {
    async fn run(&self, store: &Store) -> Result<()> {
        let secrets = store.secrets().list().await?;
        if self.format == Format::Json {
            let one = |s: &ListedSecret| json!({"name": s.name, "hosts": s.hosts, "set": rfc3339(s.updated_at)});
            output::json(&Value::Array(secrets.iter().map(one).collect()));
            return Ok(());
        }
        let row = |secret: &ListedSecret| {
            let hosts = if secret.hosts.is_empty() { "anywhere".to_owned() } else { secret.hosts.join(", ") };
            vec![secret.name.clone(), hosts, rfc3339(secret.updated_at)]
        };
        let rows: Vec<Vec<String>> = secrets.iter().map(row).collect();
        output::table(
            &["name", "may go to", "set"],
            &rows,
            "no secrets yet: set one with `data-connector secrets set NAME`",
        );
        Ok(())
    }
}
