//! `collections query`: the records that a query selects, and where it stops being one.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::{Printing, wrong_usage};
use crate::admin::collections::{self as admin, Error, ListQuery};
use crate::cli::output::{self, Format};
use crate::store::Store;

#[derive(Debug, Args)]
pub(in crate::cli) struct Query {
    /// By uuid, number or name
    collection: String,
    /// Such as 'data.country = "DE" AND data.amount >= 10'; blank selects all
    pmql: String,
    /// Paths such as data.country, or id and the two times, with commas
    #[arg(long, value_name = "O")]
    order_by: Option<String>,
    /// How many records at most
    #[arg(long, value_name = "N")]
    per_page: Option<String>,
    #[command(flatten)]
    printing: Printing,
}

impl Query {
    pub(super) async fn run(self, store: &Store) -> Result<ExitCode> {
        let collection = admin::find(store, &self.collection).await?;
        let mut parameters = vec![("pmql", self.pmql.as_str())];
        parameters.extend(self.order_by.as_deref().map(|order| ("order_by", order)));
        parameters.extend(self.per_page.as_deref().map(|number| ("per_page", number)));
        let query = match ListQuery::parse(parameters) {
            Ok(query) => query,
            Err(error) => return Ok(refused(&error, Some(&self.pmql))),
        };
        let mut records = match admin::Records::begin(store, collection, query).await {
            Err(error @ Error::Pmql(_)) => return Ok(refused(&error, Some(&self.pmql))),
            begun => begun?,
        };
        if self.printing.format == Format::Json {
            output::json_part("[");
            let mut separator = "\n";
            while let Some(some) = records.next().await? {
                for record in some {
                    output::json_part(separator);
                    output::json_part(&Value::Object(record).to_string());
                    separator = ",\n";
                }
            }
            output::json_part("\n]\n");
            return Ok(ExitCode::SUCCESS);
        }
        let mut has_any = false;
        while let Some(some) = records.next().await? {
            has_any = true;
            for record in some {
                let shown = |name: &str| record.get(name).cloned().unwrap_or_default();
                output::line(&format!("{}\t{}", shown("id"), shown("data")));
            }
        }
        if !has_any {
            output::note("no records");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is wrong with the arguments; under a query a caret where it stops being one.
pub(super) fn refused(error: &Error, pmql: Option<&str>) -> ExitCode {
    if let (Error::Pmql(problem), Some(pmql)) = (error, pmql) {
        let before = problem.at.saturating_sub(1);
        let line_begin = pmql.chars().take(before).collect::<String>().rfind('\n').map_or(0, |at| at + 1);
        let line = pmql.get(line_begin..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = before - pmql.get(..line_begin).unwrap_or_default().chars().count();
        let spaces: String = line
            .chars()
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .chain(std::iter::repeat(' '))
            .take(column)
            .collect();
        output::note(&format!("{line}\n{spaces}^"));
    }
    wrong_usage(error)
}
