//! Who may do what. Only this room decides it.
//!
//! A request carries a bearer token: 256 random bits, of which the SHA-256 is kept in `DATA/tokens.json`
//! (mode 0600, replaced as a whole). A hash without salt is enough, because a token cannot be guessed. Each
//! token has a name, which the audit trail shows, and a [`Role`]; a role may do what the roles below it may.
//!
//! Invariants: a token itself is shown once, when it is made, and is never kept or logged; there is always an
//! admin, so that nobody can lock the plant out.

mod store;
#[cfg(test)]
mod tests;
mod token;

pub use token::{Role, TokenInfo};

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use token::{Entry, Secret};

/// The variable that sets a token of role admin, for set-ups that keep their secrets themselves.
pub const ADMIN_TOKEN_VARIABLE: &str = "LEHR_ADMIN_TOKEN";

/// Where tokens are kept, below the data directory.
pub const TOKENS_FILE: &str = "tokens.json";

/// Tokens that may exist. Every request is compared with all of them: 256 comparisons of 32 bytes are 10 µs.
pub const TOKENS_MOST: usize = 256;

/// Bytes of the longest name of a token.
pub const NAME_MOST: usize = 64;

/// Bytes of the shortest token taken from the environment.
const GIVEN_TOKEN_LEAST: usize = 32;
/// Bytes of the longest token that is looked at.
const TOKEN_MOST: usize = 512;

/// Id of the token that the environment set. It is not kept and cannot be taken back here.
const ENVIRONMENT: &str = "environment";

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("cannot {action} {path}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a list of tokens: {why}; restore it, or remove it to get a new admin token")]
    Damaged { path: PathBuf, why: String },
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    #[error("{ADMIN_TOKEN_VARIABLE} must have {GIVEN_TOKEN_LEAST} to {TOKEN_MOST} characters without spaces")]
    GivenToken,
    #[error("name must have 1 to {NAME_MOST} letters, digits, inner blanks or any of . _ @ -")]
    Name,
    #[error("the name {0} is taken; choose another name")]
    NameTaken(String),
    #[error("there are {TOKENS_MOST} tokens already; revoke one first")]
    Full,
    #[error("token {0} is not known")]
    Unknown(String),
    #[error("token {0} is the last of role admin; make another admin first")]
    LastAdmin(String),
    #[error("token {ENVIRONMENT} is set by {ADMIN_TOKEN_VARIABLE}; change the environment instead")]
    FromEnvironment,
}

/// How many tokens a file holds.
pub fn count(path: &Path) -> Result<usize, AuthError> {
    store::read(path).map(|entries| entries.len())
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub name: String,
    pub role: Role,
    /// Of the token, for [`Auth::holds`].
    pub token: String,
}

/// Who may approve a change of set-points that is large by the limits of control.
pub const APPROVES_LARGE: Role = Role::Engineer;

impl Principal {
    pub fn may(&self, needed: Role) -> bool {
        self.role >= needed
    }
}

/// The known tokens. Cheap to clone.
#[derive(Clone)]
pub struct Auth(Arc<Shared>);

struct Shared {
    path: PathBuf,
    entries: RwLock<Vec<Entry>>,
}

impl Auth {
    /// Reads the tokens of a data directory. When there is no admin, makes one and gives its token, once.
    pub fn open(data: &Path) -> Result<(Auth, Option<String>), AuthError> {
        Auth::open_with(data, std::env::var(ADMIN_TOKEN_VARIABLE).ok().filter(|text| !text.is_empty()))
    }

    /// As [`Auth::open`], with the admin token that the environment would give.
    pub fn open_with(data: &Path, given: Option<String>) -> Result<(Auth, Option<String>), AuthError> {
        let path = data.join(TOKENS_FILE);
        let mut entries = store::read(&path)?;
        if let Some(given) = given {
            let fits = (GIVEN_TOKEN_LEAST..=TOKEN_MOST).contains(&given.len());
            if !fits || given.chars().any(|c| c.is_whitespace() || c.is_control()) {
                return Err(AuthError::GivenToken);
            }
            entries.push(Entry::new(ENVIRONMENT.into(), "admin (environment)".into(), Role::Admin, &given));
        }
        let auth = Auth(Arc::new(Shared { path, entries: RwLock::new(entries) }));
        let first = match auth.admins() {
            0 => Some(auth.create("admin", Role::Admin)?.1),
            _ => None,
        };
        Ok((auth, first))
    }

    /// Whose token this is. Takes the same time whichever token it is, or none.
    pub fn who(&self, token: &str) -> Option<Principal> {
        if token.is_empty() || token.len() > TOKEN_MOST {
            return None;
        }
        let hash = token::hash(token);
        let mut found = None;
        for entry in self.read().iter() {
            if token::equal(&entry.hash, &hash) {
                found = Some(Principal { name: entry.name.clone(), role: entry.role, token: entry.id.clone() });
            }
        }
        found
    }

    /// Whether the token still holds; for connections that outlive the request that opened them.
    pub fn holds(&self, principal: &Principal) -> bool {
        self.read().iter().any(|entry| entry.id == principal.token)
    }

    pub fn list(&self) -> Vec<TokenInfo> {
        self.read().iter().map(Entry::info).collect()
    }

    /// Makes a token. The text is not kept: who loses it needs another one.
    pub fn create(&self, name: &str, role: Role) -> Result<(TokenInfo, String), AuthError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
        let begins = name.chars().next().is_some_and(plain);
        if !begins || name.len() > NAME_MOST || !name.chars().all(|c| plain(c) || c == ' ') {
            return Err(AuthError::Name);
        }
        let secret = Secret::random().map_err(|error| AuthError::Random(error.to_string()))?;
        let mut entries = self.write();
        if entries.len() >= TOKENS_MOST {
            return Err(AuthError::Full);
        }
        if entries.iter().any(|entry| entry.name == name) {
            return Err(AuthError::NameTaken(name.into()));
        }
        let entry = Entry::new(secret.id(), name.into(), role, secret.text());
        let info = entry.info();
        let mut after = entries.clone();
        after.push(entry);
        self.keep(&after)?;
        *entries = after;
        Ok((info, secret.into_text()))
    }

    /// Takes a token back. Requests with it fail from now on.
    pub fn revoke(&self, id: &str) -> Result<TokenInfo, AuthError> {
        if id == ENVIRONMENT {
            return Err(AuthError::FromEnvironment);
        }
        let mut entries = self.write();
        let place = entries.iter().position(|entry| entry.id == id).ok_or_else(|| AuthError::Unknown(id.into()))?;
        let mut after = entries.clone();
        let revoked = after.remove(place);
        if !after.iter().any(|entry| entry.role == Role::Admin) {
            return Err(AuthError::LastAdmin(id.into()));
        }
        self.keep(&after)?;
        *entries = after;
        Ok(revoked.info())
    }

    fn keep(&self, entries: &[Entry]) -> Result<(), AuthError> {
        let kept: Vec<&Entry> = entries.iter().filter(|entry| entry.id != ENVIRONMENT).collect();
        store::write(&self.0.path, &kept)
    }

    fn admins(&self) -> usize {
        self.read().iter().filter(|entry| entry.role == Role::Admin).count()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Vec<Entry>> {
        self.0.entries.read().expect("nobody panics while they change tokens")
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Entry>> {
        self.0.entries.write().expect("nobody panics while they change tokens")
    }
}
