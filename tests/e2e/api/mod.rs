//! The API as screens, scripts, pages and tools use it: one file a subject.

mod access;
mod audit;
mod bulk;
mod execute;
mod lint;
mod queue;
mod stats;
mod trial;
