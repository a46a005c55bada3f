//! Where the public conformance suites lie: `DATA_CONNECTOR_SUITES` names their folder.

use std::path::PathBuf;

/// A suite's folder; `None`, with a word about it, where there are no suites on this machine.
///
/// A folder that is named and is not there is a mistake, and fails the test.
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
