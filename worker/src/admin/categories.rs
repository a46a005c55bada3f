//! Categories of connectors: what they may be called, and when they may go (COMPATIBILITY 4.1).

use serde_json::{Map, Value, json};

use super::By;
use crate::store::{self, Category, CategoryDraft, CategoryRefusal, Store};

/// The longest name, characters.
const LONGEST_NAME: usize = 100;

/// Why a category is not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// It is not there any more.
    #[error("there is no such category")]
    Gone,
    /// It was changed since.
    #[error("it was changed since; read it again")]
    Stale,
    /// A member that cannot be used; `delete` for one that has to stay.
    #[error("{message}")]
    Invalid {
        /// Which one.
        member: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Refusal {
    fn invalid(member: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { member, message: message.into() }
    }
}

impl From<CategoryRefusal> for Refusal {
    fn from(refusal: CategoryRefusal) -> Self {
        match refusal {
            CategoryRefusal::Gone => Self::Gone,
            CategoryRefusal::Stale => Self::Stale,
            CategoryRefusal::NameTaken => Self::invalid("name", "The Name has already been taken."),
            CategoryRefusal::System => Self::invalid("delete", "this software needs this category: it stays"),
            CategoryRefusal::InUse(count) => {
                Self::invalid("delete", format!("{count} connectors are in this category; take them out of it first"))
            }
        }
    }
}

/// Makes a category.
///
/// # Errors
/// What cannot be used, or that the database cannot be reached.
pub async fn create(store: &Store, members: &Map<String, Value>, by: &By) -> Result<Category, Refusal> {
    let draft = draft(members)?;
    let name = draft.name.ok_or_else(|| Refusal::invalid("name", "the name is missing"))?;
    let status = draft.status.unwrap_or_else(|| "ACTIVE".to_owned());
    let entry = by.entry("category.created", "", json!({"name": name}));
    Ok(store.categories().create((&name, &status), &entry).await??)
}

/// Changes the members that are given.
///
/// # Errors
/// What cannot be used, or that the database cannot be reached.
pub async fn update(
    store: &Store,
    category: &Category,
    members: &Map<String, Value>,
    is_current: impl Fn(&Category) -> bool + Send + Sync,
    by: &By,
) -> Result<Category, Refusal> {
    let draft = draft(members)?;
    let given = [("name", draft.name.is_some()), ("status", draft.status.is_some())];
    let changed: Vec<&str> = given.iter().filter(|(_, is_given)| *is_given).map(|(member, _)| *member).collect();
    let entry = by.entry("category.updated", &category.uuid, json!({"changed": changed}));
    Ok(store.categories().update(category.id, &draft, is_current, &entry).await??)
}

/// Removes a category that nothing is in.
///
/// # Errors
/// Why it stays, or that the database cannot be reached.
pub async fn remove(
    store: &Store,
    category: &Category,
    is_current: impl Fn(&Category) -> bool + Send + Sync,
    by: &By,
) -> Result<(), Refusal> {
    let entry = by.entry("category.deleted", &category.uuid, json!({"name": category.name}));
    Ok(store.categories().remove(category.id, is_current, &entry).await??)
}

/// The category of a reference: uuid in any case, number, or name.
///
/// # Errors
/// When there is none, or the database cannot be reached.
pub async fn find(store: &Store, reference: &str) -> Result<Category, Refusal> {
    let all = store.categories().list().await?;
    let by_uuid = all.iter().find(|category| category.uuid.eq_ignore_ascii_case(reference));
    let by_id = || all.iter().find(|category| reference.parse() == Ok(category.id));
    let by_name = || all.iter().find(|category| category.name == reference);
    by_uuid.or_else(by_id).or_else(by_name).cloned().ok_or(Refusal::Gone)
}

/// `name` and `status`, as far as they are given.
fn draft(members: &Map<String, Value>) -> Result<CategoryDraft, Refusal> {
    let name = match members.get("name") {
        None => None,
        Some(Value::String(name)) if is_name(name) => Some(name.clone()),
        Some(_) => {
            let problem = "the name must be 1 to 100 letters, digits, spaces and dashes";
            return Err(Refusal::invalid("name", problem));
        }
    };
    let status = match members.get("status").map(|status| status.as_str().unwrap_or_default().to_ascii_uppercase()) {
        None => None,
        Some(status) if status == "ACTIVE" || status == "INACTIVE" => Some(status),
        Some(_) if members.get("status") == Some(&Value::Null) => None,
        Some(_) => return Err(Refusal::invalid("status", "the status must be ACTIVE or INACTIVE")),
    };
    Ok(CategoryDraft { name, status })
}

fn is_name(name: &str) -> bool {
    let is_usable = |character: char| character.is_alphanumeric() || matches!(character, ' ' | '-');
    !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && name.chars().all(is_usable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_spaces_and_dashes() {
        for (name, is_usable) in [
            ("Rates 2 - Größe", true),
            ("", false),
            ("  ", false),
            ("a_b", false),
            ("a/b", false),
            (&"a".repeat(100), true),
            (&"a".repeat(101), false),
        ] {
            assert_eq!(is_name(name), is_usable, "{name}");
        }
    }
}
