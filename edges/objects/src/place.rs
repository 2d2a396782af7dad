//! Where objects lie: a bucket or a folder. Each request is bounded in time, with its repetitions.

use crate::config::{Config, Place as Where};
use crate::failure::{failure, no_bucket};
use crate::folder::Folder;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lehr_tags::SecretFrom;
use lehr_targets::TargetError;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    UpdateVersion,
};
use std::fs;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// To be connected.
const CONNECT: Duration = Duration::from_secs(5);

/// How often a request is made again within its time. Lehr itself tries again after that, for ever.
const REPETITIONS: usize = 4;

#[derive(Clone)]
pub(crate) struct Place {
    objects: Arc<dyn ObjectStore>,
    /// Of all names in a bucket; empty, or with / at its end.
    prefix: String,
    folder: Option<Folder>,
    timeout: Duration,
}

/// What an object was when it was read or written.
#[derive(Clone, Debug)]
pub(crate) enum Version {
    Tag(UpdateVersion),
    Bytes(Bytes),
}

/// A listed object.
pub(crate) struct Found {
    pub name: String,
    pub bytes: u64,
}

impl Place {
    /// Nothing is sent yet. A folder is made when it is missing.
    pub fn open(config: &Config) -> Result<Place, TargetError> {
        let timeout = config.timeout();
        match config.place().map_err(|error| TargetError::Refused(error.to_string()))? {
            Where::Bucket { bucket, prefix } => {
                let prefix = if prefix.is_empty() { prefix } else { format!("{prefix}/") };
                Ok(Place { objects: Arc::new(bucket_of(config, &bucket)?), prefix, folder: None, timeout })
            }
            Where::Folder(root) => {
                let doing = format!("opening {}", root.display());
                let folder = Folder::open(&root).map_err(|error| failure(&doing, &of_disk(error)))?;
                let objects = LocalFileSystem::new_with_prefix(&root).map_err(|error| failure(&doing, &error))?;
                let objects = Arc::new(objects.with_automatic_cleanup(true));
                Ok(Place { objects, prefix: String::new(), folder: Some(folder), timeout })
            }
        }
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}{name}", self.prefix))
    }

    async fn bounded<T>(
        &self,
        doing: &str,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, TargetError> {
        let late = |_| TargetError::Away(format!("{doing}: no answer within {} s", self.timeout.as_secs()));
        tokio::time::timeout(self.timeout, request).await.map_err(late)
    }

    /// `None` when there is none of this name.
    pub async fn read(&self, name: &str) -> Result<Option<(Bytes, Version)>, TargetError> {
        let doing = format!("reading {name}");
        let path = self.path(name);
        let request = async {
            let found = self.objects.get(&path).await?;
            let tag = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            Ok((found.bytes().await?, tag))
        };
        match self.bounded(&doing, request).await? {
            Ok((bytes, _)) if self.folder.is_some() => Ok(Some((bytes.clone(), Version::Bytes(bytes)))),
            Ok((bytes, tag)) => Ok(Some((bytes, Version::Tag(tag)))),
            Err(error @ Error::NotFound { .. }) if !no_bucket(&error) => Ok(None),
            Err(error) => Err(failure(&doing, &error)),
        }
    }

    /// Puts it there, whatever was. Durable when it returns.
    pub async fn write(&self, name: &str, bytes: Bytes) -> Result<(), TargetError> {
        let doing = format!("writing {name}");
        let path = self.path(name);
        let done = match self.folder.clone() {
            Some(folder) => {
                let name = name.to_owned();
                self.bounded(&doing, on_disk(move || folder.write(&name, &bytes))).await?
            }
            None => self.bounded(&doing, async { self.objects.put(&path, bytes.into()).await.map(|_| ()) }).await?,
        };
        done.map_err(|error| failure(&doing, &error))
    }

    /// Puts it there if that is still what is there; `None` when there should be nothing. Gives the new version, or `None`
    /// when something else is there. After an error nobody knows.
    pub async fn swap(
        &self,
        name: &str,
        bytes: Bytes,
        expected: Option<&Version>,
    ) -> Result<Option<Version>, TargetError> {
        let doing = format!("writing {name}");
        if let Some(folder) = self.folder.clone() {
            let (name, new) = (name.to_owned(), bytes.clone());
            let expected = match expected {
                Some(Version::Bytes(bytes)) => Some(bytes.clone()),
                _ => None,
            };
            let swapped = on_disk(move || folder.swap(&name, &new, expected.as_ref()));
            let swapped = self.bounded(&doing, swapped).await?.map_err(|error| failure(&doing, &error))?;
            return Ok(swapped.then_some(Version::Bytes(bytes)));
        }
        let mode = match expected {
            Some(Version::Tag(tag)) => PutMode::Update(tag.clone()),
            _ => PutMode::Create,
        };
        let (path, options) = (self.path(name), PutOptions { mode, ..PutOptions::default() });
        match self.bounded(&doing, self.objects.put_opts(&path, bytes.into(), options)).await? {
            Ok(put) => Ok(Some(Version::Tag(UpdateVersion { e_tag: put.e_tag, version: put.version }))),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
            Err(error) => Err(failure(&doing, &error)),
        }
    }

    /// All below a folder.
    pub async fn list(&self, folder: &str) -> Result<Vec<Found>, TargetError> {
        let doing = format!("listing {folder}");
        let path = self.path(folder);
        let found: Vec<_> = self
            .bounded(&doing, self.objects.list(Some(&path)).try_collect())
            .await?
            .map_err(|error| failure(&doing, &error))?;
        let named = found.into_iter().filter_map(|found| {
            let name = found.location.as_ref().strip_prefix(&self.prefix)?.to_owned();
            Some(Found { name, bytes: found.size })
        });
        Ok(named.collect())
    }

    /// In order, as far as the store does. What is not there is no error.
    pub async fn delete(&self, names: &[String]) -> Result<(), TargetError> {
        let paths: Vec<Result<Path, Error>> = names.iter().map(|name| Ok(self.path(name))).collect();
        let deleted = self.objects.delete_stream(stream::iter(paths).boxed());
        let request = async {
            let results: Vec<Result<Path, Error>> = deleted.collect().await;
            let failed = results.into_iter().filter_map(Result::err);
            failed.filter(|error| !matches!(error, Error::NotFound { .. })).map(Err).next().unwrap_or(Ok(()))
        };
        let doing = "deleting what does not count";
        self.bounded(doing, request).await?.map_err(|error| failure(doing, &error))
    }
}

fn bucket_of(config: &Config, bucket: &str) -> Result<object_store::aws::AmazonS3, TargetError> {
    let secret = |field: &str, from: &Option<SecretFrom>| {
        let from = from.as_ref().ok_or_else(|| TargetError::Refused(format!("{field} is missing")))?;
        from.read().map_err(|error| TargetError::Refused(format!("{field}: {error}")))
    };
    // Each request is bounded in [`Place::bounded`], which says so in Lehr's words.
    let mut client = ClientOptions::new().with_timeout_disabled().with_connect_timeout(CONNECT);
    if let Some(ca) = &config.ca {
        let refused = |why: String| TargetError::Refused(format!("ca {}: {why}", ca.display()));
        let pem = fs::read(ca).map_err(|error| refused(error.to_string()))?;
        for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| refused(error.to_string()))? {
            client = client.with_root_certificate(certificate);
        }
    }
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        ..BackoffConfig::default()
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_access_key_id(secret("access_key", &config.access_key)?.reveal())
        .with_secret_access_key(secret("secret_key", &config.secret_key)?.reveal())
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(client)
        .with_retry(RetryConfig { backoff, max_retries: REPETITIONS, retry_timeout: config.timeout() / 2 });
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    builder.build().map_err(|error| failure("opening the bucket", &error))
}

fn of_disk(error: io::Error) -> Error {
    Error::Generic { store: "folder", source: Box::new(error) }
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(of_disk),
        Err(error) => Err(Error::JoinError { source: error }),
    }
}
