//! When a line stands: minor stops, job changes, maintenance. A stop is one of the cold end: furnace and
//! molds go on at their set-points and ware goes to the cullet bin before inspection, as hot glass cannot wait.

use crate::random::{Purpose, Stream, exponential, stream};
use lehr_domain::ProductId;
use lehr_domain::machine::MachineState;
use rand::RngExt;

/// About four minor stops a day, of one to eight minutes.
const STOP_MEAN_S: f64 = 6.0 * 3600.0;
const STOP_S: (u64, u64) = (60, 480);
/// A job change about once a day. It lasts longer than ware takes from forming to inspection (some 26 minutes),
/// so that what is inspected after it was formed with the new settings.
const JOB_S: (u64, u64) = (18 * 3600, 30 * 3600);
const SETUP_S: (u64, u64) = (27 * 60, 40 * 60);
/// Planned maintenance about once a week.
const MAINTENANCE_S: (u64, u64) = (5 * 86_400, 9 * 86_400);
const MAINTAINED_S: (u64, u64) = (3600, 2 * 3600);

const STOP_REASONS: [&str; 5] = [
    "ware jam at the lehr exit",
    "conveyor light barrier blocked",
    "reject chute full",
    "palletiser stopped",
    "single-liner out of step",
];

/// What a line is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doing {
    pub state: MachineState,
    pub product: ProductId,
    pub reason: &'static str,
}

#[derive(Clone)]
pub(crate) struct Schedule {
    rng: Stream,
    /// The products that take turns; the first is made when the catalogue has none.
    products: Vec<ProductId>,
    stops: bool,
    doing: Doing,
    /// End of what is not production.
    until_s: u64,
    next_stop_s: u64,
    next_job_s: u64,
    next_maintenance_s: u64,
}

fn between(rng: &mut Stream, (low, high): (u64, u64)) -> u64 {
    rng.random_range(low..=high)
}

impl Schedule {
    pub fn new(seed: u64, line_key: u64, first: usize, mut products: Vec<ProductId>, stops: bool) -> Schedule {
        let mut rng = stream(seed, Purpose::Schedule, &[line_key]);
        if products.is_empty() {
            products.push(ProductId(0));
        }
        let product = products[first % products.len()];
        Schedule {
            next_stop_s: exponential(&mut rng, STOP_MEAN_S) as u64,
            // The first job ends at any time of its life, as it began before the simulation did.
            next_job_s: between(&mut rng, (2 * 3600, JOB_S.1)),
            next_maintenance_s: between(&mut rng, (86_400, MAINTENANCE_S.1)),
            rng,
            products,
            stops,
            doing: Doing { state: MachineState::Production, product, reason: "production" },
            until_s: 0,
        }
    }

    /// Lets all chance from this second on be another. Minor stops come without memory, so that the next is drawn anew.
    pub fn fork(&mut self, seed: u64, line_key: u64, second: u64) {
        self.rng = stream(seed, Purpose::Schedule, &[line_key]);
        self.next_stop_s = second + exponential(&mut self.rng, STOP_MEAN_S) as u64;
    }

    pub fn doing(&self) -> Doing {
        self.doing
    }

    /// What the line does in this second.
    pub fn step(&mut self, second: u64) -> Doing {
        if !self.stops {
            return self.doing;
        }
        if self.doing.state == MachineState::Production {
            self.interrupt(second);
        } else if second >= self.until_s {
            self.doing = Doing { state: MachineState::Production, reason: "production", ..self.doing };
        }
        self.doing
    }

    /// Stops that are due. One that fell due while the line stood anyway comes late.
    fn interrupt(&mut self, second: u64) {
        if second >= self.next_maintenance_s {
            self.until_s = second + between(&mut self.rng, MAINTAINED_S);
            self.next_maintenance_s = self.until_s + between(&mut self.rng, MAINTENANCE_S);
            self.doing = Doing { state: MachineState::Planned, reason: "planned maintenance", ..self.doing };
        } else if second >= self.next_job_s {
            self.until_s = second + between(&mut self.rng, SETUP_S);
            self.next_job_s = self.until_s + between(&mut self.rng, JOB_S);
            let others = self.products.len().max(2) - 1;
            let position = self.products.iter().position(|product| *product == self.doing.product).unwrap_or(0);
            let next = (position + 1 + self.rng.random_range(0..others)) % self.products.len();
            let product = self.products[next];
            self.doing = Doing { state: MachineState::Setup, product, reason: "job change" };
        } else if second >= self.next_stop_s {
            self.until_s = second + between(&mut self.rng, STOP_S);
            self.next_stop_s = self.until_s + exponential(&mut self.rng, STOP_MEAN_S) as u64;
            let reason = STOP_REASONS[self.rng.random_range(0..STOP_REASONS.len())];
            self.doing = Doing { state: MachineState::Down, reason, ..self.doing };
        }
    }
}
