//! Several workers, each on a thread of its own, of which at most one runs at any time: the one that was told to.
//! Timely builds its workers' connections only between threads; the baton makes them as reproducible as one.

use crate::runtime::{Engine, Output, Work};
use lehr_dataflows::graph::{Graph, GraphConfig};
use lehr_domain::Tick;
use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use timely::communication::WorkerGuards;

enum Order {
    Feed(Arc<Work>),
    Step,
}

/// The workers. Dropping it ends their threads.
pub struct Lockstep {
    orders: Vec<Sender<Order>>,
    done: Receiver<Vec<Output>>,
    outputs: VecDeque<Output>,
    guards: Option<WorkerGuards<()>>,
}

impl Lockstep {
    pub fn new(workers: usize, config: GraphConfig) -> Lockstep {
        let (orders, ends): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::channel()).unzip();
        let ends = Mutex::new(ends.into_iter().map(Some).collect::<Vec<_>>());
        let (finished, done) = mpsc::channel();
        let finished = Mutex::new(finished);
        let guards = timely::execute(timely::Config::process(workers), move |worker| {
            let end = ends.lock().unwrap()[worker.index()].take().unwrap();
            let finished = finished.lock().unwrap().clone();
            obey(worker, config, &end, &finished);
        });
        let lockstep =
            Lockstep { orders, done, outputs: VecDeque::new(), guards: Some(guards.expect("threads can be started")) };
        for _ in 0..workers {
            lockstep.done.recv().expect("every worker says when its graph is built");
        }
        lockstep
    }

    fn order(&mut self, worker: usize, order: Order) {
        self.orders[worker].send(order).expect("workers live until they are dropped");
        self.outputs.extend(self.done.recv().expect("every order is answered"));
    }
}

fn obey(
    worker: &mut timely::worker::Worker,
    config: GraphConfig,
    orders: &Receiver<Order>,
    finished: &Sender<Vec<Output>>,
) {
    let index = worker.index();
    let mut graph = Graph::build(worker, config);
    let mut open: VecDeque<Tick> = VecDeque::new();
    finished.send(Vec::new()).expect("the engine waits for it");
    for order in orders {
        match order {
            Order::Feed(work) => {
                work.feed(&mut graph);
                open.push_back(work.closes());
            }
            Order::Step => drop(worker.step()),
        }
        let mut outputs = Vec::new();
        while let Some(tick) = open.pop_front_if(|tick| graph.closed(*tick)) {
            outputs.push(Output { worker: index, tick, changes: graph.take(tick) });
        }
        finished.send(outputs).expect("the engine waits for it");
    }
}

impl Engine for Lockstep {
    fn feed(&mut self, work: &Arc<Work>) {
        for worker in 0..self.orders.len() {
            self.order(worker, Order::Feed(work.clone()));
        }
    }

    fn step(&mut self, worker: usize) {
        self.order(worker, Order::Step);
    }

    fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

impl Drop for Lockstep {
    fn drop(&mut self) {
        self.orders.clear();
        drop(self.guards.take());
    }
}
