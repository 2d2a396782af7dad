//! Campaigns: what develops over days, what may become of a state, and the plant in minutes.

mod common;

use common::*;
use lehr_domain::{LineId, SpanMs};
use lehr_plant::{Branch, Campaign, FaultKind, PlantConfig, PlantSim, Truth, Ware};
use std::collections::BTreeMap;

const LINE: LineId = LineId(1);

fn in_campaign(seed: u64) -> PlantSim {
    let config = PlantConfig { seed, start: START, ..PlantConfig::default() };
    PlantSim::in_campaign(shipped(), config, Campaign { rare_cause: true }).expect("the shipped plant")
}

fn hours(branch: &mut Branch, hours: usize) -> Vec<Ware> {
    (0..60 * hours).map(|_| branch.minute()).collect()
}

/// The ware of a line, minute by minute.
fn ware(truth: &[Truth], line: LineId, minutes: usize) -> Vec<Ware> {
    let mut ware = vec![Ware::default(); minutes];
    for unit in truth {
        let Truth::Unit(unit) = unit else { continue };
        if unit.line == line {
            let minute = &mut ware[((unit.at - START).0 / 60_000) as usize];
            minute.units += 1;
            minute.defective += u32::from(!unit.defects.is_empty());
        }
    }
    ware
}

#[test]
fn a_branch_lives_as_its_line_does_and_a_fork_another_life() {
    let mut plant = in_campaign(3);
    let mut from_the_start = plant.branch(LINE).expect("a line of the plant");
    let seen = plant.advance(START + SpanMs::hours(5)).truth;
    assert_eq!(hours(&mut from_the_start, 5), ware(&seen, LINE, 300));
    let mut branch = plant.branch(LINE).expect("a line of the plant");
    let fork = |seed: u64| {
        let mut fork = branch.clone();
        fork.fork(seed);
        hours(&mut fork, 3)
    };
    let (one, again, other) = (fork(8), fork(8), fork(9));
    assert_eq!(one, again);
    assert_ne!(one, other);
    let mut truth = seen;
    truth.extend(plant.advance(START + SpanMs::hours(8)).truth);
    let lived = hours(&mut branch, 3);
    assert_eq!(lived, ware(&truth, LINE, 480)[300..]);
    assert_ne!(one, lived);
}

#[test]
fn the_plant_in_minutes_makes_the_same_ware_and_the_same_faults() {
    let mut readings = in_campaign(6);
    let told = readings.advance(START + SpanMs::hours(12)).truth;
    let mut minutes = in_campaign(6).in_minutes();
    let truth: Vec<Truth> = (0..720).flat_map(|_| minutes.minute().truth).collect();
    assert_eq!(told, truth);
}

/// The rate of defects of a line's ware against how far its causes have come: quiet while they are young, and beyond a tenth once
/// one has come to its end.
#[test]
fn defects_follow_the_causes_and_end_with_a_repair() {
    let (mut young, mut ripe) = ((0u32, 0u32), (0u32, 0u32));
    let mut began: BTreeMap<FaultKind, usize> = BTreeMap::new();
    for seed in 0..2 {
        let mut plant = in_campaign(40 + seed).in_minutes();
        // The highest level an hour and a quarter ago, when what is inspected now was molten, and ever since.
        let mut levels: Vec<f32> = Vec::new();
        for _ in 0..12 * 1440 {
            let minute = plant.minute();
            levels.push(plant.levels(LINE).expect("a line").into_iter().fold(0.0, f32::max));
            for truth in &minute.truth {
                match truth {
                    Truth::FaultStarted { kind, .. } => *began.entry(*kind).or_default() += 1,
                    Truth::Unit(unit) if unit.line == LINE => {
                        let recent = &levels[levels.len().saturating_sub(75)..];
                        let bad = u32::from(!unit.defects.is_empty());
                        if recent.iter().all(|level| *level < 0.85) {
                            young = (young.0 + bad, young.1 + 1);
                        } else if recent.iter().all(|level| *level > 1.05) {
                            ripe = (ripe.0 + bad, ripe.1 + 1);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    let share = |(bad, all): (u32, u32)| f64::from(bad) / f64::from(all);
    assert!(young.1 > 20_000 && share(young) < 0.045, "{young:?}");
    assert!(ripe.1 == 0 || share(ripe) > 0.10, "{ripe:?}");
    assert!(began.keys().any(|kind| kind.of_sensor()), "instruments fail: {began:?}");
}

#[test]
fn a_plant_without_a_campaign_has_no_causes() {
    let plant = plant(steady(1), &[]);
    assert_eq!(plant.levels(LINE), Ok([0.0; Branch::SLOW]));
    assert!(plant.branch(LineId(77)).is_err());
}
