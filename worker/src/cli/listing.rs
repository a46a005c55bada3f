//! Flags of every verb that lists many rows.

use clap::Args;

use super::output::Format;

/// How many rows, and how they are printed.
#[derive(Debug, Args)]
pub(super) struct Listing {
    /// How many
    #[arg(long, default_value_t = 50)]
    pub(super) limit: u32,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub(super) format: Format,
}
