//! Names with values, in order, some of them several times.

/// All values of a name take the place of that name's first value; new names come last.
pub(super) fn override_with(pairs: &mut Vec<(String, String)>, over: &[(String, String)]) {
    let mut done: Vec<&str> = Vec::new();
    for (key, _) in over {
        if done.contains(&key.as_str()) {
            continue;
        }
        let place = pairs.iter().position(|(known, _)| known == key).unwrap_or(pairs.len());
        pairs.retain(|(known, _)| known != key);
        let place = place.min(pairs.len());
        pairs.splice(place..place, over.iter().filter(|(other, _)| other == key).cloned());
        done.push(key);
    }
}
