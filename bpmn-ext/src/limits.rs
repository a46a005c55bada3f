//! Limits of what is read of a file. Knows the numbers and where they come from; must not know what a file holds.
//!
//! Together they bound time and memory: a file that meets all of them is read in well under half a second.

/// Bytes of a file. A larger file is not read.
pub const SIZE: usize = 5 * 1024 * 1024;

/// Depth of nested elements, the root included.
pub const DEPTH: usize = 200;

/// Elements of a file, the diagram included.
pub const ELEMENTS: usize = 100_000;

/// Attributes of one tag, namespace declarations included.
pub const ATTRIBUTES: usize = 256;

/// Namespace declarations in scope at one element, those of its ancestors included: every name is looked up among all
/// of them.
pub const NAMESPACES: usize = 256;

/// Escaped bytes of an `id` or `errorCode`. They are copied to everything that refers to them.
pub const ID_BYTES: usize = 512;

/// Estimated bytes that all JSON of one file may take in memory once parsed: short members take fifty times their length. The
/// configuration of 5,000 ordinary tasks fits.
pub const JSON_MEMORY: usize = 48 * 1024 * 1024;

/// Diagnostics of one file; one more says that there are others.
pub const DIAGNOSTICS: usize = 1_000;

/// Bytes of a name, a key or a value that is copied into a diagnostic; a longer one is left out.
pub const QUOTED_BYTES: usize = 4 * 1024;
