//! Rules of the source tree: which module may use which library and which other module, and what the manifests must have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use harness::repository;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// Sources without comments, with the path below `worker/src`.
fn sources() -> Vec<(String, String)> {
    let root = repository().join("worker/src");
    rust_files(&root)
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a source");
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (path.strip_prefix(&root).expect("inside").display().to_string(), code.join("\n"))
        })
        .collect()
}

fn names(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

#[test]
fn each_library_is_used_by_one_module() {
    for (library, home) in [
        ("lapin", "amqp"),
        ("reqwest", "http"),
        ("sqlx", "store"),
        ("rusqlite", "store"),
        ("backoff::", "retry"),
        ("axum", "api"),
    ] {
        // A log filter names crates in its directives.
        for (path, code) in sources().into_iter().filter(|(path, _)| path != "telemetry/log.rs") {
            let crate_name = library.trim_end_matches("::");
            let used = if library.ends_with("::") { code.contains(library) } else { names(&code, crate_name) };
            assert!(!used || module(&path) == home, "{path} names {crate_name}, which belongs to {home}/");
        }
    }
    // XML is a format of answers too: one file of interpret/ reads it, as pure and as limited as JSON is read.
    for (path, code) in sources().into_iter().filter(|(path, _)| path != "interpret/xml.rs") {
        assert!(
            !names(&code, "quick_xml"),
            "{path} names quick-xml, which belongs to bpmn-ext/src and interpret/xml.rs"
        );
    }
}

/// A client that is built elsewhere would make calls without the guard.
#[test]
fn http_clients_are_built_in_one_file() {
    // .clippy.toml cannot name methods of a trait, such as `default`.
    let ways = ["Client::builder", "ClientBuilder::new", "Client::default", "ClientBuilder::default"];
    let built = |(_, code): &(String, String)| ways.iter().any(|way| code.contains(way));
    let places: Vec<String> = sources()
        .into_iter()
        .filter(|source| !source.0.contains("test") && built(source))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(places, ["http/client.rs"]);
}

/// URL and body of a request hold secrets: what sends it reads them as they are, everything else redacted.
#[test]
fn only_what_sends_a_request_reads_it_raw() {
    for (path, code) in sources() {
        let may = ["plan", "http", "call"].contains(&module(&path));
        assert!(may || !code.contains(".raw_"), "{path} reads a request raw; use RequestSpec::redacted");
    }
}

/// What each module may use of this crate (ARCHITECTURE, "Code map").
const MAY_USE: [(&str, &str); 28] = [
    ("main", "cli"),
    (
        "cli",
        "admin api amqp call clock collections config connector health http interpret job plan setup store telemetry worker",
    ),
    ("api", "admin amqp call clock collections config connector console health http job plan setup store"),
    (
        "worker",
        "admin amqp call clock config engine fault health http job longest_poll memory retry setup shutdown store telemetry",
    ),
    ("admin", "amqp call clock collections config connector http import interpret job plan store"),
    ("setup", "admin amqp call clock config http memory plan store"),
    ("engine", "amqp job shutdown store"),
    ("call", "clock connector http interpret job memory plan retry store telemetry"),
    ("http", "fault interpret job memory plan"),
    ("store", "collections fault job longest_poll"),
    ("amqp", "fault"),
    ("interpret", "connector job plan"),
    ("import", "connector job plan"),
    ("plan", "connector job"),
    ("retry", "connector job"),
    ("connector", "job"),
    ("collections", "plan"),
    ("job", ""),
    ("config", "job"),
    ("telemetry", "config job"),
    ("health", "clock telemetry"),
    ("clock", ""),
    ("memory", ""),
    ("shutdown", ""),
    ("console", ""),
    ("fault", ""),
    ("longest_poll", ""),
    ("fuzzing", "connector http import interpret plan"),
];

/// The modules of this crate that a source names: `crate::a::b`, `crate::a;`, `use crate::{a, b::{c, d}}`.
fn modules_named_in(code: &str) -> BTreeSet<String> {
    let first = |path: &str| {
        let name = path.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        name.unwrap_or_default().to_owned()
    };
    let mut named = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => named.extend([first(rest)]),
            Some(group) => named.extend(top_level(group).split(',').map(first)),
        }
    }
    named.remove("");
    named
}

/// What stands in a group up to its end, without the groups inside it.
fn top_level(group: &str) -> String {
    let mut depth = 1;
    let mut text = String::new();
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            other if depth == 1 => text.push(other),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    text
}

#[test]
fn modules_use_only_what_the_map_allows() {
    for (path, code) in sources() {
        // What tests share may use what it tests.
        if path.contains("test") || ["lib.rs", "call/language_page.rs"].contains(&path.as_str()) {
            continue;
        }
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let own = module(&path);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == own) else {
            panic!("{path} is in no module of the map");
        };
        for other in modules_named_in(code) {
            let is_module = MAY_USE.iter().any(|(name, _)| *name == other);
            let is_allowed = other == own || allowed.split(' ').any(|name| name == other);
            assert!(!is_module || is_allowed, "{path} uses {other}, and {own} may not");
        }
    }
}

#[test]
fn a_grouped_import_names_its_modules() {
    let code = "use crate::{a, b::{self, c}};\nuse crate::d::e;\nlet x = crate::f;";
    assert_eq!(modules_named_in(code).into_iter().collect::<Vec<_>>(), ["a", "b", "d", "f"]);
}

#[test]
fn pure_modules_have_no_io_clock_or_randomness() {
    for (path, code) in sources() {
        let is_pure =
            ["job", "connector", "plan", "interpret", "import", "retry", "collections"].contains(&module(&path));
        if !is_pure || path.contains("tests") {
            continue;
        }
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["async", "await", "tokio", "Instant", "SystemTime", "fastrand", "std::fs", "std::net", "std::env"]
        {
            let named = if word.contains("::") { code.contains(word) } else { names(code, word) };
            assert!(!named, "{path} is pure and names {word}");
        }
    }
}

#[test]
fn the_top_level_has_no_other_files() {
    let allowed = ["Cargo.toml", "Cargo.lock", "worker", "bpmn-ext", "migrations", "tests", "deploy", "README.md"];
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(repository())
        .output()
        .expect("git");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for path in listed.lines() {
        let top = path.split('/').next().unwrap_or(path);
        assert!(top.starts_with('.') || allowed.contains(&top), "{path}");
    }
    assert!(listed.lines().count() > 50, "the list of files is empty");
}

#[test]
fn every_dependency_has_its_reason() {
    for manifest in ["worker", "bpmn-ext", "tests"] {
        let path = repository().join(manifest).join("Cargo.toml");
        let text = std::fs::read_to_string(&path).expect("a manifest");
        let (mut inside, mut explained) = (false, false);
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line.contains("dependencies");
            } else if line.starts_with('#') {
                explained = true;
            } else if line.is_empty() {
                explained = false;
            } else if inside && !line.contains("workspace = true") {
                assert!(explained, "{}: `{line}` has no reason next to it", path.display());
            }
        }
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let numbers = |database: &str| {
        let folder = repository().join("migrations").join(database);
        let mut names: Vec<_> =
            std::fs::read_dir(folder).expect("migrations").flatten().map(|e| e.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(numbers("sqlite"), numbers("postgres"));
}
