//! A network that fails: connections are cut after so many bytes, whatever is in them, or before a commit is answered.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Whose bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Lehr,
    Server,
}

/// Bolt's message, in a chunk of its own.
const COMMIT: &[u8] = &[0, 2, 0xB0, 0x12, 0, 0];

#[derive(Default)]
struct Plan {
    cut: Option<(From, usize)>,
    /// Commits until the one whose answer is lost.
    lose_commit: Option<usize>,
    cuts: usize,
}

pub struct Proxy {
    pub port: u16,
    plan: Arc<Mutex<Plan>>,
    ended: Arc<AtomicBool>,
}

impl Proxy {
    pub fn before(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (plan, ended) = (Arc::new(Mutex::new(Plan::default())), Arc::new(AtomicBool::new(false)));
        let (for_all, until) = (plan.clone(), ended.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if until.load(Ordering::SeqCst) {
                    return;
                }
                // A server that is away refuses; so does the network before it.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let pair = |one: &TcpStream, other: &TcpStream| {
                    (one.try_clone().expect("a handle"), other.try_clone().expect("a handle"))
                };
                for (whose, (source, target)) in
                    [(From::Lehr, pair(&client, &server)), (From::Server, pair(&server, &client))]
                {
                    let plan = for_all.clone();
                    thread::spawn(move || pass_on(whose, source, target, &plan));
                }
            }
        });
        Proxy { port, plan, ended }
    }

    /// Cuts the connection after so many more bytes, once.
    pub fn cut_after(&self, whose: From, bytes: usize) {
        self.plan.lock().unwrap().cut = Some((whose, bytes));
    }

    /// After so many more commits, cuts the connection before the next one is answered, once.
    pub fn lose_commit(&self, after: usize) {
        self.plan.lock().unwrap().lose_commit = Some(after);
    }

    pub fn cuts(&self) -> usize {
        self.plan.lock().unwrap().cuts
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn pass_on(whose: From, mut source: TcpStream, mut target: TcpStream, plan: &Mutex<Plan>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        let (passed, cut) = {
            let mut plan = plan.lock().unwrap();
            if whose == From::Lehr && buffer[..count] == *COMMIT {
                match plan.lose_commit {
                    Some(0) => (plan.lose_commit, plan.cut) = (None, Some((From::Server, 0))),
                    more => plan.lose_commit = more.map(|more| more - 1),
                }
            }
            match &mut plan.cut {
                Some((of, left)) if *of == whose && *left <= count => {
                    let passed = *left;
                    plan.cut = None;
                    plan.cuts += 1;
                    (passed, true)
                }
                Some((of, left)) if *of == whose => {
                    *left -= count;
                    (count, false)
                }
                _ => (count, false),
            }
        };
        if target.write_all(&buffer[..passed]).is_err() || cut {
            break;
        }
    }
    let _ = source.shutdown(Shutdown::Both);
    let _ = target.shutdown(Shutdown::Both);
}
