//! What-if against the truth: the simulated plant with and without a change, from the same seed. All figures are
//! printed; `LEHR_SEEDS=n` takes so many twins, each with a past of its own,
//! from `LEHR_FIRST_SEED` on.

mod harness;

use harness::*;
use lehr_domain::{EventMs, SpanMs};
use lehr_plant::PlantConfig;
use lehr_twin::*;
use std::sync::LazyLock;

const DAY: i64 = 1440;
/// A twin lives a week of a plant with its faults, from which it learns where mechanisms set in.
const LEARNS_DAYS: i64 = 7;
const FAULTS_PER_DAY: f64 = 3.0;
/// Then three hours of the plant that it will be asked about, and six hours of consequences.
const SYNCS_MIN: usize = 180;
const HORIZON_MIN: usize = 360;

fn experienced(seed: u64) -> State {
    let config = PlantConfig { seed, start: START, stops: false, faults_per_day: FAULTS_PER_DAY };
    let mut line = Line::new(config, &[]);
    let mut state = State::new(&Guess::shipped());
    for _ in 0..LEARNS_DAYS * DAY {
        state.step(&line.minute().minute);
    }
    state
}

static TWIN: LazyLock<State> = LazyLock::new(|| experienced(77));
/// The same in step with a plant that has no fault at present.
static CALM: LazyLock<State> = LazyLock::new(|| plants(&TWIN, 900).2);

fn setting(parameter: Parameter, value: f64) -> Setting {
    Setting { parameter: parameter.text().to_owned(), value }
}

fn one(parameter: &str, value: f64) -> Scenario {
    let ask = WhatIf::One(Setting { parameter: parameter.to_owned(), value });
    Scenario { ask, duration: SpanMs::minutes(HORIZON_MIN as i64) }
}

/// A plant that goes on where the twin's past ended, and the twin in step with it.
fn plants(twin: &State, seed: u64) -> (Line, Line, State) {
    let start = EventMs(START.0 + SpanMs::days(LEARNS_DAYS).0);
    let config = PlantConfig { seed, start, stops: false, faults_per_day: 0.0 };
    let (mut with, mut without) = (Line::new(config.clone(), &[]), Line::new(config, &[]));
    let mut state = twin.clone();
    for _ in 0..SYNCS_MIN {
        with.minute();
        state.step(&without.minute().minute);
    }
    (with, without, state)
}

#[derive(Default)]
struct Counted {
    units: f64,
    bad: f64,
    energy_kw: f64,
}

impl Counted {
    fn rate(&self) -> f64 {
        self.bad / self.units
    }

    fn variance(&self) -> f64 {
        self.rate() * (1.0 - self.rate()) / self.units
    }
}

fn count(line: &mut Line, minutes: usize) -> Counted {
    let mut counted = Counted::default();
    for _ in 0..minutes {
        let minute = line.minute().minute;
        counted.units += minute.units;
        counted.bad += minute.units - minute.good;
        let energy = 9.97 * line.true_value(Parameter::FuelFlow) + line.true_value(Parameter::LinePower);
        counted.energy_kw += energy / minutes as f64;
    }
    counted
}

#[test]
fn a_hundred_changes_have_the_effect_that_the_plant_shows() {
    let ranges = [
        (Parameter::FurnaceTemperature, 1440.0, 1610.0),
        (Parameter::BeltSpeed, 125.0, 190.0),
        (Parameter::MoldTemperature, 250.0, 520.0),
        (Parameter::CoolingRate, 2.5, 8.0),
    ];
    let twins = std::env::var("LEHR_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut clear, mut right, mut covered, mut covered_clear, mut cases) = (0, 0, 0, 0, 0);
    let (mut errors, mut rate_errors, mut energy_errors) = (Vec::new(), Vec::new(), Vec::new());
    let first: u64 = std::env::var("LEHR_FIRST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(77);
    for twin in 0..twins {
        let learned = if twin + first == 77 { TWIN.clone() } else { experienced(first + twin) };
        let mut random = Random::new(first + twin);
        let so_far = (clear, covered_clear);
        for case in 0..100 {
            let (parameter, low, high) = ranges[case % ranges.len()];
            let value = random.between(low, high);
            let (mut with, mut without, state) = plants(&learned, 100 * first + 100 * twin + case as u64);
            let Changes { defect_rate, rate_per_h, energy_kw, .. } =
                answer(&state, &one(parameter.text(), value)).expect("a good scenario").changes;
            with.write(parameter, value);
            let (before, after) = (count(&mut without, HORIZON_MIN), count(&mut with, HORIZON_MIN));
            let change = after.rate() - before.rate();
            let inside = (defect_rate.low..=defect_rate.high).contains(&change);
            cases += 1;
            covered += usize::from(inside);
            if change.abs() > 2.0 * (before.variance() + after.variance()).sqrt() {
                clear += 1;
                right += usize::from(defect_rate.value.signum() == change.signum());
                covered_clear += usize::from(inside);
                errors.push((defect_rate.value / change - 1.0).abs());
            }
            let units_per_h = (after.units - before.units) / (HORIZON_MIN as f64 / 60.0);
            if units_per_h.abs() > 5.0 {
                rate_errors.push((rate_per_h.value / units_per_h - 1.0).abs());
            }
            let kw = after.energy_kw - before.energy_kw;
            if kw.abs() > 5.0 {
                energy_errors.push((energy_kw.value / kw - 1.0).abs());
            }
        }
        println!("twin {twin}: {} of {} clear changes within the band", covered_clear - so_far.1, clear - so_far.0);
    }
    let median = |mut errors: Vec<f64>| {
        errors.sort_by(f64::total_cmp);
        errors[errors.len() / 2]
    };
    let (error, rate_error, energy_error) = (median(errors), median(rate_errors), median(energy_errors));
    println!("{cases} changes, {clear} of them clear: sign right in {right}, {covered_clear} within the 90 % band");
    println!(
        "of all, {covered} are within the band; median relative errors: defect rate {error:.3}, production rate {rate_error:.3}, energy {energy_error:.3}"
    );
    assert!(clear > 40 * twins as usize, "{clear} clear changes");
    assert!(right as f64 > 0.9 * clear as f64);
    let share = covered_clear as f64 / clear as f64;
    assert!(share > 0.85, "{share} of clear changes within the band");
    assert!(error < 0.25 && rate_error < 0.05 && energy_error < 0.25);
}

#[test]
fn a_twin_without_experience_knows_the_direction_from_the_knowledge_base() {
    let fresh = {
        let mut line = Line::steady(12);
        let mut state = State::new(&Guess::shipped());
        (0..600).for_each(|_| state.step(&line.minute().minute));
        state
    };
    for (parameter, value, worse) in [
        ("furnace_temperature", 1605.0, true),
        ("furnace_temperature", 1445.0, true),
        ("belt_speed", 185.0, true),
        ("mold_temperature", 270.0, true),
        ("cooling_rate", 7.5, true),
        ("cooling_rate", 4.0, false),
    ] {
        let answer = answer(&fresh, &one(parameter, value)).unwrap();
        let change = answer.changes.defect_rate;
        println!("{parameter} {value}: {:+.3} [{:+.3} {:+.3}]", change.value, change.low, change.high);
        assert_eq!(change.value > 0.01, worse, "{parameter} {value}: {change:?}");
        assert!(
            answer.unseen.iter().any(|(unseen, ..)| unseen.text() == parameter),
            "{parameter} {value} was never seen"
        );
    }
}

#[test]
fn replay_keeps_the_disturbances_and_tells_what_other_set_points_had_made_of_them() {
    let learned = &*TWIN;
    let start = EventMs(START.0 + SpanMs::days(LEARNS_DAYS).0);
    // A belt that runs away during the record: slower set-points would have saved some ware.
    let run = |slower: bool| {
        let config = PlantConfig { seed: 31, start, stops: false, faults_per_day: 0.0 };
        let mut line = Line::new(config, &["belt_overspeed@4h+3h*0.8"]);
        let lived: Vec<Minute> = (0..180).map(|_| line.minute().minute).collect();
        if slower {
            line.write(Parameter::BeltSpeed, 140.0);
        }
        (lived, (0..480).map(|_| line.minute().minute).collect::<Vec<Minute>>())
    };
    let ((lived, record), (_, otherwise)) = (run(false), run(true));
    let mut state = learned.clone();
    lived.iter().for_each(|minute| state.step(minute));
    let share = |minutes: &[Minute]| {
        let units: f64 = minutes.iter().map(|minute| minute.units).sum();
        (units - minutes.iter().map(|minute| minute.good).sum::<f64>()) / units
    };
    let scenario = Scenario {
        ask: WhatIf::Replay { record: record.clone(), settings: vec![setting(Parameter::BeltSpeed, 140.0)] },
        duration: SpanMs(0),
    };
    let answer = answer(&state, &scenario).expect("a good record");
    let (was, would) = (share(&record), share(&otherwise));
    println!(
        "was {was:.4} (twin {:.4}), would have been {would:.4} (twin {:.4})",
        answer.baseline.defect_rate, answer.scenario.defect_rate
    );
    assert!((answer.baseline.defect_rate - was).abs() < 0.3 * was);
    assert!(answer.changes.defect_rate.low <= would - was && would - was <= answer.changes.defect_rate.high);
    assert!(answer.changes.defect_rate.value < 0.0);
}

#[test]
fn the_stress_test_finds_where_the_plant_fails() {
    let learned = &*CALM;
    for (parameter, until, mode, from, to) in [
        ("furnace_temperature", 1700.0, "crack", 1555.0, 1575.0),
        ("furnace_temperature", 1300.0, "cloudiness", 1470.0, 1490.0),
        ("belt_speed", 200.0, "deformation", 160.0, 175.0),
        ("mold_temperature", 200.0, "stress_fracture", 335.0, 375.0),
        ("cooling_rate", 12.0, "crack", 5.3, 6.3),
        ("gob_temperature", 950.0, "devitrification", 1035.0, 1045.0),
    ] {
        let ask = WhatIf::Stress { parameter: parameter.to_owned(), until };
        let answer = answer(learned, &Scenario { ask, duration: SpanMs::hours(6) }).unwrap();
        let failure = answer.failure.expect("something fails on the way");
        println!("{parameter} towards {until}: {failure:?}");
        assert!(failure.mode.starts_with(mode), "{failure:?}");
        assert!((from..=to).contains(&failure.at), "{failure:?}");
    }
    let ask = WhatIf::Stress { parameter: "melt_level".to_owned(), until: 1300.0 };
    let answer = answer(learned, &Scenario { ask, duration: SpanMs::hours(6) }).unwrap();
    assert_eq!(answer.failure, None, "what nothing hangs on fails nothing");
}

#[test]
fn the_best_combination_meets_its_constraints_and_beats_a_grid() {
    let learned = &*CALM;
    let over = [("belt_speed", 130.0, 190.0), ("furnace_temperature", 1480.0, 1580.0), ("cooling_rate", 3.0, 7.0)];
    let over = over.map(|(parameter, low, high)| Range { parameter: parameter.to_owned(), low, high }).to_vec();
    let most = answer(learned, &one("belt_speed", 150.0)).unwrap().baseline.defect_rate + 0.01;
    let constraints = vec![Constraint::DefectRateAtMost(most)];
    let weights = Weights::default();
    let ask = WhatIf::Best { over: over.clone(), weights, constraints };
    let duration = SpanMs::hours(8);
    let best = answer(learned, &Scenario { ask, duration }).expect("something is feasible");
    println!("best {:?} {:?}", best.settings, best.scenario);
    assert!(best.scenario.defect_rate < 1.03 * most, "{:?} {most}", best.scenario);
    let worth = |outcome: &Outcome| {
        weights.rate * outcome.rate_per_h - weights.defects * outcome.defect_rate - weights.energy * outcome.energy_kw
    };
    let mut grid = f64::MIN;
    for cell in 0..216 {
        let place = |range: &Range, step: usize| range.low + (range.high - range.low) * step as f64 / 5.0;
        let steps = [cell % 6, cell / 6 % 6, cell / 36];
        let pairs = over.iter().zip(steps);
        let settings =
            pairs.map(|(range, step)| Setting { parameter: range.parameter.clone(), value: place(range, step) });
        let ask = WhatIf::Several(settings.collect());
        let outcome = answer(learned, &Scenario { ask, duration }).unwrap().scenario;
        if outcome.defect_rate <= most {
            grid = grid.max(worth(&outcome));
        }
    }
    println!("worth {:.4}, best of a grid of 216 {grid:.4}, {} compromises", worth(&best.scenario), best.front.len());
    assert!(worth(&best.scenario) > grid - 0.01 * grid.abs());
    for pair in best.front.windows(2) {
        let (one, other) = (&pair[0].outcome, &pair[1].outcome);
        assert!(one.defect_rate <= other.defect_rate);
        assert!(other.rate_per_h > one.rate_per_h || other.energy_kw < one.energy_kw, "{one:?} beats {other:?}");
    }
    assert!(best.front.len() >= 5);
}

#[test]
fn a_scenario_as_minutes_agrees_with_its_answer() {
    let learned = &*CALM;
    let settings = [setting(Parameter::CoolingRate, 6.4)];
    let duration = SpanMs::hours(6);
    let minutes = series(learned, &settings, duration).unwrap();
    let answer = answer(learned, &Scenario { ask: WhatIf::Several(settings.to_vec()), duration }).unwrap();
    let units: f64 = minutes.iter().map(|minute| minute.units).sum();
    let bad = units - minutes.iter().map(|minute| minute.good).sum::<f64>();
    assert_eq!(minutes.len(), 360);
    assert!((units / 6.0 / answer.scenario.rate_per_h - 1.0).abs() < 0.01);
    assert!((bad / units - answer.scenario.defect_rate).abs() < 0.1, "{} {:?}", bad / units, answer.scenario);
    let mut next = learned.clone();
    next.step(&minutes[0]);
    assert_eq!(next.at(), Some(minutes[0].at), "a series goes on where the state stands");
}

#[test]
fn what_cannot_be_asked_is_refused_with_the_field_and_the_fix() {
    let learned = &*CALM;
    let day = SpanMs::hours(24);
    let refused = |ask: WhatIf, duration: SpanMs| answer(learned, &Scenario { ask, duration }).unwrap_err().to_string();
    let single =
        |parameter: &str, value: f64| refused(WhatIf::One(Setting { parameter: parameter.to_owned(), value }), day);
    for (error, parts) in [
        (single("oven_temperature", 1.0), ["'oven_temperature' is not known", "furnace_temperature"]),
        (single("crown_temperature", 1500.0), ["'crown_temperature' has no set-point", "furnace_temperature"]),
        (single("belt_speed", 250.0), ["value 250 of belt_speed", "50 to 200"]),
        (single("belt_speed", f64::NAN), ["value of belt_speed is not a number", "50 to 200"]),
        (single("belt_speed", f64::INFINITY), ["outside its limits", "50 to 200"]),
        (refused(WhatIf::Several(Vec::new()), day), ["settings is empty", "at least one"]),
        (refused(WhatIf::Several(vec![setting(Parameter::BeltSpeed, 140.0); 2]), day), ["belt_speed", "twice"]),
        (
            refused(WhatIf::Replay { record: Vec::new(), settings: Vec::new() }, day),
            ["record is empty", "at least one"],
        ),
        (
            refused(WhatIf::Replay { record: vec![Minute::gap(EventMs(0))], settings: Vec::new() }, day),
            ["minute 0 does not follow", "where the state stands"],
        ),
        (refused(WhatIf::One(setting(Parameter::BeltSpeed, 140.0)), SpanMs(0)), ["duration 0 min", "1 to 10080"]),
        (refused(WhatIf::Stress { parameter: "belt_speed".into(), until: 300.0 }, day), ["until 300", "50 to 200"]),
        (
            refused(WhatIf::Best { over: Vec::new(), weights: Weights::default(), constraints: Vec::new() }, day),
            ["over is empty", "at least one"],
        ),
    ] {
        parts.iter().for_each(|part| assert!(error.contains(part), "{error}"));
    }
    let over = vec![Range { parameter: "belt_speed".into(), low: 140.0, high: 160.0 }];
    let ask =
        |weights: Weights, constraints: Vec<Constraint>| WhatIf::Best { over: over.clone(), weights, constraints };
    let weights = Weights { rate: f64::NAN, ..Weights::default() };
    assert!(refused(ask(weights, Vec::new()), day).contains("weights.rate"));
    let error = refused(ask(Weights::default(), vec![Constraint::RateAtLeast(5000.0)]), day);
    assert!(error.contains("rate_at_least") && error.contains("widen"), "{error}");
    let unborn = State::new(&Guess::shipped());
    let error = answer(&unborn, &one("belt_speed", 140.0)).unwrap_err().to_string();
    assert!(error.contains("seen no minute"), "{error}");
}

#[test]
fn the_same_question_has_the_same_answer() {
    let learned = &*CALM;
    let scenario = one("furnace_temperature", 1570.0);
    assert_eq!(answer(learned, &scenario), answer(learned, &scenario));
}
