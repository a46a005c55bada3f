//! The API as screens, scripts, pages and tools use it: one file a subject.

mod access;
mod accounts;
mod audit;
mod bulk;
mod collections;
mod data_sources;
mod document;
mod execute;
mod fields;
mod kept;
mod limits;
mod lint;
mod oidc;
mod processmaker;
mod queue;
mod stats;
mod too_large;
mod trial;
mod vault;
