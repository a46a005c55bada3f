//! What unit tests share: servers and proxies on loopback, limits on what a case may cost, a count of
//! parsed sources, and the folders of conformance suites.
//!
//! Compiled for this crate's tests only; the tests of the binary have a harness of their own in `tests/harness`.

pub(crate) mod bounds;
pub(crate) mod parse_count;
pub(crate) mod proxy;
pub(crate) mod raw_server;
pub(crate) mod suites;
