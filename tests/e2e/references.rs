//! Whoever follows a reference in code, comments, messages or documents finds what it names, inside the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use harness::repository;

/// Documents whose sections have numbers, by the word that comments use for them.
const NUMBERED: [(&str, &str); 2] = [("CONTRACT", "worker/CONTRACT.md"), ("COMPATIBILITY", "worker/COMPATIBILITY.md")];
/// Documents whose sections have titles.
const TITLED: [(&str, &str); 2] = [("ARCHITECTURE", "worker/ARCHITECTURE.md"), ("LANGUAGES", "worker/LANGUAGES.md")];
/// Words for documents that are not in the repository.
const ELSEWHERE: [&str; 8] = [
    "compatibility sheet",
    "reliability page",
    "scorecard",
    "DESIGN",
    "LIBRARIES",
    "facts/house",
    "facts/reliability",
    "facts/processmaker",
];
/// This file names what must not be named.
const OWN: &str = "tests/e2e/references.rs";
/// What comments, lists and tables begin a line with.
const LEADERS: [&str; 8] = ["//", "///", "//!", "#", "--", "*", "|", "-"];

/// Tracked text files by path; those that no person writes are left out.
fn files() -> BTreeMap<String, String> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(repository())
        .output()
        .expect("git");
    let listed = String::from_utf8(listed.stdout).expect("paths in UTF-8");
    let written = |path: &&str| !path.ends_with("Cargo.lock") && !path.ends_with("package-lock.json");
    let read = |path: &str| Some((path.to_owned(), std::fs::read_to_string(repository().join(path)).ok()?));
    let files: BTreeMap<_, _> = listed.lines().filter(written).filter_map(read).collect();
    assert!(files.len() > 200, "only {} files", files.len());
    files
}

/// The words of a text as if it were one line: a reference may go on in the next line of a comment.
fn words(text: &str) -> Vec<&str> {
    let of_line = |line| {
        let mut words = str::split_whitespace(line).peekable();
        while words.next_if(|word| LEADERS.contains(word)).is_some() {}
        words
    };
    text.lines().flat_map(of_line).collect()
}

/// Titles of a Markdown text, without those inside fences.
fn titles(text: &str) -> Vec<&str> {
    let parts = text.split("\n```").step_by(2);
    let lines = parts.flat_map(str::lines);
    lines.filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim()).collect()
}

/// The numbers that titles begin with: `4` of `4. The element`, `4.5` of `4.5 Headers`.
fn numbers(text: &str) -> BTreeSet<&str> {
    let firsts = titles(text).into_iter().filter_map(|title| title.split(' ').next());
    firsts.filter(|first| first.starts_with(|c: char| c.is_ascii_digit())).map(|n| n.trim_end_matches('.')).collect()
}

/// What follows `word` inside a word such as `(CONTRACT`; nothing where it is only a part of a longer name.
fn after<'a>(found: &'a str, word: &str) -> Option<&'a str> {
    let (before, rest) = found.split_once(word)?;
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/');
    (!before.ends_with(in_name) && !rest.starts_with(in_name)).then_some(rest)
}

/// The section numbers at the head of `words`: `4.5`, `4.4, 4.5`, `1.2-1.5`, `1.3 and 1.5`, `2 to 4`.
fn sections<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let end = word.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(word.len());
        let (number, rest) = word.split_at(end);
        let of_word = number.split('-').map(|n| n.trim_end_matches('.')).filter(|n| !n.is_empty());
        found.extend(of_word.take_while(|n| n.starts_with(|c: char| c.is_ascii_digit())));
        let mut ahead = words.clone();
        let joined = match (number.is_empty(), rest) {
            (true, _) => false,
            (false, "") => ahead.next().is_some_and(|next| matches!(*next, "and" | "to" | "or")),
            (false, rest) => rest == ",",
        };
        if !joined || !ahead.clone().next().is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())) {
            break;
        }
        words = ahead;
    }
    found
}

#[test]
fn numbered_sections_are_there() {
    let files = files();
    let (mut problems, mut count) = (Vec::new(), 0);
    for (name, document) in NUMBERED {
        let known = numbers(&files[document]);
        assert!(known.len() > 5, "{document}: {known:?}");
        for (path, text) in files.iter().filter(|(path, _)| *path != OWN) {
            let words = words(text);
            for (index, word) in words.iter().enumerate() {
                let Some(rest) = after(word, name).filter(|rest| !rest.starts_with(".md")) else { continue };
                let named = if rest.is_empty() { sections(&words[index + 1..]) } else { Vec::new() };
                count += 1;
                let context = words[index..].iter().take(4).copied().collect::<Vec<_>>().join(" ");
                if named.is_empty() {
                    problems.push(format!("{path}: `{context}` names no section of {document}"));
                }
                for section in named.into_iter().filter(|section| !known.contains(section)) {
                    problems.push(format!("{path}: `{context}`: {document} has no section {section}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(count > 100, "only {count} references");
}

#[test]
fn titled_sections_are_there() {
    let files = files();
    let mut problems = Vec::new();
    for (name, document) in TITLED {
        let known = titles(&files[document]);
        for (path, text) in files.iter().filter(|(path, _)| *path != OWN) {
            let text = words(text).join(" ");
            // `ARCHITECTURE, "The ledger"`, or `[LANGUAGES.md](LANGUAGES.md), "Rules"`.
            for rest in text.split(name).skip(1) {
                let rest = rest.trim_start_matches(".md").trim_start_matches(')');
                let title = rest.strip_prefix(", \"").and_then(|rest| rest.split('"').next());
                if let Some(title) = title.filter(|title| !known.contains(title)) {
                    problems.push(format!("{path}: {document} has no section \"{title}\""));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A document that is named by its file, as in `CODES.md`, is a file of the repository.
#[test]
fn documents_that_are_named_exist() {
    let files = files();
    let known: BTreeSet<&str> = files.keys().filter_map(|path| path.rsplit('/').next()).collect();
    let mut problems = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| *path != OWN) {
        for (end, _) in text.match_indices(".md") {
            let before = text.split_at(end).0;
            let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
            let is_document = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase());
            if is_document && !known.contains(format!("{name}.md").as_str()) {
                problems.push(format!("{path}: there is no {name}.md"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn nothing_outside_of_the_repository_is_referred_to() {
    let mut problems = Vec::new();
    for (path, text) in files().iter().filter(|(path, _)| *path != OWN) {
        let words = words(text);
        let joined = words.join(" ");
        for name in ELSEWHERE {
            let mut rest = joined.as_str();
            while let Some((before, behind)) = rest.split_once(name) {
                let in_name = |c: char| c.is_alphanumeric() || c == '_';
                if !before.ends_with(in_name) && !behind.starts_with(in_name) {
                    problems.push(format!("{path}: {name}"));
                }
                rest = behind;
            }
        }
        for pair in words.windows(2) {
            if after(pair[0], "sheet") == Some("") && pair[1].starts_with(|c: char| c.is_ascii_digit()) {
                problems.push(format!("{path}: {} {}", pair[0], pair[1]));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The relative links of Markdown files, with their anchors.
#[test]
fn links_between_documents_work() {
    let files = files();
    let (mut problems, mut count) = (Vec::new(), 0);
    for (path, text) in files.iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|e| e == "md")) {
        let folder = repository().join(path).parent().expect("a folder").to_owned();
        for link in text.split("\n```").step_by(2).flat_map(|part| part.split("](").skip(1)) {
            let target = link.split([')', ' ']).next().unwrap_or_default();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() { repository().join(path) } else { folder.join(file) };
            if !there.exists() {
                problems.push(format!("{path}: [..]({target})"));
            } else if !anchor.is_empty() {
                let linked = std::fs::read_to_string(&there).unwrap_or_default();
                if !titles(&linked).into_iter().any(|title| slug(title) == anchor) {
                    problems.push(format!("{path}: [..]({target}): no such title"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(count > 30, "only {count} links");
}

/// A title as an anchor: small letters, `-` for blanks, no other punctuation.
fn slug(title: &str) -> String {
    let joined = title.to_lowercase().replace(' ', "-");
    joined.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

#[test]
fn sections_are_read_as_people_write_them() {
    for (text, expected) in [
        ("4.5).", "4.5"),
        ("4.4, 4.5)", "4.4 4.5"),
        ("1.2-1.5). Knows its names", "1.2 1.5"),
        ("1.3 and 1.5).", "1.3 1.5"),
        ("2 to 4; nothing", "2 4"),
        ("6, the retry table)", "6"),
        ("7](CONTRACT.md), 3", "7"),
        ("6.", "6"),
        ("row by row", ""),
    ] {
        assert_eq!(sections(&words(text)).join(" "), expected, "{text}");
    }
    assert_eq!(words("a (CONTRACT\n    //! 6) b"), ["a", "(CONTRACT", "6)", "b"]);
    assert_eq!((after("(CONTRACT", "CONTRACT"), after("CONTRACTS", "CONTRACT")), (Some(""), None));
    assert_eq!(numbers("# T\n## 4. A\n### 4.5 B\n```\n# 9 c\n```\n").into_iter().collect::<Vec<_>>(), ["4", "4.5"]);
}
