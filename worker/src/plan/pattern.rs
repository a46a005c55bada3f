//! Compiled patterns: each takes hundreds of times the memory of its text, so that all of a process share one cache of limited
//! weight, whatever holds them.

use std::sync::LazyLock;

use moka::sync::Cache;
use regex::{Regex, RegexBuilder};

/// What all patterns together may take, bytes.
const CAPACITY: u64 = 32 * 1024 * 1024;
/// What one pattern may compile to, bytes: most fit into the first, none takes more than the last.
const SIZES: [usize; 3] = [8 * 1024, 32 * 1024, 256 * 1024];
/// Without this much a matcher is slower; it is linear in any case.
const DFA: usize = 128 * 1024;

/// Compiled patterns by flags and text, and what each weighs.
static COMPILED: LazyLock<Cache<(Flags, String), (Regex, u32)>> = LazyLock::new(|| {
    let weight = |(_, text): &(Flags, String), (_, weight): &(Regex, u32)| weight.saturating_add(length(text));
    Cache::builder().weigher(weight).max_capacity(CAPACITY).build()
});

/// How a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag of a pattern")]
pub(crate) struct Flags {
    /// `i`
    pub(crate) case_insensitive: bool,
    /// `m`
    pub(crate) multi_line: bool,
    /// `s`
    pub(crate) dot_matches_new_line: bool,
    /// `x`
    pub(crate) ignore_white_space: bool,
    /// `U`
    pub(crate) swap_greed: bool,
}

/// The compiled pattern, from the cache where it is there.
///
/// # Errors
/// What is wrong with it, or that it compiles to more than any pattern may take.
pub(crate) fn compiled(pattern: &str, flags: Flags) -> Result<Regex, regex::Error> {
    // The key is a copy of a text that callers limit.
    let key = (flags, pattern.to_owned());
    if let Some((regex, _)) = COMPILED.get(&key) {
        return Ok(regex);
    }
    let mut last = Err(regex::Error::CompiledTooBig(0));
    for size in SIZES {
        last = builder(pattern, flags, size).build().map(|regex| (regex, size));
        if !matches!(last, Err(regex::Error::CompiledTooBig(_))) {
            break;
        }
    }
    let (regex, size) = last?;
    // What it compiles to, the same for its reverse, and what searching adds.
    let weight = u32::try_from(2 * size).unwrap_or(u32::MAX);
    COMPILED.insert(key, (regex.clone(), weight));
    Ok(regex)
}

fn builder(pattern: &str, flags: Flags, size: usize) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    builder
        .size_limit(size)
        .dfa_size_limit(DFA)
        .nest_limit(24)
        .case_insensitive(flags.case_insensitive)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_matches_new_line)
        .ignore_whitespace(flags.ignore_white_space)
        .swap_greed(flags.swap_greed);
    builder
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_weigh_what_they_compile_to_and_all_of_them_no_more_than_the_capacity() {
        for n in 0..400 {
            let pattern = format!(r"[a-z]\w{{5}}tag{n}");
            assert!(compiled(&pattern, Flags::default()).unwrap().is_match(&format!("xabcdetag{n}")));
        }
        COMPILED.run_pending_tasks();
        let (weight, count) = (COMPILED.weighted_size(), COMPILED.entry_count());
        assert!(weight <= CAPACITY && count < 400, "{count} patterns weigh {weight}");
        let problem = compiled(r"\p{L}{300}", Flags::default()).unwrap_err();
        assert!(matches!(problem, regex::Error::CompiledTooBig(_)), "{problem}");
    }
}
