//! The cost of reading: a model of 5 MB with 5,000 connectors. `cargo bench` fails when reading it takes 100 ms.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;

#[path = "../tests/reading/large.rs"]
mod large;

/// The longest time that reading may take.
const MAX_TIME: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let text = large::model();
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    criterion.bench_function("read 5 MB with 5,000 tasks", |bench| bench.iter(|| bpmn_ext::read(black_box(&text))));
    criterion.final_summary();
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let begun = Instant::now();
            drop(black_box(bpmn_ext::read(black_box(&text))));
            begun.elapsed()
        })
        .collect();
    times.sort();
    let median = times[times.len() / 2];
    println!("{} bytes in {median:?}; at most {MAX_TIME:?}", text.len());
    if median < MAX_TIME { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
