//! Rotating the keys that credentials and secrets are encrypted with.

use serde_json::{Value, json};

use super::bulk::while_alive;
use super::{By, Error};
use crate::store::{Rotated, Rotation, RotationState, Store};

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

/// Rotates the keys while somebody waits for it.
///
/// # Errors
/// When the key file cannot be written, a key is missing, or the database cannot be reached.
pub async fn rotate(store: &Store, by: &By) -> Result<Rotated, Error> {
    let entry = by.entry("key.rotated", "", json!({}));
    Ok(store.keys().rotate(&entry, &|_| Box::pin(std::future::ready(true))).await?)
}

/// Removes keys from the key file that nothing is encrypted with any more; returns their ids.
///
/// # Errors
/// When the key file cannot be written, or the database cannot be reached.
pub async fn retire(store: &Store, by: &By) -> Result<Vec<String>, Error> {
    Ok(store.keys().prune(&by.entry("key.deleted", "", json!({}))).await?)
}

/// Begins a rotation that goes on by itself; how far it has come can be looked at under the id that is returned.
///
/// # Errors
/// When a key is missing, there is nothing to do, or the database cannot be reached.
pub async fn begin_rotation(store: &Store, by: &By) -> Result<Rotation, Error> {
    let plan = plan_rotation(store).await?;
    let id = uuid::Uuid::now_v7().to_string();
    store.keys().rotation_began(&id, i64::try_from(plan.values).unwrap_or(i64::MAX)).await?;
    let begun =
        store.keys().rotation(&id).await?.ok_or_else(|| Error::NotFound(format!("there is no rotation {id}")))?;
    let (store, entry) = (store.clone(), by.entry("key.rotated", "", json!({"rotation": id})));
    tokio::spawn(async move {
        if let Err(error) = go_on(&store, &id, &entry).await {
            tracing::error!(%error, "a rotation of the keys stopped");
            let ended = store.keys().rotation_ended(&id, RotationState::Stopped, Some(&error.to_string())).await;
            if let Err(error) = ended {
                tracing::error!(%error, "that a rotation of the keys stopped could not be noted");
            }
        }
    });
    Ok(begun)
}

async fn go_on(store: &Store, id: &str, entry: &crate::store::audit::Entry) -> Result<(), Error> {
    let progress = |done: usize| -> futures_util::future::BoxFuture<'_, bool> {
        Box::pin(async move {
            let done = i64::try_from(done).unwrap_or(i64::MAX);
            // Progress that cannot be noted is no reason to stop.
            store.keys().rotation_came_to(id, done).await.unwrap_or(true)
        })
    };
    let goes_on = || async { store.keys().rotation_goes_on(id).await };
    let rotated = while_alive(store.keys().rotate(entry, &progress), goes_on).await?;
    let state = if rotated.finished { RotationState::Done } else { RotationState::Stopped };
    Ok(store.keys().rotation_ended(id, state, None).await?)
}

/// Stops a rotation after the batch that it is at: the rest stays encrypted with the older key.
///
/// # Errors
/// When there is none with this id, or the database cannot be reached.
pub async fn stop_rotation(store: &Store, id: &str) -> Result<(), Error> {
    rotation(store, id).await?;
    Ok(store.keys().rotation_ended(id, RotationState::Stopped, None).await?)
}

/// A rotation by its id.
///
/// # Errors
/// When there is none, or the database cannot be reached.
pub async fn rotation(store: &Store, id: &str) -> Result<Rotation, Error> {
    store.keys().rotation(id).await?.ok_or_else(|| Error::NotFound(format!("there is no rotation `{id}`")))
}

/// A rotation as work in bulk is shown.
pub fn shown(rotation: &Rotation) -> Value {
    let Rotation { id, count, done, state, error, .. } = rotation;
    let errors: Vec<Value> = error.iter().map(|message| json!({"job": null, "message": message})).collect();
    json!({
        "id": id, "action": "rotate", "count": count, "done": done, "failed": 0, "state": state, "errors": errors,
    })
}
