//! What reading a large model costs, counted in instructions, which no other load on the machine changes.

use std::process::Command;

use super::large;

/// Instructions of one reading, in millions, as counted when this was written. Less is welcome: write the new figure.
const MILLIONS: u64 = 675;
/// Per cent more that are let pass: another compiler, another C library.
const LEEWAY: u64 = 10;

/// What Valgrind runs: this test alone, in a process of its own.
const INNER: &str = "cost::one_reading";

#[test]
fn one_reading() {
    let (model, diagnostics) = bpmn_ext::read(&large::model());
    assert_eq!((model.tasks.len(), diagnostics), (5_000, vec![]));
}

#[test]
fn reading_takes_no_more_instructions_than_it_did() {
    let folder = std::env::temp_dir().join(format!("bpmn-ext-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let counts = folder.join("counts");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=bpmn_ext::read*"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", INNER, "--test-threads=1"])
        .output()
        .expect("valgrind, which deploy/test brings up");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let counts = std::fs::read_to_string(&counts).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    let millions = total.unwrap().trim().parse::<u64>().unwrap() / 1_000_000;
    assert!(millions > MILLIONS / 2, "{millions} million: the counting counts something else");
    assert!(
        millions <= MILLIONS * (100 + LEEWAY) / 100,
        "reading 5 MB took {millions} million instructions; it took {MILLIONS} million"
    );
}
