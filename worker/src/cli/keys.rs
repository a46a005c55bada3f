//! `keys new|list|rotate|retire`: the keys that credentials and secrets are sealed with.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::actor;
use super::output::{self, Format};
use super::settings::Settings;
use crate::admin::keys::{self as admin, RotationPlan, plan_rotation};
use crate::store::{self, KeyStatus, Store};

/// Manages the keys of the vault.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Print a new key, for vault.key or a file
    New,
    /// List the keys and how many values each has sealed
    List(List),
    /// Seal everything with today's key; where keys are in a file, a new one is made first
    Rotate(Rotate),
    /// Remove keys from the file that nothing is sealed with any more
    Retire,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Say what would be done, and do nothing
    #[arg(long = "dry-run")]
    change_nothing: bool,
}

impl Keys {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        if let Self::New = self {
            output::line(&store::new_key()?);
            return Ok(ExitCode::SUCCESS);
        }
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::New => {}
            Self::List(list) => list.run(&store.keys().list().await?),
            Self::Rotate(rotate) => rotate.run(&store).await?,
            Self::Retire => {
                let gone = admin::retire(&store, &actor::by()).await?;
                match gone.as_slice() {
                    [] => output::note("every key is needed: nothing was removed"),
                    gone if config.vault.key.is_some() => output::note(&format!(
                        "nothing is sealed with {} any more: remove it from vault.old_keys",
                        gone.join(", ")
                    )),
                    gone => output::note(&format!("removed {}", gone.join(", "))),
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(&self, keys: &[KeyStatus]) {
        if self.format == Format::Json {
            let key = |k: &KeyStatus| json!({"id": k.id, "today": k.primary, "given": k.given, "sealed": k.sealed});
            return output::json(&Value::Array(keys.iter().map(key).collect()));
        }
        let row = |key: &KeyStatus| {
            let state = if key.primary {
                "today"
            } else if key.given {
                "old"
            } else {
                "missing"
            };
            vec![key.id.clone(), state.to_owned(), key.sealed.to_string()]
        };
        output::table(&["key", "state", "sealed"], &keys.iter().map(row).collect::<Vec<_>>(), "no keys");
    }
}

impl Rotate {
    async fn run(&self, store: &Store) -> Result<()> {
        let RotationPlan { adds_key, values } = plan_rotation(store).await?;
        if self.change_nothing {
            let first = if adds_key { "a new key would be made and " } else { "" };
            output::note(&format!("{first}{values} values would be encrypted again"));
            return Ok(());
        }
        let rotated = admin::rotate(store, &actor::by()).await?;
        if let Some(file) = &rotated.file {
            output::note(&format!("made key {} in {}: back the file up", rotated.primary, file.display()));
        }
        output::note(&format!("encrypted {} values again with key {}", rotated.reencrypted, rotated.primary));
        output::note(
            "older keys still open what is in backups; `data-connector keys retire` removes what nothing needs",
        );
        Ok(())
    }
}
