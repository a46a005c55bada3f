//! Re-encrypts everything with the primary key, in batches, while others read and write.

use super::Error;
use super::database::on;
use super::keys::{Keys, Progress};
use super::{accounts, connectors, refresh_tokens, secrets};

/// Rows of one transaction.
const BATCH: usize = 200;

/// A column of sealed values: where it is, and what each of its rows is bound to.
struct Column {
    name: &'static str,
    /// Selects name, sealed value, and what else of the row the value is bound to.
    list: &'static str,
    replace: &'static str,
    associated_data: fn(&str, &str) -> String,
    /// The same as it was before values were bound to more than their name.
    formerly: Option<fn(&str) -> String>,
}

const COLUMNS: [Column; 6] = [
    Column {
        name: "credentials of connectors",
        list: "SELECT uuid, credentials, record FROM connectors WHERE credentials IS NOT NULL ORDER BY uuid",
        replace: "UPDATE connectors SET credentials = $1 WHERE uuid = $2 AND credentials = $3",
        associated_data: connectors::associated_data,
        formerly: Some(|uuid| format!("connector {uuid}")),
    },
    Column {
        name: "secrets",
        list: "SELECT name, sealed, hosts FROM secrets ORDER BY name",
        replace: "UPDATE secrets SET sealed = $1 WHERE name = $2 AND sealed = $3",
        associated_data: secrets::associated_data,
        formerly: Some(|name| format!("secret {name}")),
    },
    Column {
        name: "refresh tokens",
        list: "SELECT connector, sealed, '' FROM refresh_tokens WHERE sealed IS NOT NULL ORDER BY connector",
        replace: "UPDATE refresh_tokens SET sealed = $1 WHERE connector = $2 AND sealed = $3",
        associated_data: |connector, _| refresh_tokens::associated_data(connector),
        formerly: None,
    },
    Column {
        name: "tokens of accounts",
        list: "SELECT connector, sealed, '' FROM accounts ORDER BY connector",
        replace: "UPDATE accounts SET sealed = $1 WHERE connector = $2 AND sealed = $3",
        associated_data: |connector, _| refresh_tokens::account_data(connector),
        formerly: None,
    },
    Column {
        name: "requests for accounts",
        list: "SELECT state, sealed, '' FROM account_requests ORDER BY state",
        replace: "UPDATE account_requests SET sealed = $1 WHERE state = $2 AND sealed = $3",
        associated_data: |state, _| accounts::request_data(state),
        formerly: None,
    },
    Column {
        name: "the key's own check",
        list: "SELECT name, value, '' FROM meta WHERE name = 'vault_check'",
        replace: "UPDATE meta SET value = $1 WHERE name = $2 AND value = $3",
        associated_data: |_, _| super::vault::CHECK.1.to_owned(),
        formerly: None,
    },
];

/// Name, sealed value, and what else it is bound to.
type Row = (String, Vec<u8>, String);

/// How many values of a kind a key has sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    /// What they are.
    pub(super) kind: &'static str,
    /// The key's id.
    pub(super) key: String,
    /// How many.
    pub(super) count: usize,
}

impl Keys<'_> {
    /// How many values each key has sealed, by kind.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) async fn sealed_by(self) -> Result<Vec<Sealed>, Error> {
        let mut all: Vec<Sealed> = Vec::new();
        for column in &COLUMNS {
            for (_, sealed, _) in self.sealed_values(column).await? {
                let key = super::vault::key_of(&sealed);
                match all.iter_mut().find(|one| one.kind == column.name && one.key == key) {
                    Some(one) => one.count += 1,
                    None => all.push(Sealed { kind: column.name, key, count: 1 }),
                }
            }
        }
        Ok(all)
    }

    /// Encrypts with the primary key what another one has encrypted, adds to `done` how many values, and tells `progress` after
    /// each batch; whether it was not stopped by that. Whoever changes a value meanwhile wins, and may do so with an older key:
    /// call it until nothing is left.
    ///
    /// # Errors
    /// When the database cannot be reached, or a value was encrypted with a key that is not given; what was done before stays done.
    pub(super) async fn reencrypt(self, done: &mut usize, progress: Progress<'_>) -> Result<bool, Error> {
        let primary = self.0.vault.primary();
        for column in &COLUMNS {
            let mut old = self.sealed_values(column).await?;
            old.retain(|(_, sealed, _)| super::vault::key_of(sealed) != primary);
            for batch in old.chunks(BATCH) {
                *done += self.reencrypt_batch(column, batch, false).await?;
                if !progress(*done).await {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    async fn sealed_values(self, column: &Column) -> Result<Vec<Row>, Error> {
        let list = column.list;
        on!(&self.0.database, read db => sqlx::query_as(list).fetch_all(db).await?)
    }

    /// Binds values of an older version to the rest of their rows, once: from then on nothing opens that is bound to its name
    /// alone, although whoever can write to the database could have put it there.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) async fn bind_values(self) -> Result<(), Error> {
        let done = "SELECT COUNT(*) FROM meta WHERE name = 'values_bound'";
        let done: i64 = on!(&self.0.database, read db => sqlx::query_scalar(done).fetch_one(db).await?)?;
        if done > 0 {
            return Ok(());
        }
        for column in COLUMNS.iter().filter(|column| column.formerly.is_some()) {
            let mut old = self.sealed_values(column).await?;
            old.retain(|(name, sealed, bound_to)| {
                self.0.vault.open(sealed, &(column.associated_data)(name, bound_to)).is_err()
            });
            // What does not open either way was not ours, or its key is not given: its calls fail and say so.
            old.retain(|(name, sealed, _)| {
                column.formerly.is_some_and(|formerly| self.0.vault.open(sealed, &formerly(name)).is_ok())
            });
            for batch in old.chunks(BATCH) {
                self.reencrypt_batch(column, batch, true).await?;
            }
        }
        let mark = "INSERT INTO meta (name, value) VALUES ('values_bound', $1) ON CONFLICT (name) DO NOTHING";
        on!(&self.0.database, write db => {
            sqlx::query(mark).bind([1_u8].as_slice()).execute(db).await?;
        })
    }

    /// Seals a value as versions did that bound it to its name alone.
    #[cfg(test)]
    pub(super) async fn seal_as_formerly(self, table: &str, name: &str, plain: &[u8]) -> Result<(), Error> {
        for column in COLUMNS.iter().filter(|column| column.list.contains(&format!("FROM {table}"))) {
            let Some(formerly) = column.formerly else { continue };
            for (_, now, _) in self.sealed_values(column).await?.iter().filter(|(known, ..)| known == name) {
                let (sealed, replace) = (self.0.vault.seal(plain, &formerly(name))?, column.replace);
                on!(&self.0.database, write db => {
                    sqlx::query(replace).bind(&sealed).bind(name).bind(now).execute(db).await?;
                })?;
            }
        }
        Ok(())
    }

    async fn reencrypt_batch(self, column: &Column, batch: &[Row], formerly: bool) -> Result<usize, Error> {
        let mut renewed = Vec::new();
        for (name, sealed, bound_to) in batch {
            let associated_data = (column.associated_data)(name, bound_to);
            let before = column.formerly.filter(|_| formerly).map_or_else(|| associated_data.clone(), |of| of(name));
            renewed.push((name, sealed, self.0.vault.seal(&self.0.vault.open(sealed, &before)?, &associated_data)?));
        }
        let (begin, replace) = (self.0.database.begin(), column.replace);
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let mut done = 0;
            for (name, old, new) in &renewed {
                let replaced = sqlx::query(replace).bind(new).bind(*name).bind(*old).execute(&mut *transaction).await?;
                done += usize::try_from(replaced.rows_affected()).unwrap_or(0);
            }
            transaction.commit().await?;
            done
        })
    }
}
