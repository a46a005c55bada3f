//! From the configuration to the parts of a process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::admin::collections::LocalCollections;
use crate::amqp;
use crate::call::{Calls, Catalog, HostLimiter, TokenStore, Transport};
use crate::clock;
use crate::config::Config;
use crate::http;
use crate::memory::Memory;
use crate::plan::Limits;
use crate::store::{DatabaseTls, KeySource, Store};

/// What all calls of a process share, with connectors from `catalog`.
///
/// # Errors
/// When a certificate authority file or the proxy cannot be used.
pub async fn calls(config: &Config, catalog: Catalog) -> Result<Calls, http::Error> {
    let memory = Memory::new(config.limits.memory);
    let settings = client_settings(config, catalog.store()).await;
    let client = http::Client::new(http::Settings { bodies: memory.bodies().clone(), ..settings })?;
    let collections = local_collections(config, catalog.store().cloned());
    Ok(Calls {
        catalog,
        transport: Transport::NetworkAndProcess(client, Arc::new(collections)),
        hosts: HostLimiter::new(config.worker.per_host.into()),
        limits: plan_limits(config),
        longest_wait: config.limits.retry_after,
        host_wait: config.limits.host_wait,
        memory,
    })
}

/// Collections of `store`, or of the store that the settings name, which is opened when a call first needs it.
fn local_collections(config: &Config, store: Option<Store>) -> LocalCollections {
    let (url, keys, tls) = (config.database.url.clone(), keys(config), database_tls(config));
    LocalCollections::new(
        store,
        Box::new(move || {
            let (url, keys, tls) = (url.clone(), keys.clone(), tls.clone());
            Box::pin(async move { Store::open(&url, &keys, &tls, false).await })
        }),
    )
}

/// The one client of a process; refresh tokens are written into `store` where there is one.
///
/// # Errors
/// When a certificate authority file cannot be read.
pub async fn client(config: &Config, store: Option<&Store>) -> Result<http::Client, http::Error> {
    http::Client::new(client_settings(config, store).await)
}

/// How a client of this process calls.
pub async fn client_settings(config: &Config, store: Option<&Store>) -> http::Settings {
    http::Settings {
        allow_net: config.http.allow_net.clone(),
        allow_ports: config.http.allow_ports.clone(),
        connect_timeout: config.http.connect_timeout,
        response_bytes: config.limits.response_bytes,
        allow_insecure_tls: config.http.allow_insecure_tls,
        ca_file: config.http.ca_file.clone(),
        proxy: config.http.proxy.clone(),
        own_addresses: own_addresses(config).await,
        refresh_tokens: store.map(|store| Arc::new(TokenStore(store.clone())) as Arc<dyn http::RefreshTokens>),
        ..http::Settings::new(clock::now_ms)
    }
}

/// What the operator decides about every call.
fn plan_limits(config: &Config) -> Limits {
    Limits {
        base_url: config.http.base_url.clone(),
        call_timeout: config.limits.call_timeout,
        poll_time: config.limits.poll_time,
        response_bytes: config.limits.response_bytes,
        inline_bytes: config.limits.inline_bytes,
        env: Arc::new(config.expressions.env.clone()),
    }
}

/// Own listening addresses, the broker and the database: connectors never call them, whatever ranges are allowed.
async fn own_addresses(config: &Config) -> Vec<SocketAddr> {
    let mut addresses = config.listening.clone();
    let (broker, database) = (&config.amqp.url, &config.database.url);
    for url in broker.expose_secret().split(',').chain([database.expose_secret()]) {
        let Ok(url) = url::Url::parse(url.trim()) else { continue };
        let default = if url.scheme() == "amqps" {
            5_671
        } else if url.scheme() == "amqp" {
            5_672
        } else {
            5_432
        };
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { continue };
        let host = host.trim_matches(['[', ']']).to_owned();
        // A name that does not resolve cannot be connected to either, so it needs no entry.
        let found = timeout(LOOKUP, tokio::net::lookup_host((host, url.port().unwrap_or(default)))).await;
        addresses.extend(found.ok().and_then(Result::ok).into_iter().flatten());
    }
    addresses
}

/// How long resolving the names of the own broker and database may take.
const LOOKUP: Duration = Duration::from_secs(2);

/// Where the keys of the vault come from.
pub fn keys(config: &Config) -> KeySource {
    KeySource {
        key: config.vault.key.clone(),
        old_keys: config.vault.old_keys.clone(),
        file: config.vault.key_file.clone(),
    }
}

/// How the database proves who it is, and how this process does.
pub fn database_tls(config: &Config) -> DatabaseTls {
    DatabaseTls {
        ca_file: config.database.ca_file.clone(),
        client_certificate: config.database.client_certificate.clone(),
        client_key: config.database.client_key.clone(),
    }
}

/// What the broker connection takes; `name` is what the broker's management page shows.
pub fn amqp(config: &Config, name: &str) -> amqp::Settings {
    amqp::Settings {
        url: config.amqp.url.clone(),
        prefix: config.amqp.prefix.clone(),
        queues: config.worker.queues.clone(),
        prefetch: config.worker.prefetch,
        heartbeat: config.amqp.heartbeat,
        consumer_check_interval: config.amqp.consumer_check_interval,
        confirm_timeout: config.amqp.confirm_timeout,
        ca_file: config.amqp.ca_file.clone(),
        client_certificate: config.amqp.client_certificate.clone(),
        client_key: config.amqp.client_key.clone(),
        name: name.to_owned(),
    }
}
