//! Tables of JSON records: what their values are, how they compare, and the language that selects them.
//!
//! The files here are pure: they know values and texts, neither databases nor requests.

pub mod column;
pub mod date;
pub mod index_row;
pub mod number;
pub mod path;
pub mod pmql;
mod quoted;
pub mod value;
