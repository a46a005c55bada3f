//! Ordered name-value pairs in which a name may repeat.

use std::collections::HashMap;

/// Replaces the values of the names in `over` at the position of their first value; new names come last.
///
/// Linear: rows make as many pairs as request data has items.
pub(super) fn override_with(pairs: &mut Vec<(String, String)>, over: &[(String, String)]) {
    let mut values: HashMap<&str, Vec<&(String, String)>> = HashMap::new();
    for pair in over {
        values.entry(&pair.0).or_default().push(pair);
    }
    let mut replaced = Vec::with_capacity(pairs.len() + over.len());
    // A name that is in its place has no values left.
    for pair in pairs.drain(..) {
        match values.get_mut(pair.0.as_str()) {
            Some(new) => replaced.extend(new.drain(..).cloned()),
            None => replaced.push(pair),
        }
    }
    for (name, _) in over {
        replaced.extend(values.get_mut(name.as_str()).into_iter().flat_map(|new| new.drain(..)).cloned());
    }
    *pairs = replaced;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        text.split_whitespace()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    #[test]
    fn values_are_replaced_where_the_name_was_first() {
        for (before, over, expected) in [
            ("a=1 b=2 a=3", "a=9", "a=9 b=2"),
            ("a=1 b=2", "b=8 b=9 c=7 a=6", "a=6 b=8 b=9 c=7"),
            ("a=1", "c=1 b=2 c=3", "a=1 c=1 c=3 b=2"),
            ("", "a=1", "a=1"),
            ("a=1 a=2", "", "a=1 a=2"),
        ] {
            let mut replaced = pairs(before);
            override_with(&mut replaced, &pairs(over));
            assert_eq!(replaced, pairs(expected), "{before} under {over}");
        }
    }

    #[test]
    fn a_list_of_request_data_is_no_work_for_minutes() {
        let over: Vec<_> = (0..200_000).map(|n| (format!("k[{n}]"), String::new())).collect();
        let begun = std::time::Instant::now();
        override_with(&mut Vec::new(), &over);
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
