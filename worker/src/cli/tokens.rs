//! `tokens create|list|revoke`: access tokens of the API.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::actor;
use super::output::{self, Format};
use super::settings::Settings;
use crate::admin::tokens::{self as admin, Scope, TokenRequest};
use crate::clock;
use crate::store::{Store, Token};

/// Access tokens of the API.
#[derive(Debug, Subcommand)]
pub(super) enum Tokens {
    /// Make one and print it; it is not shown again
    Create(Create),
    /// List all of them, without their secrets
    List(List),
    /// Revoke one: it is refused at once, everywhere within 5 seconds
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What people call it
    name: String,
    /// What it may do: read, execute, manage or admin; repeatable
    #[arg(long = "scope", value_name = "S", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// A connector that it is limited to, by uuid, number or name; repeatable
    #[arg(long = "connector", value_name = "REF")]
    connectors: Vec<String>,
    /// When it ends to be valid: 30d, 12h, 10m, 5s, or a time such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<i64>,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Its number or its name
    token: String,
}

impl Tokens {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::Create(create) => create.run(&store).await?,
            Self::List(list) => {
                let tokens = store.tokens().list().await?;
                match list.format {
                    Format::Json => output::json(&Value::Array(tokens.iter().map(admin::shown).collect())),
                    Format::Table => table(&tokens),
                }
            }
            Self::Revoke(revoke) => {
                let token = admin::find(&store, &revoke.token).await?;
                admin::revoke(&store, &token, &actor::by()).await?;
                output::line(&format!("revoked {} ({})", token.id, token.name));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn run(self, store: &Store) -> Result<()> {
        let request = TokenRequest {
            name: self.name,
            scopes: self.scopes,
            connectors: Some(self.connectors).filter(|connectors| !connectors.is_empty()),
            expires_at: self.expires,
        };
        let created = admin::create(store, request, &actor::by()).await?;
        match self.format {
            Format::Table => output::line(&created.secret),
            Format::Json => {
                let mut shown = admin::shown(&created.token);
                shown["token"] = json!(created.secret);
                output::json(&shown);
            }
        }
        Ok(())
    }
}

fn scope(text: &str) -> Result<Scope, String> {
    text.parse().map_err(|()| "a scope is read, execute, manage or admin".to_owned())
}

/// Epoch milliseconds of a time, or of a time from now.
fn expiry(text: &str) -> Result<i64, String> {
    let problem = || "write 30d, 12h, 10m or 5s, or a time such as 2027-01-31T12:00:00Z".to_owned();
    let now = clock::now_ms();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        let time = time.as_millisecond();
        return if time > now { Ok(time) } else { Err(format!("{text} has passed; name a time in the future")) };
    }
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let found = units.into_iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, ms)));
    let (number, ms) = found.ok_or_else(problem)?;
    let number: i64 = number.parse().map_err(|_| problem())?;
    let wait = number.checked_mul(ms).filter(|wait| *wait > 0).ok_or_else(problem)?;
    let end = now.checked_add(wait).filter(|end| jiff::Timestamp::from_millisecond(*end).is_ok());
    end.ok_or_else(problem)
}

fn table(tokens: &[Token]) {
    let time = |at: Option<i64>| at.map(clock::rfc3339).unwrap_or_default();
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            vec![
                token.id.to_string(),
                token.name.clone(),
                token.scopes.clone(),
                time(Some(token.created_at)),
                time(token.expires_at),
                time(token.last_used_at),
                time(token.revoked_at),
            ]
        })
        .collect();
    output::table(&["id", "name", "scopes", "created", "expires", "last used", "revoked"], &rows, "no tokens");
}
