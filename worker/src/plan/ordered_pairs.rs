//! Ordered name-value pairs in which a name may repeat.

/// Replaces the values of the names in `over` at the position of their first value; new names come last.
pub(super) fn override_with(pairs: &mut Vec<(String, String)>, over: &[(String, String)]) {
    let mut done: Vec<&str> = Vec::new();
    for (key, _) in over {
        if done.contains(&key.as_str()) {
            continue;
        }
        let position = pairs.iter().position(|(known, _)| known == key).unwrap_or(pairs.len());
        pairs.retain(|(known, _)| known != key);
        let position = position.min(pairs.len());
        pairs.splice(position..position, over.iter().filter(|(other, _)| other == key).cloned());
        done.push(key);
    }
}
