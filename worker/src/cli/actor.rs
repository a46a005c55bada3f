//! Who uses the command line, for the audit log.

use crate::admin::By;

/// `cli:<user>`: the name that the system gives, else the number of the user.
pub(super) fn by() -> By {
    let named =
        ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok()).find(|name| !name.is_empty());
    let user = named.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string());
    By { actor: format!("cli:{user}"), request_id: None }
}
