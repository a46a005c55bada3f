//! Rules about names that models and workers share. Knows which names are valid, reserved or labelled; must not know
//! where a name is used.

/// Variables that belong to the engine: a result never carries them (CONTRACT 3).
pub const RESERVED_VARIABLES: [&str; 9] = [
    "_user",
    "_request",
    "_parent",
    "loopCounter",
    "numberOfInstances",
    "numberOfActiveInstances",
    "numberOfCompletedInstances",
    "numberOfTerminatedInstances",
    "loopCharacteristics",
];

/// The longest name of an engine, a queue or a secret, in bytes (CONTRACT 1).
pub const MAX_NAME_BYTES: usize = 64;

/// Whether a variable belongs to the engine, so that no mapping may write it (CONTRACT 3).
pub fn is_reserved_variable(name: &str) -> bool {
    RESERVED_VARIABLES.contains(&name)
}

/// Whether `name` is a valid name of an engine, a queue or a secret: 1 to 64 of `A-Z a-z 0-9 _ -` (CONTRACT 1).
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The name of a resource without the method that some screens label it with: `GET: ListAll` means `ListAll`, and both
/// are accepted (COMPATIBILITY 5.2).
pub fn bare_resource(text: &str) -> &str {
    match text.split_once(':') {
        Some((method, name)) if !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase()) => name.trim(),
        _ => text,
    }
}
