//! Passwords and keys, which a configuration names and does not hold.

use serde::Deserialize;
use std::path::PathBuf;
use std::{env, fmt, fs};

/// Longest secret that is read from a file, bytes.
const LONGEST: u64 = 64 * 1024;

/// Where a secret is: `password = { env = "PLANT_MQTT_PASSWORD" }` or `password = { file = "/run/secrets/mqtt" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretFrom {
    /// The value of an environment variable.
    Env(String),
    /// A file's content, without the end of its last line.
    File(PathBuf),
}

/// Never shown: neither by `Debug` nor in errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Says where the secret should have been, and nothing of what is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {0} is not set, or is not text")]
    Env(String),
    #[error("cannot read the secret in {}: {why}", .file.display())]
    File { file: PathBuf, why: String },
}

impl SecretFrom {
    pub fn read(&self) -> Result<Secret, SecretError> {
        match self {
            SecretFrom::Env(name) => env::var(name).map(Secret).map_err(|_| SecretError::Env(name.clone())),
            SecretFrom::File(file) => {
                let failed = |why: String| SecretError::File { file: file.clone(), why };
                let size = fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
                if size > LONGEST {
                    return Err(failed(format!("it is longer than {LONGEST} bytes")));
                }
                let text = fs::read_to_string(file).map_err(|error| failed(error.kind().to_string()))?;
                Ok(Secret(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
        }
    }
}

impl Secret {
    /// For whoever hands it to the peer.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_without_its_end_of_line_and_never_shown() {
        let file = env::temp_dir().join(format!("lehr-secret-{}", std::process::id()));
        fs::write(&file, "s3cret\n").unwrap();
        let secret = SecretFrom::File(file.clone()).read().unwrap();
        fs::remove_file(file).unwrap();
        assert_eq!((secret.reveal(), format!("{secret:?}").as_str()), ("s3cret", "Secret(…)"));
    }

    #[test]
    fn a_missing_one_is_named() {
        #[derive(Deserialize)]
        struct Login {
            password: SecretFrom,
        }
        let login: Login = toml::from_str("password = { env = \"LEHR_NO_SUCH_VARIABLE\" }").unwrap();
        assert_eq!(
            login.password.read().unwrap_err().to_string(),
            "the environment variable LEHR_NO_SUCH_VARIABLE is not set, or is not text"
        );
    }
}
