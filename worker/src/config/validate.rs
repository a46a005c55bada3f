//! Ranges of settings, and settings that depend on each other.

use std::time::Duration;

use url::Url;

use super::{Config, Error};

/// The delay ladder holds a copy of a job for at most 2^20 - 1 seconds, a little more than twelve days, and without its
/// row that copy would be a new job.
const LEAST_KEEP_JOBS: Duration = Duration::from_hours(13 * 24);

impl Config {
    pub(super) fn validate(&self) -> Result<(), Error> {
        self.names()?;
        self.ranges()?;
        self.combinations()
    }

    fn names(&self) -> Result<(), Error> {
        let is_name = |text: &str| crate::job::is_name(text);
        check(!self.amqp.prefix.is_empty() && self.amqp.prefix.split('.').all(is_name), "amqp.prefix", || {
            format!("is `{}`; it must be A-Z a-z 0-9 _ - with dots between", self.amqp.prefix)
        })?;
        check(self.amqp.prefix.len() <= 100, "amqp.prefix", || "is longer than 100 characters".to_owned())?;
        check(!self.worker.queues.is_empty(), "worker.queues", || {
            "is empty; name a queue, such as default".to_owned()
        })?;
        for queue in &self.worker.queues {
            let problem = || format!("holds `{queue}`; it must be 1 to 64 of A-Z a-z 0-9 _ -");
            check(is_name(queue), "worker.queues", problem)?;
        }
        for (url, key) in [
            (&self.http.base_url, "http.base_url"),
            (&self.api.public_url, "api.public_url"),
            (&self.api.oidc.jwks_url, "api.oidc.jwks_url"),
        ] {
            let Some(url) = url else { continue };
            check(matches!(url.scheme(), "http" | "https"), key, || format!("is `{url}`, not an http or https URL"))?;
        }
        Ok(())
    }

    fn ranges(&self) -> Result<(), Error> {
        check(self.worker.prefetch > 0, "worker.prefetch", || "must be at least 1".to_owned())?;
        let at_least = |key, value: Duration, least: u64| {
            let plural = if least == 1 { "" } else { "s" };
            check(value >= Duration::from_secs(least), key, || format!("must be at least {least} second{plural}"))
        };
        at_least("worker.stuck_after", self.worker.stuck_after, 2)?;
        at_least("worker.lease", self.worker.lease, 5)?;
        at_least("amqp.consumer_check_interval", self.amqp.consumer_check_interval, 1)?;
        at_least("database.keep_payloads", self.database.keep_payloads, 60)?;
        at_least("database.keep_dead_letters", self.database.keep_dead_letters, 60)?;
        at_least("limits.call_timeout", self.limits.call_timeout, 1)?;
        at_least("http.connect_timeout", self.http.connect_timeout, 1)?;
        at_least("api.header_timeout", self.api.header_timeout, 1)?;
        at_least("api.body_timeout", self.api.body_timeout, 1)?;
        at_least("api.execute_timeout", self.api.execute_timeout, 1)?;
        check(self.api.connections > 0, "api.connections", || "must be at least 1".to_owned())?;
        check(self.api.executions > 0, "api.executions", || "must be at least 1".to_owned())?;
        check(!self.http.allow_ports.contains(&0), "http.allow_ports", || "holds 0, which is no port".to_owned())?;
        let longest = u64::from(u16::MAX);
        check(self.amqp.heartbeat.as_secs() <= longest, "amqp.heartbeat", || {
            format!("must be at most {longest} seconds")
        })?;
        check(self.database.keep_jobs >= LEAST_KEEP_JOBS, "database.keep_jobs", || {
            let least = LEAST_KEEP_JOBS.as_secs();
            format!("must be at least {least} seconds: as long as a copy of a job that was cancelled may wait")
        })
    }

    fn combinations(&self) -> Result<(), Error> {
        check(self.database.keep_jobs >= self.database.keep_payloads, "database.keep_jobs", || {
            "must be at least database.keep_payloads, because a job's message is deleted before its row".to_owned()
        })?;
        for (certificate, key, name) in [
            (&self.amqp.client_certificate, &self.amqp.client_key, "amqp.client_key"),
            (&self.database.client_certificate, &self.database.client_key, "database.client_key"),
        ] {
            check(certificate.is_some() == key.is_some(), name, || {
                "and client_certificate belong together: set both or none".to_owned()
            })?;
        }
        check(self.api.oidc.issuer.is_none() || self.api.oidc.audience.is_some(), "api.oidc.audience", || {
            "is empty; with api.oidc.issuer it is required, for else tokens made for others would be valid here"
                .to_owned()
        })?;
        let keys = self.api.oidc.jwks_url.as_ref();
        let is_local = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        check(keys.is_none_or(|url| url.scheme() == "https" || is_local(url)), "api.oidc.jwks_url", || {
            "is http; keys that come unencrypted from another machine can be anybody's: use https".to_owned()
        })?;
        check(self.vault.key.is_none() || self.vault.key_file.is_none(), "vault.key", || {
            "is set, and so is vault.key_file; one of them is enough".to_owned()
        })?;
        check(self.vault.key.is_some() || self.vault.old_keys.is_empty(), "vault.old_keys", || {
            "needs vault.key; further keys of a key file are in that file, one a line".to_owned()
        })
    }
}

fn check(holds: bool, key: &'static str, problem: impl FnOnce() -> String) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Value { key, problem: problem() }) }
}
