//! How much of a file is read at most. Knows the numbers and where they come from; nothing about what is in a file.
//!
//! They are the bars of the reliability page, section 4, and together they bound time and memory: a file that meets
//! all of them is read in well under half a second.

/// Bytes of a file (reliability page 4). A larger file is not looked at.
pub const SIZE: usize = 5 * 1024 * 1024;

/// Elements inside one another, the root counted (reliability page 4).
pub const DEPTH: usize = 200;

/// Elements of a file, the diagram counted (reliability page 4).
pub const ELEMENTS: usize = 100_000;

/// Attributes of one tag, namespace declarations counted (reliability page 4).
pub const ATTRIBUTES: usize = 256;

/// Namespace declarations in force at one place, and so also those of one tag (reliability page 4). Every name is
/// looked up among them, which is why nesting does not buy more.
pub const NAMESPACES: usize = 256;

/// Bytes of an `id` or `errorCode` as they stand in the file. They are copied to everything that refers to them.
pub const ID_BYTES: usize = 512;

/// Estimated bytes that all JSON of one file may take in memory once parsed: short members grow fifty times. The
/// configuration of 5,000 ordinary tasks fits.
pub const JSON_MEMORY: usize = 48 * 1024 * 1024;

/// Diagnostics of one file; one more says that there were others.
pub const DIAGNOSTICS: usize = 1_000;
