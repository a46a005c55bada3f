//! From the configuration to what the parts of a worker take.

use std::sync::Arc;

use crate::amqp;
use crate::config::{self, Config};
use crate::http;
use crate::plan::Limits;

/// The one client of a process.
///
/// # Errors
/// When a certificate authority file cannot be read.
pub fn client(config: &Config) -> Result<http::Client, http::Error> {
    http::Client::new(http::Settings {
        allow_net: config.http.allow_net.clone(),
        connect_timeout: config.http.connect_timeout(),
        response_bytes: config.limits.response_bytes,
        allow_insecure_tls: config.http.allow_insecure_tls,
        ca_file: config.http.ca_file(),
        ..http::Settings::default()
    })
}

/// What the operator decides about every call.
///
/// # Errors
/// When `http.base_url` is not a URL.
pub fn plan_limits(config: &Config) -> Result<Limits, config::Error> {
    Ok(Limits {
        base_url: config.http.base_url()?,
        call_timeout: config.limits.call_timeout(),
        poll_time: config.limits.poll_time(),
        response_bytes: config.limits.response_bytes,
        inline_bytes: config.limits.inline_bytes,
        env: Arc::new(config.expressions.env.clone()),
    })
}

/// What the broker connection takes; `name` is what its management page shows.
pub fn amqp(config: &Config, name: &str) -> amqp::Settings {
    amqp::Settings {
        url: config.amqp.url().clone(),
        prefix: config.amqp.prefix.clone(),
        queues: config.worker.queues.clone(),
        prefetch: config.worker.prefetch,
        heartbeat: config.amqp.heartbeat(),
        confirm_timeout: config.amqp.confirm_timeout(),
        ca_file: config.amqp.ca_file(),
        name: name.to_owned(),
    }
}
