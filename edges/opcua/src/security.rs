//! Certificates, and how a source logs in.

use crate::config::{Config, Security, Trust};
use crate::open::PeerError;
use opcua::client::{Client, ClientBuilder, IdentityToken, Password};
use opcua::crypto::{CertificateStore, SecurityPolicy};
use opcua::types::{EndpointDescription, MessageSecurityMode, UserTokenType};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// As the application's certificate names it; servers compare.
pub(crate) const APPLICATION_URI: &str = "urn:lehr:opcua";

/// Bounds on what a server may send: a message of 16 MiB is some half a million values.
const MESSAGE_MOST: usize = 16 * 1024 * 1024;
const CHUNKS_MOST: usize = 1024;
const ARRAY_MOST: usize = 500_000;
const STRING_MOST: usize = 1024 * 1024;

/// An answer that takes longer than this does not come.
pub(crate) const REQUEST_MOST: Duration = Duration::from_secs(10);
/// How often the server is asked whether it still runs; two failures, and it counts as away.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long a session outlives its connection, milliseconds.
const SESSION_MS: u32 = 120_000;

/// Two sources with one folder would make the same key at once.
static MAKING_KEYS: Mutex<()> = Mutex::new(());

/// Reads or makes the application's key. Takes a second or so where it is made.
pub(crate) fn client(config: &Config, reconnects: i32) -> Result<Client, PeerError> {
    let _one = MAKING_KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let secure = config.security != Security::None;
    let pki =
        std::path::absolute(&config.pki).map_err(|error| PeerError::Pki(config.pki.clone(), error.to_string()))?;
    let mut builder = ClientBuilder::new()
        .application_name("Lehr")
        .application_uri(APPLICATION_URI)
        .product_uri(APPLICATION_URI)
        .session_name(format!("lehr {}", config.name))
        .create_sample_keypair(secure)
        .verify_server_certs(config.verify && config.trust == Trust::Folder)
        .trust_server_certs(config.trust == Trust::Any)
        .pki_dir(certificates(config, &pki))
        .session_retry_limit(reconnects)
        .session_retry_initial(Duration::from_secs(1))
        .session_retry_max(Duration::from_secs(10))
        .session_timeout(SESSION_MS)
        .keep_alive_interval(KEEP_ALIVE)
        .max_failed_keep_alive_count(0)
        .request_timeout(REQUEST_MOST)
        .recreate_subscriptions(false)
        .max_message_size(MESSAGE_MOST)
        .max_chunk_count(CHUNKS_MOST)
        .max_array_length(ARRAY_MOST)
        .max_string_length(STRING_MOST)
        .max_byte_string_length(STRING_MOST);
    if secure {
        builder = builder.certificate_path(pki.join("own/cert.der")).private_key_path(pki.join("private/private.pem"));
    }
    let client = builder.client().map_err(|errors| PeerError::Pki(pki.clone(), errors.join("; ")))?;
    if secure {
        let store = client.certificate_store().read();
        store.read_own_cert().and_then(|_| store.read_own_pkey()).map_err(|why| PeerError::Pki(pki.clone(), why))?;
        drop(store);
        keep_private(&pki.join("private/private.pem")).map_err(|error| PeerError::Pki(pki, error.to_string()))?;
    }
    Ok(client)
}

/// Certificates of others. Those that come while any is trusted are kept apart: they must not count as trusted when only
/// the folder's are. Without security none come, and the library still wants a folder.
fn certificates(config: &Config, pki: &Path) -> PathBuf {
    match (config.security, config.trust) {
        (Security::None, _) => std::env::temp_dir().join("lehr-opcua-without-security"),
        (_, Trust::Any) => pki.join("any"),
        (_, Trust::Folder) => pki.to_owned(),
    }
}

/// The library writes keys as any file.
#[cfg(unix)]
pub(crate) fn keep_private(key: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
pub(crate) fn keep_private(_key: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The server's endpoint of the wanted security. Servers know themselves by other names than their clients do, so the
/// address stays the one that was given.
pub(crate) fn endpoint(config: &Config, offered: Vec<EndpointDescription>) -> Result<EndpointDescription, PeerError> {
    let (policy, mode) = match config.security {
        Security::None => (SecurityPolicy::None, MessageSecurityMode::None),
        Security::Basic256sha256 => (SecurityPolicy::Basic256Sha256, MessageSecurityMode::SignAndEncrypt),
    };
    let said = || {
        let mut all: Vec<String> = offered
            .iter()
            .map(|offer| {
                let policy = SecurityPolicy::from_uri(offer.security_policy_uri.as_ref());
                format!("{policy} {:?}", offer.security_mode)
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        all.join(", ")
    };
    let fits = |offer: &&EndpointDescription| {
        offer.security_mode == mode && SecurityPolicy::from_uri(offer.security_policy_uri.as_ref()) == policy
    };
    let mut found = offered.iter().find(fits).cloned().ok_or_else(|| PeerError::Security { offered: said() })?;
    let (kind, login) = match (&config.user, &config.user_certificate) {
        (Some(_), _) => (UserTokenType::UserName, "user"),
        (None, Some(_)) => (UserTokenType::Certificate, "user_certificate"),
        (None, None) => (UserTokenType::Anonymous, "anonymous access"),
    };
    let tokens = found.user_identity_tokens.as_deref().unwrap_or_default();
    if !tokens.is_empty() && !tokens.iter().any(|token| token.token_type == kind) {
        let offered = tokens.iter().map(|token| format!("{:?}", token.token_type)).collect::<Vec<_>>().join(", ");
        return Err(PeerError::Login { login, offered });
    }
    found.endpoint_url = config.endpoint.as_str().into();
    Ok(found)
}

pub(crate) fn identity(config: &Config) -> Result<IdentityToken, PeerError> {
    if let (Some(user), Some(password)) = (&config.user, &config.password) {
        let password = password.read()?;
        return Ok(IdentityToken::UserName(user.clone(), Password::new(password.reveal())));
    }
    if let (Some(certificate), Some(key)) = (&config.user_certificate, &config.user_key) {
        let failed = |file: &Path| PeerError::Pki(file.to_owned(), "it cannot be read as a certificate or key".into());
        return Ok(IdentityToken::X509(
            Box::new(CertificateStore::read_cert(certificate).map_err(|_| failed(certificate))?),
            Box::new(CertificateStore::read_pkey(key).map_err(|_| failed(key))?),
        ));
    }
    Ok(IdentityToken::Anonymous)
}
