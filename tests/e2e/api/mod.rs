//! The API as screens, scripts, pages and tools use it: one file a subject.

mod access;
mod audit;
mod execute;
mod queue;
mod trial;
