//! When TLS handshakes begin, for those who look at how long the parts of a call took.

use std::sync::LazyLock;

use rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom, aws_lc_rs};

use super::timing;

static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(aws_lc_rs::default_provider);

/// The random numbers of the provider. A client's hello is the first of a handshake that takes some, as soon as the connection
/// is there (RFC 8446, 4.1.2).
#[derive(Debug)]
struct Observed;

impl SecureRandom for Observed {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        timing::handshake_begun();
        PROVIDER.secure_random.fill(buffer)
    }
}

/// Has the handshakes of this process's clients measured from now on; to be called before any of them is made. Where another
/// provider is installed already, they are not measured.
pub fn measure_handshakes() {
    CryptoProvider { secure_random: &Observed, ..aws_lc_rs::default_provider() }.install_default().ok();
}
