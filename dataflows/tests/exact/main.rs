//! The graphs are exact: every table, after every tick, is what its definition says, however the inputs were fed.
//!
//! - `trace`: random inputs from a seed
//! - `oracle`: what every table must hold, evaluated from scratch
//! - `run`: the graph, on some workers, with some exchange, at some pace
//! - `tracking`: the graph against the oracle at every tick
//! - `invariance`: one way of running against the others
//! - `restart`: going on from a checkpoint against going on
//!
//! `LEHR_SEEDS=n` makes each test try *n* fresh seeds besides its fixed ones (without it one or none); a failure names
//! its seed, and `LEHR_SEED=s` tries that one alone.

mod invariance;
mod oracle;
mod restart;
mod run;
mod seeds;
mod tables;
mod toy;
mod trace;
mod tracking;
