//! The contract of the store, held by both databases: each `contract!` runs once on SQLite and once on PostgreSQL.

mod answers;
mod bed;
mod cancels;
mod claims;
mod connectors;
mod crashes;
mod dead_letters;
mod models;
mod opening;
mod outage;
mod rate_limits;
mod secrets;

/// One test on each database; the database goes away with the test, also when it fails.
macro_rules! contract {
    ($(#[$doc:meta])* async fn $name:ident($bed:ident: Bed) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;
            use crate::store::tests::bed::{Bed, on_postgresql, on_sqlite};

            async fn holds($bed: Bed) $body

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
