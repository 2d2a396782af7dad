//! Each deviation makes its own defect, after the time that ware takes to inspection, and not before.

mod common;

use common::*;
use lehr_domain::unit::DefectType;
use lehr_domain::{EventMs, LineId, SpanMs};
use lehr_plant::{Cause, Truth};

struct Case {
    /// Strikes Line_A ten minutes after the start.
    fault: &'static str,
    /// The equipment whose lags bound the time from the fault to the first defect.
    equipment: &'static str,
    cause: Cause,
    defect: DefectType,
    /// Minutes from the fault until the process has left its target far enough to strike.
    exposed_min: f64,
    /// Share of defective ware in the end.
    rate: f64,
}

const CASES: &[Case] = &[
    Case {
        fault: "furnace_overheat@10m",
        equipment: "furnace_burner",
        cause: Cause::FurnaceHot,
        exposed_min: 10.0,
        defect: DefectType::Crack,
        rate: 0.75,
    },
    Case {
        fault: "furnace_cold@10m",
        equipment: "furnace_burner",
        cause: Cause::FurnaceCold,
        exposed_min: 10.0,
        defect: DefectType::Cloudiness,
        rate: 0.7,
    },
    Case {
        fault: "belt_overspeed@10m",
        equipment: "belt_motor",
        cause: Cause::BeltFast,
        exposed_min: 3.0,
        defect: DefectType::Deformation,
        rate: 0.7,
    },
    Case {
        fault: "speed_variation@10m",
        equipment: "belt_motor",
        cause: Cause::BeltFast,
        exposed_min: 3.0,
        defect: DefectType::Deformation,
        rate: 0.12,
    },
    Case {
        fault: "mold_cold@10m",
        equipment: "mold_heater",
        cause: Cause::MoldCold,
        exposed_min: 15.0,
        defect: DefectType::StressFracture,
        rate: 0.6,
    },
    Case {
        fault: "pressure_spikes@10m",
        equipment: "forming_machine",
        cause: Cause::PressureUnsteady,
        exposed_min: 2.0,
        defect: DefectType::Bubble,
        rate: 0.75,
    },
    Case {
        fault: "cooling_fast@10m",
        equipment: "cooling_fan",
        cause: Cause::CoolingFast,
        exposed_min: 3.0,
        defect: DefectType::Crack,
        rate: 0.75,
    },
];

const STRUCK: EventMs = EventMs(START.0 + 600_000);

#[test]
fn each_mechanism_makes_its_defect_after_its_transport_and_not_before() {
    let names = shipped();
    for case in CASES {
        let id = names.equipment_id(case.equipment).expect("shipped equipment");
        let equipment = names.equipment_def(id).expect("shipped equipment");
        let (earliest, latest) = (STRUCK + equipment.lag_min, STRUCK + equipment.lag_max);
        for seed in 1..=8 {
            let output = run(steady(seed), &[case.fault], SpanMs::hours(3));
            let what = format!("{} seed {seed}", case.fault);
            let mut first = None;
            for unit in unit_truths(&output) {
                for found in unit.defects.iter().filter(|found| found.cause != Cause::Background) {
                    assert_eq!((found.cause, found.defect, unit.line), (case.cause, case.defect, LineId(0)), "{what}");
                    let exposed = match found.cause {
                        Cause::FurnaceHot | Cause::FurnaceCold => unit.melted_at,
                        Cause::CoolingFast => unit.annealed_at,
                        _ => unit.formed_at,
                    };
                    assert!(exposed >= STRUCK, "{what}: struck before the fault: {unit:?}");
                    first.get_or_insert((unit.at, exposed));
                }
            }
            let (first, exposed) = first.expect("a fault at full severity makes defects");
            let exposed = minutes(exposed - STRUCK);
            assert!(exposed <= case.exposed_min, "{what}: first struck ware passed {exposed:.1} min after the fault");
            println!("{what}: first effect after {:.1} min", minutes(first - STRUCK));
            assert!(
                first >= earliest && first <= latest,
                "{what}: first effect after {:.1} min",
                minutes(first - STRUCK)
            );

            let last: Vec<_> = units(&output)
                .into_iter()
                .filter(|u| u.line == LineId(0) && u.at >= STRUCK + SpanMs::minutes(150))
                .collect();
            let struck =
                last.iter().filter(|unit| unit.defects.iter().any(|found| found.defect == case.defect)).count();
            let rate = struck as f64 / last.len() as f64;
            assert!(rate > case.rate, "{what}: in the end {rate:.2}");
        }
    }
}

#[test]
fn faults_go_beyond_the_thresholds_of_the_knowledge_base_and_the_actuator_moves_first() {
    let output = run(steady(5), &["furnace_overheat@10m"], SpanMs::minutes(60));
    let at = |name: &str, minute: i64| {
        let values = values(&output, name);
        values.iter().find(|(ms, _)| *ms >= minute * 60_000).expect("a reading that late").1
    };
    assert!(at("Line_A.fuel_flow", 12) > 1100.0, "fuel rises at once");
    assert!(at("Line_A.furnace_temperature", 12) < 1550.0, "the melt follows");
    let melt = at("Line_A.furnace_temperature", 40);
    assert!((1620.0..1650.0).contains(&melt), "{melt}");

    for (fault, name, beyond) in [
        ("furnace_cold@0s", "Line_A.furnace_temperature", -1450.0),
        ("belt_overspeed@0s", "Line_A.belt_speed", 180.0),
        ("mold_cold@0s", "Line_A.mold_temperature", -280.0),
        ("cooling_fast@0s", "Line_A.cooling_rate", 7.0),
        ("temperature_drift@0s+2h", "Line_A.furnace_temperature", 1560.0),
    ] {
        let output = run(steady(5), &[fault], SpanMs::minutes(115));
        let last = values(&output, name).last().expect("has readings").1;
        assert!(if beyond < 0.0 { last < -beyond } else { last > beyond }, "{fault}: {last}");
    }

    let output = run(steady(5), &["pressure_spikes@0s"], SpanMs::minutes(5));
    let pressures = values(&output, "Line_A.forming_pressure");
    for minute in 1..5 {
        let minute = pressures.iter().filter(|(ms, _)| ms / 60_000 == minute).map(|(_, value)| *value);
        let (low, high) = minute.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        assert!(high - low > 15.0, "{low} to {high}");
    }
}

#[test]
fn slow_degradation_shows_in_its_signs_long_before_it_makes_defects() {
    let output = run(steady(5), &["burner_fouling@0s+40h"], SpanMs::hours(30));
    let mean = |name: &str, hour: i64| {
        let values = values(&output, name);
        let values: Vec<f64> = values.iter().filter(|(ms, _)| ms / 3_600_000 == hour).map(|(_, v)| *v).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    assert!(mean("Line_A.flue_oxygen", 8) > 2.0 + 3.0 * 0.12, "oxygen {}", mean("Line_A.flue_oxygen", 8));
    assert!(mean("Line_A.fuel_flow", 8) > 900.0 + 3.0 * 12.0);
    // The integral of the loop runs after a demand that grows, by some 2 °C.
    let melt = mean("Line_A.furnace_temperature", 8);
    assert!((melt - 1520.0).abs() < 5.0, "the loop still holds the melt: {melt}");
    assert!(mean("Line_A.furnace_temperature", 28) < 1450.0, "at last it cannot");
    let first = unit_truths(&output)
        .into_iter()
        .find(|unit| unit.defects.iter().any(|found| found.cause == Cause::FurnaceCold));
    let first = first.expect("a melt too cold makes cloudiness");
    assert!(first.at > START + SpanMs::hours(15), "at {}", first.at);

    let output = run(steady(5), &["refractory_wear@0s+10h", "cullet_change:Line_B@0s"], SpanMs::hours(12));
    let causes = |line: u16, cause: Cause| {
        let of_line = unit_truths(&output).into_iter().filter(|unit| unit.line == LineId(line));
        of_line.filter(|unit| unit.defects.iter().any(|found| found.cause == cause)).count()
    };
    assert!(causes(0, Cause::Refractory) > 20 && causes(1, Cause::Refractory) == 0);
    assert!(causes(1, Cause::Cullet) > 50 && causes(0, Cause::Cullet) == 0);
}

#[test]
fn transport_lies_within_the_lags_of_the_equipment() {
    let output = run(steady(2), &[], SpanMs::hours(12));
    for unit in unit_truths(&output) {
        let ago = |at: EventMs| minutes(unit.at - at);
        assert!((40.0..=75.0).contains(&ago(unit.melted_at)), "{unit:?}");
        assert!((22.0..=32.0).contains(&ago(unit.formed_at)), "{unit:?}");
        assert!((2.0..=30.0).contains(&ago(unit.annealed_at)), "{unit:?}");
    }
}

#[test]
fn truth_and_events_tell_of_the_same_units_and_events_hold_no_truth() {
    let output = run(steady(2), &["furnace_overheat@1m", "bias(belt_speed)@1m+5m"], SpanMs::hours(2));
    let (told, true_units) = (units(&output), unit_truths(&output));
    assert_eq!(told.len(), true_units.len());
    let (mut missed, mut spurious) = (0, 0);
    for (unit, truth) in told.iter().zip(true_units) {
        assert_eq!((unit.unit, unit.at, unit.line), (truth.unit, truth.at, truth.line));
        let mut expected: Vec<DefectType> = truth.defects.iter().map(|found| found.defect).collect();
        expected.retain(|defect| !truth.missed.contains(defect));
        expected.extend(&truth.spurious);
        expected.sort();
        let reported: Vec<DefectType> = unit.defects.iter().map(|found| found.defect).collect();
        assert_eq!(reported, expected, "{unit:?}\n{truth:?}");
        missed += truth.missed.len();
        spurious += truth.spurious.len();
    }
    assert!(missed > 0 && spurious > 0, "{missed} missed, {spurious} spurious");
    let faults = output.truth.iter().filter(|truth| !matches!(truth, Truth::Unit(_))).count();
    assert_eq!(faults, 3, "two begin, one ends");
    for event in &output.events {
        let text = format!("{event:?}").to_lowercase();
        assert!(!text.contains("overheat") && !text.contains("bias") && !text.contains("background"), "{text}");
    }
}
