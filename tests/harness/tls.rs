//! A certificate authority for tests, certificates that it signed, and TLS servers that present them.

use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Signs certificates; clients trust them that have the authority's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one that no client trusts yet.
    pub fn new() -> Self {
        let mut own = CertificateParams::new(Vec::new()).expect("parameters");
        own.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(own, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    /// Its own certificate, PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a host, an address or a client.
    pub fn sign(&self, name: &str) -> Identity {
        self.signed(&parameters(name))
    }

    /// One that expired at the end of 2020.
    pub fn sign_expired(&self, name: &str) -> Identity {
        let mut parameters = parameters(name);
        (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 12, 31));
        self.signed(&parameters)
    }

    fn signed(&self, parameters: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.0).expect("a certificate");
        Identity { certificate, key }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn parameters(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).expect("a name")
}

/// A certificate and its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    /// A self-signed one.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self { certificate: parameters(name).self_signed(&key).expect("a certificate"), key }
    }

    /// The certificate, DER, as the peer receives it.
    pub fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// The certificate, PEM.
    pub fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// The key, PEM.
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }

    /// A server that presents it and requests no client certificate.
    pub fn server(&self) -> ServerConfig {
        let (chain, key) = self.chain_and_key();
        let config = server().with_no_client_auth().with_single_cert(chain, key);
        config.expect("a certificate with its key")
    }

    /// A server that presents it and requires a client certificate of `authority`.
    pub fn server_for_clients_of(&self, authority: &Authority) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).expect("an authority");
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let (chain, key) = self.chain_and_key();
        let config = server().with_client_cert_verifier(verifier.expect("a verifier")).with_single_cert(chain, key);
        config.expect("a certificate with its key")
    }

    fn chain_and_key(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (vec![self.certificate.der().clone()], PrivateKeyDer::Pkcs8(self.key.serialize_der().into()))
    }
}

fn server() -> tokio_rustls::rustls::ConfigBuilder<ServerConfig, tokio_rustls::rustls::WantsVerifier> {
    let provider = Arc::new(default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("protocol versions")
}
