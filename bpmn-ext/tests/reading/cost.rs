//! The cost of reading a large model in instructions, which do not depend on the load of the machine.

use std::process::Command;

use super::large;

/// Instructions of one reading in millions, as last measured. Lower it when reading becomes cheaper.
const MILLIONS: u64 = 675;
/// Per cent above that which are accepted: compilers and C libraries differ.
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
        .expect("valgrind, which deploy/test installs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let counts = std::fs::read_to_string(&counts).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    let millions = total.unwrap().trim().parse::<u64>().unwrap() / 1_000_000;
    assert!(millions > MILLIONS / 2, "{millions} million: something else was counted");
    assert!(
        millions <= MILLIONS * (100 + LEEWAY) / 100,
        "reading 5 MB took {millions} million instructions; it took {MILLIONS} million"
    );
}
