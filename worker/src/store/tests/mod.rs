//! The contract of the store, on both databases: each `contract!` runs once on SQLite and once on PostgreSQL.

mod answers;
mod cancels;
mod claims;
mod collections;
mod connectors;
mod copies;
mod crashes;
mod dead_letters;
mod holds;
mod minutes;
mod models;
mod opening;
mod outage;
mod pmql;
mod rate_limits;
mod search;
mod secrets;
mod test_store;

/// One test on each database; the database goes away with the test, also when it fails.
macro_rules! contract {
    ($(#[$doc:meta])* async fn $name:ident($fixture:ident: TestStore) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;
            use crate::store::tests::test_store::{TestStore, on_postgresql, on_sqlite};

            async fn holds($fixture: TestStore) $body

            #[tokio::test]
            async fn sqlite() {
                on_sqlite(holds).await;
            }

            #[tokio::test]
            async fn postgresql() {
                on_postgresql(holds).await;
            }
        }
    };
}
use contract;
