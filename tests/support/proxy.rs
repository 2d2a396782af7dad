//! The network before a peer: it passes bytes on, or swallows them, or refuses connections.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    Up,
    /// Connections stay, and are taken, but nothing that is sent arrives.
    Swallowing,
    /// Connections end, and none is taken.
    Refusing,
}

pub struct Proxy {
    pub port: u16,
    peer: u16,
    shared: Arc<Shared>,
    accepting: Option<thread::JoinHandle<()>>,
}

struct Shared {
    mode: AtomicU8,
    open: Mutex<Vec<TcpStream>>,
    /// What a peer says of where it is, and what is said in its place, of the same length.
    renamed: Option<(Vec<u8>, Vec<u8>)>,
}

impl Shared {
    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }

    fn cut(&self) {
        for stream in self.open.lock().expect("nobody panics").drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Proxy {
    pub fn before(peer: u16) -> Proxy {
        Proxy::make(peer, false)
    }

    /// Brokers of Kafka tell clients where they are to be found: they are told to come here.
    pub fn before_broker(peer: u16) -> Proxy {
        Proxy::make(peer, true)
    }

    fn make(peer: u16, is_broker: bool) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        // A text and a number of four bytes, the greater one first.
        let named = |port: u16| [b"127.0.0.1".as_slice(), &u32::from(port).to_be_bytes()].concat();
        let renamed = is_broker.then(|| (named(peer), named(port)));
        let shared = Arc::new(Shared { mode: AtomicU8::new(Mode::Up as u8), open: Mutex::default(), renamed });
        let mut proxy = Proxy { port, peer, shared, accepting: None };
        proxy.accept(listener);
        proxy
    }

    fn accept(&mut self, listener: TcpListener) {
        let (shared, peer) = (self.shared.clone(), self.peer);
        self.accepting = Some(thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is(Mode::Refusing) {
                    return;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", peer)) else { continue };
                let handle = |stream: &TcpStream| stream.try_clone().expect("a handle");
                shared.open.lock().expect("nobody panics").extend([handle(&client), handle(&server)]);
                for (source, target, answers) in
                    [(handle(&client), handle(&server), false), (handle(&server), handle(&client), true)]
                {
                    let shared = shared.clone();
                    thread::spawn(move || pass_on(source, target, answers, &shared));
                }
            }
        }));
    }

    /// From now on. Connections that lost something end with that.
    pub fn set(&mut self, mode: Mode) {
        let before = self.shared.mode.swap(mode as u8, Ordering::SeqCst);
        if before == Mode::Up as u8 && mode == Mode::Swallowing {
            return;
        }
        self.shared.cut();
        match mode {
            Mode::Refusing => {
                // Wakes who accepts, so that the port is closed.
                let _ = TcpStream::connect(("127.0.0.1", self.port));
                if let Some(accepting) = self.accepting.take() {
                    accepting.join().expect("it ends well");
                }
            }
            _ if self.accepting.is_none() => {
                self.accept(TcpListener::bind(("127.0.0.1", self.port)).expect("the port is still ours"));
            }
            _ => {}
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Mode::Refusing);
    }
}

fn pass_on(mut source: TcpStream, mut target: TcpStream, answers: bool, shared: &Shared) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        if shared.is(Mode::Swallowing) {
            continue;
        }
        let said = &mut buffer[..count];
        if let (true, Some((old, new))) = (answers, &shared.renamed) {
            let places = (0..said.len().saturating_sub(old.len() - 1)).filter(|at| said[*at..].starts_with(old));
            for at in places.collect::<Vec<usize>>() {
                said[at..at + new.len()].copy_from_slice(new);
            }
        }
        if target.write_all(said).is_err() {
            break;
        }
    }
    let _ = source.shutdown(Shutdown::Both);
    let _ = target.shutdown(Shutdown::Both);
}
