//! Encrypted connections: whom to trust, and who we are.

use crate::config::{Config, ConfigError, bad};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// What the configuration says of encryption; `None` where it says nothing.
pub fn config(config: &Config) -> Result<Option<Arc<ClientConfig>>, ConfigError> {
    let Some(ca) = &config.ca else {
        let alone = config.certificate.as_ref().or(config.key.as_ref());
        return match alone {
            Some(file) => Err(bad("certificate", file.display(), "an encrypted connection needs ca as well")),
            None => Ok(None),
        };
    };
    let failed = |field, file: &Path, why: String| ConfigError::File { field, file: file.to_owned(), why };
    let certificates = |field, file: &Path| {
        let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match read {
            Ok(found) if found.is_empty() => Err(failed(field, file, "it holds no certificate in PEM".into())),
            other => other.map_err(|error| failed(field, file, error.to_string())),
        }
    };
    let mut trusted = RootCertStore::empty();
    for certificate in certificates("ca", ca)? {
        trusted.add(certificate).map_err(|error| failed("ca", ca, error.to_string()))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has ciphers of TLS 1.2 and 1.3")
        .with_root_certificates(trusted);
    let tls = match (&config.certificate, &config.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let own = certificates("certificate", certificate)?;
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| failed("key", key, error.to_string()))?;
            builder.with_client_auth_cert(own, secret).map_err(|error| failed("key", key, error.to_string()))?
        }
        _ => return Err(bad("certificate", "alone", "certificate and key go together")),
    };
    Ok(Some(Arc::new(tls)))
}
