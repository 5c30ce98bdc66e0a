//! Whom TLS trusts.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Who may vouch for a relay.
#[derive(Debug, Clone)]
pub(in super::super) enum Roots {
    /// Those whom the system trusts, which includes a company's own; Mozilla's list where the system names none.
    System,
    /// Only these.
    #[cfg(test)]
    Only(Vec<CertificateDer<'static>>),
}

impl Roots {
    /// Makes the settings of TLS; reads the system's certificates.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.store())
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        let named: Vec<CertificateDer<'static>> = match self {
            // Certificates that cannot be read are not trusted; the others are.
            Self::System => rustls_native_certs::load_native_certs().certs,
            #[cfg(test)]
            Self::Only(certificates) => certificates.clone(),
        };
        store.add_parsable_certificates(named);
        if store.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        store
    }
}
