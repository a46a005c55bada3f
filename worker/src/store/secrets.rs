//! Named secrets: set by operators, encrypted, decrypted only to be inserted where a template names them.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::audit::{self, Entry};
use super::connectors::{CHANGED, note_change};
use super::database::on;
use super::{Error, Inner};

/// A decrypted secret.
#[derive(Debug)]
pub struct OpenedSecret {
    /// Its value.
    pub value: SecretString,
    /// Where it may be sent; empty means anywhere.
    pub hosts: Vec<String>,
}

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSecret {
    /// Its name.
    pub name: String,
    /// Where it may be sent; empty means anywhere.
    pub hosts: Vec<String>,
    /// When it was set, epoch milliseconds.
    pub updated_at: i64,
}

/// Why a secret is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRefusal {
    /// It is new and has no value.
    NoValue,
}

const SEALED: &str = "SELECT sealed, hosts FROM secrets WHERE name = $1";
const UPSERT: &str = "INSERT INTO secrets (name, sealed, hosts, updated_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, hosts = excluded.hosts, updated_at = excluded.updated_at";

/// Named secrets, encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a>(pub(super) &'a Inner);

impl Secrets<'_> {
    /// Sets a secret: what is absent stays as it is, or is `None` for a secret that is new, which needs a value. `entry` gets
    /// whether it is new.
    ///
    /// # Errors
    /// When the database cannot be reached, or no key here opens the value that stays.
    pub async fn put(
        self,
        name: &str,
        (value, hosts): (Option<&SecretString>, Option<&[String]>),
        entry: impl Fn(bool) -> Entry + Send + Sync,
    ) -> Result<Result<(), SecretRefusal>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let outcome = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let before: Option<(Vec<u8>, String)> =
                sqlx::query_as(SEALED).bind(name).fetch_optional(&mut *transaction).await?;
            let is_new = before.is_none();
            let Some((sealed, hosts)) = self.resealed(name, before.as_ref(), value, hosts)? else {
                return Ok(Err(SecretRefusal::NoValue));
            };
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(UPSERT)
                .bind(name).bind(&sealed).bind(&hosts).bind(now)
                .execute(&mut *transaction).await?;
            let entry = entry(is_new);
            audit::append!(transaction, &entry, now);
            transaction.commit().await?;
            Ok(())
        })?;
        note_change();
        Ok(outcome)
    }

    /// The value under the hosts that it may go to from now on; `None` without any value.
    fn resealed(
        self,
        name: &str,
        before: Option<&(Vec<u8>, String)>,
        value: Option<&SecretString>,
        hosts: Option<&[String]>,
    ) -> Result<Option<(Vec<u8>, String)>, Error> {
        let old_hosts = before.map(|(_, hosts)| hosts.clone()).unwrap_or_default();
        let hosts = hosts.map_or_else(|| old_hosts.clone(), |hosts| hosts.join(","));
        let plain = match (value, before) {
            (Some(value), _) => value.expose_secret().as_bytes().to_vec(),
            (None, Some((sealed, old_hosts))) => self.0.vault.open(sealed, &associated_data(name, old_hosts))?,
            (None, None) => return Ok(None),
        };
        Ok(Some((self.0.vault.seal(&plain, &associated_data(name, &hosts))?, hosts)))
    }

    /// All secrets by name, without their values.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<ListedSecret>, Error> {
        let statement = "SELECT name, hosts, updated_at FROM secrets ORDER BY name";
        let rows: Vec<(String, String, i64)> =
            on!(&self.0.database, read db => sqlx::query_as(statement).fetch_all(db).await?)?;
        let listed =
            |(name, hosts, updated_at): (String, String, i64)| ListedSecret { name, hosts: split(&hosts), updated_at };
        Ok(rows.into_iter().map(listed).collect())
    }

    /// Decrypts those of these names that there are.
    ///
    /// # Errors
    /// When the database cannot be reached, the key is not the one that encrypted them, or their hosts are not the ones that they
    /// were set with.
    pub async fn open<'a>(
        self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<BTreeMap<String, OpenedSecret>, Error> {
        let mut opened = BTreeMap::new();
        for name in names {
            let row: Option<(Vec<u8>, String)> = on!(&self.0.database, read db =>
                sqlx::query_as(SEALED).bind(name).fetch_optional(db).await?)?;
            let Some((sealed, hosts)) = row else { continue };
            let bound_to = associated_data(name, &hosts);
            let plain = self.0.vault.open(&sealed, &bound_to)?;
            let value = String::from_utf8(plain).map_err(|_| Error::Decrypt(bound_to))?;
            opened.insert(name.clone(), OpenedSecret { value: SecretString::from(value), hosts: split(&hosts) });
        }
        Ok(opened)
    }

    /// Removes a secret; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove(self, name: &str, entry: &Entry) -> Result<bool, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let was_there = on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let gone = sqlx::query("DELETE FROM secrets WHERE name = $1").bind(name).execute(&mut *transaction).await?;
            let was_there = gone.rows_affected() > 0;
            if was_there {
                let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
                audit::append!(transaction, entry, now);
            }
            transaction.commit().await?;
            was_there
        })?;
        note_change();
        Ok(was_there)
    }
}

fn split(hosts: &str) -> Vec<String> {
    hosts.split(',').filter(|host| !host.is_empty()).map(ToOwned::to_owned).collect()
}

/// The associated data of a secret: its value cannot be decrypted under another name or with other hosts.
pub(super) fn associated_data(name: &str, hosts: &str) -> String {
    if hosts.is_empty() { format!("secret {name}") } else { format!("secret {name} for {hosts}") }
}
