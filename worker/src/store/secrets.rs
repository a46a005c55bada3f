//! Named secrets: set by operators, encrypted, decrypted only to be inserted where a template names them.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::connectors::CHANGED;
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

/// Named secrets, encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a>(pub(super) &'a Inner);

impl Secrets<'_> {
    /// Sets a secret, or replaces it whole.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn set(self, name: &str, value: &SecretString, hosts: &[String]) -> Result<(), Error> {
        let (begin, clock, hosts) = (self.0.database.begin(), self.0.database.clock(), hosts.join(","));
        let sealed = self.0.vault.seal(value.expose_secret().as_bytes(), &associated_data(name, &hosts))?;
        let statement = "INSERT INTO secrets (name, sealed, hosts, updated_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, hosts = excluded.hosts,
            updated_at = excluded.updated_at";
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(statement)
                .bind(name).bind(&sealed).bind(&hosts).bind(now)
                .execute(&mut *transaction).await?;
            transaction.commit().await?;
        })
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
        let statement = "SELECT sealed, hosts FROM secrets WHERE name = $1";
        let mut opened = BTreeMap::new();
        for name in names {
            let row: Option<(Vec<u8>, String)> = on!(&self.0.database, read db =>
                sqlx::query_as(statement).bind(name).fetch_optional(db).await?)?;
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
    pub async fn remove(self, name: &str) -> Result<bool, Error> {
        let begin = self.0.database.begin();
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(CHANGED).execute(&mut *transaction).await?;
            let gone = sqlx::query("DELETE FROM secrets WHERE name = $1").bind(name).execute(&mut *transaction).await?;
            transaction.commit().await?;
            gone.rows_affected() > 0
        })
    }
}

fn split(hosts: &str) -> Vec<String> {
    hosts.split(',').filter(|host| !host.is_empty()).map(ToOwned::to_owned).collect()
}

/// The associated data of a secret: its value cannot be decrypted under another name or with other hosts.
pub(super) fn associated_data(name: &str, hosts: &str) -> String {
    if hosts.is_empty() { format!("secret {name}") } else { format!("secret {name} for {hosts}") }
}
