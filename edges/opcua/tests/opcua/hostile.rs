//! Whoever answers: a source says that it is no server it can use, takes nothing, and does not fall over.

use crate::support::{Memory, Running, counters, names};
use proptest::prelude::Rng;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers whatever it is sent with what `answer` makes, and counts connections.
async fn liar(answer: impl Fn(usize) -> Vec<u8> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for connection in 0.. {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let mut heard = [0; 4096];
            if client.read(&mut heard).await.is_ok() {
                let _ = client.write_all(&answer(connection)).await;
                // Until the client has had enough of it.
                let _ = client.read(&mut heard).await;
            }
        }
    });
    port
}

async fn is_away(port: u16) {
    let source = counters(&format!("opc.tcp://127.0.0.1:{port}"), "ns=1;s=c", 1, 100, 100);
    let running = Running::start(&source, Memory::new(names(1)));
    running.until("it counts as away", Running::away).await;
    println!("{}", running.why());
    assert!(running.intake.readings().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_are_no_server() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed()));
    let noise: Vec<u8> = (0..5000).map(|_| runner.rng().next_u32() as u8).collect();
    is_away(liar(move |_| noise.clone()).await).await;
}

fn seed() -> [u8; 32] {
    let seed = crate::support::now().0.to_le_bytes();
    println!("seed {seed:?}");
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&seed);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_and_then_noise_is_no_server() {
    // ACK, 28 bytes: version 0, buffers of 64 KiB, messages of any size; then a chunk that promises 4 GiB.
    let mut bytes = b"ACKF".to_vec();
    for number in [28_u32, 0, 65535, 65535, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"OPNF\xff\xff\xff\xff");
    bytes.extend([0xaa; 300]);
    is_away(liar(move |_| bytes.clone()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_is_none() {
    is_away(liar(|_| b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_no_server() {
    is_away(liar(|_| Vec::new()).await).await;
}
