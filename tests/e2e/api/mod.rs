//! The API as screens, scripts, pages and tools use it: one file a subject.

mod access;
mod audit;
mod collections;
mod data_sources;
mod execute;
mod oidc;
mod queue;
mod trial;
mod vault;
