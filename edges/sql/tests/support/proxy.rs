//! A network that fails: connections are cut after so many bytes, whatever is in them.

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

#[derive(Default)]
struct Plan {
    cut: Option<(From, usize)>,
    lost: Option<&'static [u8]>,
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

    /// Cuts the connection where the server answers like this, once.
    pub fn lose(&self, answer: &'static [u8]) {
        self.plan.lock().unwrap().lost = Some(answer);
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
            let holds = |lost: &[u8]| buffer[..count].windows(lost.len()).any(|window| window == lost);
            if whose == From::Server && plan.lost.is_some_and(holds) {
                plan.lost = None;
                plan.cut = Some((whose, 0));
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
