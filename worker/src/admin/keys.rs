//! Rotating the keys that credentials and secrets are encrypted with.

use super::Error;
use crate::store::Store;

/// What a rotation would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPlan {
    /// A new key is made first.
    pub adds_key: bool,
    /// How many values are encrypted again.
    pub values: usize,
}

/// What a rotation would do now.
///
/// # Errors
/// When a key is missing, there is nothing to do, or the database cannot be reached.
pub async fn plan_rotation(store: &Store) -> Result<RotationPlan, Error> {
    let keys = store.keys().list().await?;
    if let Some(missing) = keys.iter().find(|key| !key.given) {
        return Err(Error::Refused(format!(
            "{} values were encrypted with key {}, which is not there; give it in vault.old_keys, or as a further line of \
             the key file",
            missing.sealed, missing.id
        )));
    }
    let adds_key = store.keys().rotation_adds_key().await?;
    let values: usize = keys.iter().filter(|key| adds_key || !key.primary).map(|key| key.sealed).sum();
    if !adds_key && values == 0 {
        let steps = "everything is encrypted with the primary key; put a new one (`data-connector keys new`) into vault.key, \
                     this one into vault.old_keys, and run it again";
        return Err(Error::Refused(steps.to_owned()));
    }
    Ok(RotationPlan { adds_key, values })
}
