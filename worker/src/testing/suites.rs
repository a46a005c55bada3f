//! The public conformance suites, in the folder that `DATA_CONNECTOR_SUITES` names.

use std::path::PathBuf;

/// The folder of a suite; `None` where the variable is not set, unless `DATA_CONNECTOR_SUITES_REQUIRED` is.
///
/// A folder that is missing fails the test.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let Some(suites) = std::env::var_os("DATA_CONNECTOR_SUITES") else {
        assert!(
            std::env::var_os("DATA_CONNECTOR_SUITES_REQUIRED").is_none(),
            "DATA_CONNECTOR_SUITES must name the folder of the conformance suites here"
        );
        return None;
    };
    let folder = PathBuf::from(suites).join(name);
    assert!(folder.is_dir(), "{} is missing: DATA_CONNECTOR_SUITES names a folder without it", folder.display());
    Some(folder)
}
