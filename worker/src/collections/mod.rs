//! Tables of JSON records: what their values are, how they compare, and the language that selects them, and what a
//! collection makes of the data that it is given.
//!
//! The files here are pure: they know values and texts, neither databases nor requests.

pub mod column;
pub mod csv;
pub mod date;
pub mod definition;
pub mod document;
pub mod field;
pub mod header;
pub mod index_row;
pub mod items;
pub mod merge;
pub mod number;
pub mod order_key;
pub mod path;
pub mod pmql;
pub mod problems;
mod quoted;
pub mod report;
pub mod rules;
mod schema;
pub mod value;
