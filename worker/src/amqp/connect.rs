//! Opening one connection: one attempt at each endpoint, with TLS where the URL asks for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::{Connection, ConnectionProperties, DefaultConnectionBuilder};
use tokio::time::timeout;

use super::endpoints::{Endpoint, endpoints};
use super::{Error, Settings};

/// From dialling to an open connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Connects to the first endpoint that can be reached.
pub(super) async fn connect(settings: &Settings, role: &str, large_frames: bool) -> Result<Connection, Error> {
    let mut unreachable = Vec::new();
    for endpoint in endpoints(&settings.url, settings.heartbeat, large_frames)? {
        match connect_to(&endpoint, settings, role).await {
            Err(Error::Unreachable { address, problem }) => unreachable.push((address, problem)),
            result => return result,
        }
    }
    let (addresses, problems): (Vec<String>, Vec<String>) = unreachable.into_iter().unzip();
    Err(Error::Unreachable { address: addresses.join(" and "), problem: problems.join("; ") })
}

async fn connect_to(endpoint: &Endpoint, settings: &Settings, role: &str) -> Result<Connection, Error> {
    endpoint.check().await?;
    let name = format!("data-connector {} ({role})", settings.name);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let tls = tls(settings)?;
    let unreachable = |problem: String| Error::Unreachable { address: endpoint.address(), problem };
    let builder = DefaultConnectionBuilder::new().map_err(|e| unreachable(e.to_string()))?;
    let builder = builder.with_uri(endpoint.0.clone()).with_properties(properties).with_tls_config(tls);
    match timeout(CONNECT, builder.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(_) => Err(unreachable(format!("no answer within {CONNECT:?}"))),
    }
}

fn tls(settings: &Settings) -> Result<OwnedTLSConfig, Error> {
    let read = |path: &PathBuf| {
        std::fs::read(path)
            .map_err(|source| Error::TlsFile { path: path.display().to_string(), source: Arc::new(source) })
    };
    let cert_chain = settings.ca_file.as_ref().map(read).transpose()?;
    let identity = match (&settings.client_certificate, &settings.client_key) {
        (Some(certificate), Some(key)) => Some(OwnedIdentity::PKCS8 { pem: read(certificate)?, key: read(key)? }),
        _ => None,
    };
    Ok(OwnedTLSConfig { identity, cert_chain: cert_chain.map(|pem| String::from_utf8_lossy(&pem).into_owned()) })
}
