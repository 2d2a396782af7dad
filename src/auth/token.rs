//! Tokens: how they are made, hashed and compared.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What somebody may do. Each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Act on alerts, send readings, propose changes of set-points and decide on those that are not large.
    Operator,
    /// Change rules, the causal graph and settings; inject faults; replay; approve large changes; train models and say
    /// which of them score.
    Engineer,
    /// Make and revoke tokens.
    Admin,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Engineer, Role::Admin];

    pub fn text(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Engineer => "engineer",
            Role::Admin => "admin",
        }
    }
}

/// What may be shown of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenInfo {
    pub id: String,
    pub name: String,
    pub role: Role,
}

/// A token as it is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// SHA-256 of the token, in hexadecimal.
    #[serde(with = "hex_hash")]
    pub hash: [u8; 32],
}

impl Entry {
    pub fn new(id: String, name: String, role: Role, token: &str) -> Entry {
        Entry { id, name, role, hash: hash(token) }
    }

    pub fn info(&self) -> TokenInfo {
        TokenInfo { id: self.id.clone(), name: self.name.clone(), role: self.role }
    }
}

/// A new token: 256 random bits, and an id that says nothing about them.
pub(super) struct Secret {
    id: [u8; 8],
    text: String,
}

impl Secret {
    pub fn random() -> Result<Secret, getrandom::Error> {
        let (mut id, mut bits) = ([0; 8], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut bits)?;
        Ok(Secret { id, text: hex(&bits) })
    }

    pub fn id(&self) -> String {
        hex(&self.id)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Compares in a time that does not depend on where two hashes differ.
pub(super) fn equal(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let difference = left.iter().zip(right).fold(0, |sum, (l, r)| sum | (l ^ r));
    std::hint::black_box(difference) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

mod hex_hash {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::hex(hash))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("hash must be 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(hash)
    }
}
