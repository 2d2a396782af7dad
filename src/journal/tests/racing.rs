//! A reader beside a writer, step by step: between any two calls of the reader the writer gets some bytes further.

use super::super::storage::Storage;
use super::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;

enum Step {
    Create(String),
    Append(String, Vec<u8>),
}

/// A directory that grows, in the order in which the writer writes, whenever it is looked at.
struct Growing {
    disk: RefCell<SimDisk>,
    steps: RefCell<VecDeque<Step>>,
    rng: RefCell<ChaCha8Rng>,
}

impl Growing {
    fn new(written: &SimDisk, seed: u64) -> Growing {
        let mut rng = rng(seed);
        let mut steps = VecDeque::new();
        for (name, bytes) in written.image() {
            steps.push_back(Step::Create(name.clone()));
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rng.random_range(1..=rest.len().min(300)));
                steps.push_back(Step::Append(name.clone(), now.to_vec()));
                rest = later;
            }
        }
        Growing { disk: RefCell::default(), steps: RefCell::new(steps), rng: RefCell::new(rng) }
    }

    fn grow(&self) {
        for _ in 0..self.rng.borrow_mut().random_range(0..4) {
            let disk = &mut *self.disk.borrow_mut();
            match self.steps.borrow_mut().pop_front() {
                Some(Step::Create(name)) => disk.create(&name).unwrap(),
                Some(Step::Append(name, bytes)) => disk.append(&name, &bytes).unwrap(),
                None => {}
            }
        }
    }

    fn read_only<T>(&self) -> io::Result<T> {
        Err(io::Error::other("readers write nothing"))
    }
}

impl Storage for &Growing {
    fn list(&self) -> io::Result<Vec<String>> {
        self.grow();
        self.disk.borrow().list()
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.grow();
        self.disk.borrow().len(name)
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.grow();
        self.disk.borrow().read(name, offset, buf)
    }

    fn create(&mut self, _: &str) -> io::Result<()> {
        self.read_only()
    }

    fn append(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        self.read_only()
    }

    fn truncate(&mut self, _: &str, _: u64) -> io::Result<()> {
        self.read_only()
    }

    fn rename(&mut self, _: &str, _: &str) -> io::Result<()> {
        self.read_only()
    }

    fn remove(&mut self, _: &str) -> io::Result<()> {
        self.read_only()
    }

    fn sync(&mut self, _: &str) -> io::Result<()> {
        self.read_only()
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        self.read_only()
    }
}

#[test]
fn a_reader_beside_a_writer_sees_whole_ticks_in_order_and_never_damage() {
    for seed in 0..300 {
        let (disk, written, _) = sample(seed, 30, 900);
        let growing = Growing::new(&disk, seed);
        let mut seen = 0;
        while seen < written.len() {
            for inputs in Reader::over(&growing).from(Tick(seen as u64 + 1)) {
                let inputs = inputs.unwrap_or_else(|error| panic!("seed {seed} after {seen} ticks: {error}"));
                assert!(inputs == written[seen], "seed {seed}: tick {} is not tick {}", inputs.tick.0, seen + 1);
                seen += 1;
            }
        }
    }
}
