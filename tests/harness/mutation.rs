//! Mutations of the worker: each removes one safeguard from a copy of the sources, which is then built. The product has no
//! switch that leaves a safeguard out.
//!
//! `deploy/campaign G5` shows that each mutant breaks the promise that its safeguard is there for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// One safeguard, and how it is removed.
#[derive(Debug)]
pub struct Mutation {
    /// The safeguard's name.
    pub safeguard: &'static str,
    edits: &'static [Edit],
}

/// A text that occurs exactly once in a file, and what replaces it.
#[derive(Debug)]
struct Edit {
    file: &'static str,
    find: &'static str,
    replace: &'static str,
}

const fn edit(file: &'static str, find: &'static str, replace: &'static str) -> Edit {
    Edit { file, find, replace }
}

/// All of them.
pub const MUTATIONS: [Mutation; 8] = [
    Mutation {
        // Unroutable messages are returned.
        safeguard: "mandatory",
        edits: &[edit("worker/src/amqp/publisher.rs", "mandatory: true", "mandatory: false")],
    },
    Mutation {
        // A publish waits for its confirm.
        safeguard: "confirm",
        edits: &[edit("worker/src/amqp/publisher.rs", "fault::at(\"published\").await;", "return Ok(());")],
    },
    Mutation {
        // A job is claimed under its own id.
        safeguard: "claim",
        edits: &[edit(
            "worker/src/store/ledger/handle.rs",
            "let request = displayable(request.into());",
            "let mut request = displayable(request.into());
            Arc::make_mut(&mut request).id = uuid::Uuid::new_v4().to_string();",
        )],
    },
    Mutation {
        // A worker that was overtaken records nothing.
        safeguard: "fence",
        edits: &[
            edit(
                "worker/src/store/ledger/postgres.rs",
                "jobs.fence = u.fence AND jobs.state IN ('sending', 'cancelled')",
                "jobs.state IN ('sending', 'cancelled')",
            ),
            edit(
                "worker/src/store/ledger/sqlite_batch.rs",
                "fence = ?2 AND state IN ('sending', 'cancelled')",
                "?2 > 0 AND state IN ('sending', 'cancelled')",
            ),
        ],
    },
    Mutation {
        // The targets of redirects are checked.
        safeguard: "redirect",
        edits: &[edit(
            "worker/src/http/send.rs",
            "Err(UrlError::Denied(denied)) => return Err(classify::denied_redirect(&denied)),",
            "Err(UrlError::Denied(_)) => url = target,",
        )],
    },
    Mutation {
        // A redirect to another origin carries no credential.
        safeguard: "credentials",
        edits: &[edit(
            "worker/src/plan/request.rs",
            "if url.origin() == self.url.origin() {",
            "if url.origin() == self.url.origin() || true {",
        )],
    },
    Mutation {
        // Copies for the delay ladder carry no `x-*` header.
        safeguard: "strip",
        edits: &[edit("worker/src/amqp/topology.rs", "message.properties.strip_broker_headers();", "")],
    },
    Mutation {
        // No new jobs are taken while the broker or the database is down.
        safeguard: "gate",
        edits: &[edit(
            "worker/src/worker/background/periodic.rs",
            "let is_well = self.worker.health.is_well();",
            "let is_well = self.worker.health.is_well() || true;",
        )],
    },
];

/// What a build of the worker reads.
const SOURCES: [&str; 6] = ["Cargo.toml", "Cargo.lock", "worker", "bpmn-ext", "migrations", "tests"];
/// What is inside of these and not part of the sources.
const NO_SOURCES: [&str; 2] = ["target", "node_modules"];

impl Mutation {
    /// The mutation that removes this safeguard.
    pub fn of(safeguard: &str) -> Option<&'static Self> {
        MUTATIONS.iter().find(|mutation| mutation.safeguard == safeguard)
    }

    /// Builds the worker without the safeguard and returns its binary. The mutants share one copy of the sources and one
    /// target folder, `target/mutants`, so that only the first build takes long.
    pub async fn build(&self) -> PathBuf {
        let own = std::env::current_exe().expect("the campaign");
        // The campaign is at target/PROFILE/campaign.
        let folder = own.ancestors().nth(2).expect("the target folder").join("mutants");
        self.copy_sources(&folder.join("sources"));
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--profile", "ci", "--locked", "--package", "data-connector", "--bin", "data-connector"]);
        cargo.args(["--features", "fault-points", "--target-dir"]).arg(folder.join("target"));
        let built = cargo.current_dir(folder.join("sources")).kill_on_drop(true).output().await.expect("cargo");
        assert!(built.status.success(), "{}: {}", self.safeguard, String::from_utf8_lossy(&built.stderr));
        let binary = folder.join(self.safeguard);
        // Another file under the same name: the one before may be running.
        fs::remove_file(&binary).ok();
        fs::copy(folder.join("target/ci/data-connector"), &binary).expect("the mutant");
        binary
    }

    /// Files that have not changed keep their time of modification, by which cargo decides what to build.
    fn copy_sources(&self, to: &Path) {
        let mutated = self.mutated_files();
        let sources: BTreeSet<PathBuf> = SOURCES.iter().flat_map(|name| files(&crate::repository(), name)).collect();
        for path in &sources {
            let content = match mutated.get(path.as_path()) {
                Some(text) => text.clone().into_bytes(),
                None => fs::read(crate::repository().join(path)).expect("a source"),
            };
            let copy = to.join(path);
            if fs::read(&copy).ok().as_ref() != Some(&content) {
                fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
                fs::write(&copy, content).expect("a copy");
            }
        }
        for path in SOURCES.iter().flat_map(|name| files(to, name)).filter(|path| !sources.contains(path)) {
            fs::remove_file(to.join(path)).expect("a file that is no source any more");
        }
    }

    /// The files that the mutation changes, as they are with it.
    fn mutated_files(&self) -> BTreeMap<&'static Path, String> {
        let mut mutated = BTreeMap::new();
        for Edit { file, find, replace } in self.edits {
            let text: &mut String = mutated.entry(Path::new(*file)).or_insert_with(|| {
                fs::read_to_string(crate::repository().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
            });
            let found = text.matches(find).count();
            assert_eq!(found, 1, "{}: `{find}` occurs {found} times in {file}", self.safeguard);
            *text = text.replacen(find, replace, 1);
        }
        mutated
    }
}

/// The files below `path` in `root`, relative to `root`.
fn files(root: &Path, path: impl AsRef<Path>) -> Vec<PathBuf> {
    let (path, absolute) = (path.as_ref(), root.join(path.as_ref()));
    if !absolute.is_dir() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(&absolute).unwrap_or_else(|e| panic!("{}: {e}", absolute.display()));
    let names = entries.flatten().map(|entry| entry.file_name());
    let inside = names.filter(|name| !NO_SOURCES.iter().any(|excluded| name == excluded));
    inside.flat_map(|name| files(root, path.join(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_applies_to_the_sources_of_today() {
        for mutation in &MUTATIONS {
            for (file, text) in mutation.mutated_files() {
                let original = fs::read_to_string(crate::repository().join(file)).expect("a source");
                assert_ne!(original, text, "{} changes nothing in {}", mutation.safeguard, file.display());
            }
        }
    }
}
