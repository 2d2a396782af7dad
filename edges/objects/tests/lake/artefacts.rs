//! Bytes with a name, in a bucket and in a folder.

use crate::support::server::Server;
use bytes::Bytes;
use lehr_objects::{Artifacts, Config};
use lehr_targets::TargetError;
use std::fs;

#[tokio::test]
async fn artefacts_are_put_once_and_come_back_as_they_were() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let folder: Config = toml::from_str(&format!("name = \"lake\"\nfolder = {:?}", dir.path())).unwrap();
    for config in [folder, server.config("")] {
        let artifacts = Artifacts::open(&config).unwrap();
        let model = "models/forecaster/1.2.0/model.onnx";
        assert_eq!(artifacts.get(model).await.unwrap(), None);
        let bytes = Bytes::from(vec![7_u8; 300_000]);
        let put = artifacts.put(model, bytes.clone()).await.unwrap();
        assert_eq!(artifacts.put(model, bytes.clone()).await.unwrap(), put);
        let refused = artifacts.put(model, Bytes::from_static(b"other")).await.unwrap_err();
        assert!(matches!(&refused, TargetError::Refused(why) if why.ends_with("give another version")), "{refused:?}");
        assert_eq!(artifacts.get(model).await.unwrap(), Some(bytes));
        let card = artifacts.put("models/forecaster/1.2.0/card.json", Bytes::from_static(b"{}")).await.unwrap();
        assert_eq!(card.sha256, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        artifacts.put("sets/a", Bytes::new()).await.unwrap();
        let listed = artifacts.list("models/forecaster").await.unwrap();
        assert_eq!(listed, [card, put]);
        assert_eq!(artifacts.list("").await.unwrap().len(), 3);
        artifacts.delete(model).await.unwrap();
        artifacts.delete(model).await.unwrap();
        assert_eq!(artifacts.get(model).await.unwrap(), None);
        artifacts.put(model, Bytes::from_static(b"other")).await.unwrap();
        for name in ["", "a//b", "../a", "a/sha256", "a b"] {
            assert!(matches!(artifacts.put(name, Bytes::new()).await, Err(TargetError::Refused(_))), "{name}");
        }
    }
}

#[tokio::test]
async fn damaged_bytes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config: Config = toml::from_str(&format!("name = \"lake\"\nfolder = {:?}", dir.path())).unwrap();
    let artifacts = Artifacts::open(&config).unwrap();
    let put = artifacts.put("a", Bytes::from_static(b"whole")).await.unwrap();
    fs::write(dir.path().join("artifacts/a").join(&put.sha256), "wh0le").unwrap();
    assert!(matches!(artifacts.get("a").await, Err(TargetError::Refused(_))));
    artifacts.delete("a").await.unwrap();
    artifacts.put("a", Bytes::from_static(b"whole")).await.unwrap();
    assert_eq!(artifacts.get("a").await.unwrap(), Some(Bytes::from_static(b"whole")));
}
