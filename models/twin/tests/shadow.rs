//! The twin beside the simulated plant: how far its forecasts, bands and verdicts hold. All figures are printed; bounds
//! are those measured over twenty seeds, with a little room (`LEHR_SEEDS=20` for as many).
//!
//! Errors are those 15 minutes ahead against the noise-free truth, as a share of those of persistence, which says what
//! the instrument said last. Over twenty weeks and every minute, jumps that nobody can foresee included, a model that
//! knows all of the plant but its future reaches 0.54 in the mean, and no half for eight quantities: heater power 0.92,
//! fuel 0.81, air 0.80, line power 0.73, furnace 0.70, molds 0.70, belt 0.69, crown 0.54. In settled minutes it reaches
//! 0.31 to 0.46, and the best filter of readings alone 0.49 to 0.50 for belt, forming pressure and zones 1 to 3. Held
//! against the last truth instead of the last reading, a perfect model reaches no more than 0.7 to 0.8.
//!
//! That is in root mean squares, with persistence granted the mean of its last minute. Held against the last single
//! reading, and in mean absolute errors, the twin has 0.41 of persistence's in every minute (worst quantity 0.59, as
//! line and heater power follow switches), and 0.38 in settled ones (worst 0.47).

mod harness;

use harness::observer::{ALONE, Observer};
use harness::perfect::Perfect;
use harness::*;
use lehr_domain::SpanMs;
use lehr_domain::machine::MachineState;
use lehr_plant::{FaultSpec, PlantConfig};
use lehr_twin::{BAND_90, Finding, FindingKind, Forecast, Guess, Horizon, MINUTE, PARAMETERS, Parameter, State};
use std::collections::VecDeque;

const DAY: usize = 1440;
const AHEAD: usize = 15;
/// Minutes until a line has come to rest after a jump.
const SETTLES: usize = 45;

fn seeds(least: u64) -> u64 {
    std::env::var("LEHR_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(least)
}

fn first_seed(usual: u64) -> u64 {
    std::env::var("LEHR_FIRST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A first guess that is off by up to 20 % in every gain and time constant, up or down.
fn wrong_guess(seed: u64) -> Guess {
    let mut guess = Guess::shipped();
    let mut random = Random::new(seed);
    for value in guess.response.each_mut() {
        *value *= random.between(0.8, 1.2);
    }
    guess
}

/// Squared errors 15 minutes ahead. Persistence says what the instrument said last, with its noise, as nobody has
/// another last value; what the truth said last is a persistence that nobody can have.
#[derive(Clone, Default)]
struct Sums {
    n: f64,
    /// Against the truth.
    twin: f64,
    perfect: f64,
    observer: f64,
    persistence: f64,
    /// Of the last single reading, where `persistence` is of the last minute's mean.
    raw_persistence: f64,
    /// Sizes of errors against the truth, summed: of the twin and of the last single reading.
    sizes_twin: f64,
    sizes_raw: f64,
    true_persistence: f64,
    /// Against the instrument.
    measured_twin: f64,
    measured_persistence: f64,
    inside: f64,
    /// Absolute errors against the truth, of the twin and of persistence.
    sizes: [Vec<f32>; 2],
}

impl Sums {
    fn ratio(&self) -> f64 {
        (self.twin / self.persistence).sqrt()
    }

    fn raw_ratio(&self) -> f64 {
        (self.twin / self.raw_persistence).sqrt()
    }

    /// Of the mean absolute errors.
    fn mean_ratio(&self) -> f64 {
        self.sizes_twin / self.sizes_raw
    }

    /// What a model reaches that knows all of the plant but its future.
    fn ceiling(&self) -> f64 {
        (self.perfect / self.persistence).sqrt()
    }

    /// What the best filter of the instrument reaches; NaN where others move the quantity too.
    fn observed(&self) -> f64 {
        (self.observer / self.persistence).sqrt()
    }

    fn pool(&mut self, other: &Sums) {
        let pairs = [
            (&mut self.n, other.n),
            (&mut self.twin, other.twin),
            (&mut self.perfect, other.perfect),
            (&mut self.observer, other.observer),
            (&mut self.persistence, other.persistence),
            (&mut self.raw_persistence, other.raw_persistence),
            (&mut self.sizes_twin, other.sizes_twin),
            (&mut self.sizes_raw, other.sizes_raw),
            (&mut self.true_persistence, other.true_persistence),
            (&mut self.measured_twin, other.measured_twin),
            (&mut self.measured_persistence, other.measured_persistence),
            (&mut self.inside, other.inside),
        ];
        pairs.into_iter().for_each(|(sum, other)| *sum += other);
        for (sizes, other) in self.sizes.iter_mut().zip(&other.sizes) {
            sizes.extend(other);
        }
    }

    /// Of the median errors.
    fn typical(&self) -> f64 {
        let [twin, persistence] = self.sizes.clone().map(|mut sizes| {
            sizes.sort_by(f32::total_cmp);
            f64::from(sizes[sizes.len() / 2])
        });
        twin / persistence
    }
}

struct Week {
    /// Of all minutes after the first day, and of those of a running line for which the forecast was made when it had
    /// come to rest after the last jump.
    all: [Sums; PARAMETERS],
    settled: [Sums; PARAMETERS],
    /// Minute at which a finding began to hold, and the finding.
    findings: Vec<(usize, Finding)>,
    state: State,
}

/// What was said of the minute that lies [`AHEAD`].
struct Said {
    twin: [Forecast; PARAMETERS],
    /// NaN where no ceiling is asked for.
    perfect: [f64; PARAMETERS],
    observer: [f64; PARAMETERS],
    last: [Option<f64>; PARAMETERS],
    raw_last: [Option<f64>; PARAMETERS],
    true_last: [f64; PARAMETERS],
}

fn live(seed: u64, stops: bool, minutes: usize, faults: &[&str], mut perfect: Option<Perfect>) -> Week {
    let mut line = Line::new(PlantConfig { seed, start: START, stops, faults_per_day: 0.0 }, faults);
    let state = State::new(&wrong_guess(seed));
    let sums: [Sums; PARAMETERS] = std::array::from_fn(|_| Sums::default());
    let mut week = Week { all: sums.clone(), settled: sums, findings: Vec::new(), state };
    let mut waiting: VecDeque<Said> = VecDeque::new();
    let mut observers = ALONE.map(Observer::new);
    let mut machine = None;
    let mut jumped = 0;
    let jumps: Vec<usize> = faults.iter().flat_map(|fault| begins_and_ends(fault)).collect();
    for minute in 0..minutes {
        let lived = line.minute();
        let Lived { minute: heard, events, .. } = &lived;
        week.state.step(heard);
        if machine.replace((heard.machine, heard.setpoints)) != machine || jumps.contains(&minute) {
            jumped = minute;
        }
        let truth = Parameter::ALL.map(|parameter| line.true_value(parameter));
        if let Some(perfect) = &mut perfect {
            perfect.minute(events);
            let off = perfect.check(&truth);
            assert!(off < 1e-6, "seed {seed}: the plant is restated wrongly, by {off} sigmas in minute {minute}");
        }
        let measured = Parameter::ALL.map(|parameter| heard.mean(parameter));
        if waiting.len() == AHEAD {
            let said = waiting.pop_front().expect("as many as that");
            let settled = minute > jumped + AHEAD + SETTLES && heard.machine == MachineState::Production;
            for index in (0..PARAMETERS).filter(|_| minute > DAY) {
                add(&mut week.all[index], &said, index, measured[index], truth[index]);
                if settled {
                    add(&mut week.settled[index], &said, index, measured[index], truth[index]);
                }
            }
        }
        let none = [f64::NAN; PARAMETERS];
        let (mut expected, mut observed) = (none, none);
        if let Some(perfect) = perfect.as_ref().filter(|_| minute + AHEAD > DAY) {
            expected = perfect.forecast(AHEAD as u64);
        }
        for observer in &mut observers {
            let index = observer.parameter().index();
            if let (Some(measured), Some(setpoint)) = (measured[index], heard.setpoints[index]) {
                observer.minute(measured, setpoint);
                observed[index] = observer.forecast(AHEAD as u64, setpoint);
            }
        }
        waiting.push_back(Said {
            twin: week.state.forecast(Horizon::Quarter),
            perfect: expected,
            observer: observed,
            last: measured,
            raw_last: lived.last,
            true_last: truth,
        });
        let found = week.state.diagnosis();
        if found.map(|finding| (finding.kind, &finding.equipment))
            != week.findings.last().map(|(_, finding)| (finding.kind, &finding.equipment))
            && let Some(finding) = found
        {
            week.findings.push((minute, finding.clone()));
        }
    }
    week
}

/// The minutes at which a fault begins and ends: nobody can foresee them.
fn begins_and_ends(fault: &str) -> impl Iterator<Item = usize> + use<> {
    let spec = FaultSpec::parse(fault).expect("a good fault");
    let minutes = |span: SpanMs| (span.0 / MINUTE.0) as usize;
    let begins = minutes(spec.start);
    std::iter::once(begins).chain(spec.duration.map(|duration| begins + minutes(duration)))
}

fn add(sums: &mut Sums, said: &Said, index: usize, measured: Option<f64>, truth: f64) {
    let (Some(measured), Some(last), Some(raw)) = (measured, said.last[index], said.raw_last[index]) else { return };
    let forecast = &said.twin[index];
    sums.n += 1.0;
    sums.twin += (forecast.mean - truth).powi(2);
    sums.perfect += (said.perfect[index] - truth).powi(2);
    sums.observer += (said.observer[index] - truth).powi(2);
    sums.persistence += (last - truth).powi(2);
    sums.raw_persistence += (raw - truth).powi(2);
    sums.sizes_twin += (forecast.mean - truth).abs();
    sums.sizes_raw += (raw - truth).abs();
    sums.true_persistence += (said.true_last[index] - truth).powi(2);
    sums.measured_twin += (forecast.mean - measured).powi(2);
    sums.measured_persistence += (last - measured).powi(2);
    sums.sizes[0].push((forecast.mean - truth).abs() as f32);
    sums.sizes[1].push((last - truth).abs() as f32);
    sums.inside += f64::from(u8::from((forecast.mean - measured).abs() <= BAND_90 * forecast.sd));
}

/// Of [`ratios`](Sums::ratio) and what goes with them.
#[derive(Default)]
struct Table {
    mean: f64,
    /// The same against the last single reading.
    raw_mean: f64,
    /// Of the mean absolute errors, against the last single reading.
    absolute_mean: f64,
    absolute_worst: f64,
    worst: f64,
    worst_typical: f64,
    /// Mean of what a perfect model reaches, and the greatest factor by which the twin misses it.
    ceiling: f64,
    furthest: f64,
    least: f64,
    most: f64,
}

fn table(title: &str, sums: &[Sums; PARAMETERS]) -> Table {
    println!("{title}: root mean square error 15 min ahead against the truth, as a share of persistence's");
    let columns = "last minute: twin perfect observer median | last reading: twin absolute | last truth: twin perfect";
    println!("  {:25} {columns} | coverage", "");
    let mut table = Table { least: 1.0, ..Table::default() };
    for parameter in Parameter::ALL {
        let sums = &sums[parameter.index()];
        let (ratio, ceiling, typical, coverage) = (sums.ratio(), sums.ceiling(), sums.typical(), sums.inside / sums.n);
        let of_truth = |squares: f64| (squares / sums.true_persistence).sqrt();
        println!(
            "  {:25} {ratio:.3} {ceiling:.3} {:.3} {typical:.3} | {:.3} {:.3} | {:.3} {:.3} | {coverage:.3}",
            parameter.text(),
            sums.observed(),
            sums.raw_ratio(),
            sums.mean_ratio(),
            of_truth(sums.twin),
            of_truth(sums.perfect),
        );
        table.mean += ratio / PARAMETERS as f64;
        table.raw_mean += sums.raw_ratio() / PARAMETERS as f64;
        table.absolute_mean += sums.mean_ratio() / PARAMETERS as f64;
        table.absolute_worst = table.absolute_worst.max(sums.mean_ratio());
        table.ceiling += ceiling / PARAMETERS as f64;
        table.worst = table.worst.max(ratio);
        table.furthest = table.furthest.max(ratio / ceiling);
        table.worst_typical = table.worst_typical.max(typical);
        table.least = table.least.min(coverage);
        table.most = table.most.max(coverage);
    }
    let Table { mean, worst, worst_typical, ceiling, furthest, least, most, .. } = table;
    println!(
        "  of the last reading's: mean {:.3}; absolute errors {:.3}, worst {:.3}",
        table.raw_mean, table.absolute_mean, table.absolute_worst
    );
    println!(
        "  mean {mean:.3}, perfect {ceiling:.3}, at most {furthest:.2} times perfect; worst {worst:.3}, \
         of medians {worst_typical:.3}; coverage {least:.3} to {most:.3}"
    );
    table
}

#[test]
fn a_week_with_faults_is_forecast_within_its_bands_and_the_faults_are_told() {
    // Faults of the two kinds that are hardest: one that ramps, and one that hits at once.
    let faults = ["mold_cold@50h+5h", "furnace_overheat@100h+6h"];
    let first = first_seed(1);
    let mut pooled: [[Sums; PARAMETERS]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| Sums::default()));
    for seed in first..first + seeds(2) {
        let week = live(seed, true, 7 * DAY, &faults, Some(Perfect::new(seed, START, &faults)));
        let all = table(&format!("seed {seed}, every minute"), &week.all);
        let settled = table(&format!("seed {seed}, settled minutes"), &week.settled);
        for (pooled, week) in pooled.iter_mut().zip([&week.all, &week.settled]) {
            pooled.iter_mut().zip(week).for_each(|(pooled, week)| pooled.pool(week));
        }
        for (minute, finding) in &week.findings {
            println!(
                "  {:6.1} h {:?} {} {:.2}",
                *minute as f64 / 60.0,
                finding.kind,
                finding.equipment,
                finding.confidence
            );
        }
        assert!(settled.mean < 0.47, "mean ratio {}", settled.mean);
        assert!(settled.worst < 0.53, "worst ratio {}", settled.worst);
        assert!(all.worst_typical < 0.53, "worst ratio of medians {}", all.worst_typical);
        assert!(all.least > 0.85 && all.most < 0.95, "coverage {} to {}", all.least, all.most);
        for (equipment, from) in [("mold_heater", 50 * 60), ("furnace_burner", 100 * 60)] {
            let told = week.findings.iter().find(|(minute, finding)| {
                finding.kind == FindingKind::Equipment && finding.equipment == equipment && *minute >= from
            });
            let (minute, _) = told.expect("the fault is told");
            assert!(minute - from < 30, "{equipment} after {} min", minute - from);
        }
        let false_equipment = week.findings.iter().filter(|(minute, finding)| {
            finding.kind == FindingKind::Equipment
                && !(50 * 60..57 * 60).contains(minute)
                && !(100 * 60..108 * 60).contains(minute)
        });
        assert_eq!(false_equipment.count(), 0);
    }
    let all = table("all seeds, every minute", &pooled[0]);
    table("all seeds, settled minutes", &pooled[1]);
    // Of what an instrument said last, in the size of errors: at most half, jumps and faults included.
    assert!(all.absolute_mean < 0.45, "mean ratio of absolute errors {}", all.absolute_mean);
    // Squares weigh jumps most, which nobody foresees: here the plant, not persistence, sets the measure.
    assert!(all.mean < 1.12 * all.ceiling, "mean ratio {} of perfect {}", all.mean, all.ceiling);
    assert!(all.furthest < 1.25, "{} times perfect", all.furthest);
    // Where the best filter of the instrument itself stands at a half, the twin is held to that filter.
    for parameter in Parameter::ALL {
        let sums = &pooled[1][parameter.index()];
        let limit = f64::max(0.5, 1.02 * sums.observed());
        assert!(sums.ratio() <= limit, "{}: ratio {} beyond {limit}", parameter.text(), sums.ratio());
    }
}

#[test]
fn the_future_that_is_expected_is_the_mean_of_those_that_may_come() {
    const FUTURES: usize = 200;
    let faults = ["mold_cold@3h+1h"];
    let mut line = Line::new(PlantConfig { seed: 8, start: START, stops: false, faults_per_day: 0.0 }, &faults);
    let mut perfect = Perfect::new(8, START, &faults);
    let mut random = Random::new(8);
    for minute in 0..300 {
        perfect.minute(&line.minute().events);
        if minute % 60 != 59 {
            continue;
        }
        let futures: Vec<_> = (0..FUTURES).map(|_| perfect.redrawn(AHEAD as u64, &mut random)).collect();
        let expected = perfect.forecast(AHEAD as u64);
        for parameter in Parameter::ALL {
            let index = parameter.index();
            let mean = futures.iter().map(|future| future[index]).sum::<f64>() / FUTURES as f64;
            let square = futures.iter().map(|future| (future[index] - mean).powi(2)).sum::<f64>() / FUTURES as f64;
            let off = (mean - expected[index]) / (square / FUTURES as f64).sqrt();
            assert!(off.abs() < 4.5, "{}: {off} standard errors after {minute} min", parameter.text());
        }
    }
}

#[test]
fn weeks_without_faults_have_no_false_flag_for_equipment() {
    let count = seeds(3);
    let (mut flags, mut others) = (0, 0);
    let first = first_seed(101);
    for seed in first..first + count {
        let week = live(seed, true, 7 * DAY, &[], None);
        for (minute, finding) in &week.findings {
            println!("seed {seed} {:6.1} h {finding:?}", *minute as f64 / 60.0);
            match finding.kind {
                FindingKind::Equipment => flags += 1,
                _ => others += 1,
            }
        }
    }
    println!("{count} weeks: {flags} false flags for equipment, {others} for instruments and drift");
    assert_eq!(flags, 0);
    assert!(others <= count, "{others}");
}

#[test]
fn each_fault_is_told_for_what_it_is() {
    let equipment = [
        ("furnace_cold", "furnace_burner"),
        ("temperature_drift", "furnace_burner"),
        ("belt_overspeed", "belt_motor"),
        ("speed_variation", "belt_motor"),
        ("cooling_fast", "cooling_fan"),
        ("pressure_spikes", "forming_machine"),
        ("burner_fouling", "furnace_burner"),
    ];
    let instruments = [
        "bias(furnace_temperature)",
        "bias(belt_speed)",
        "bias(cooling_rate)",
        "bias(fuel_flow)",
        "noise(forming_pressure)",
    ];
    let run = |fault: &str| live(3, false, 36 * 60, &[&format!("{fault}@30h+5h")], None).findings;
    for (fault, expected) in equipment {
        let findings = run(fault);
        let (minute, first) = findings.first().expect(fault);
        println!("{fault}: {:?} {} after {} min", first.kind, first.equipment, minute - 1800);
        assert_eq!((first.kind, first.equipment.as_str()), (FindingKind::Equipment, expected), "{fault}: {findings:?}");
    }
    for fault in instruments {
        let findings = run(fault);
        let (minute, first) = findings.first().expect(fault);
        println!("{fault}: {:?} {:?} after {} min", first.kind, first.parameter, minute - 1800);
        assert_eq!(first.kind, FindingKind::Sensor, "{fault}: {findings:?}");
        assert!(fault.contains(first.parameter.text()), "{fault}: {findings:?}");
        assert!(findings.iter().all(|(_, finding)| finding.kind != FindingKind::Equipment), "{fault}: {findings:?}");
    }
}

#[test]
fn a_relation_that_shifts_slowly_is_drift_of_the_model() {
    let mut line = Line::steady(9);
    let mut state = State::new(&Guess::shipped());
    let mut kinds = Vec::new();
    for minute in 0..4 * DAY {
        let mut lived = line.minute().minute;
        // From the second day on the motor draws more current for the same speed, 3 A a day.
        let shift = 3.0 * (minute.saturating_sub(2 * DAY) as f64) / DAY as f64;
        if let Some(pane) = &mut lived.values[Parameter::BeltMotorCurrent.index()] {
            pane.mean += shift;
        }
        state.step(&lived);
        kinds.extend(state.diagnosis().map(|finding| (finding.kind, finding.parameter)));
    }
    kinds.dedup();
    assert_eq!(kinds, [(FindingKind::ModelDrift, Parameter::BeltMotorCurrent)]);
}

#[test]
fn gains_and_time_constants_are_learned_from_moves_of_the_set_points() {
    let run = |guess: &Guess| {
        let mut line = Line::steady(4);
        let mut state = State::new(guess);
        for minute in 0..2 * DAY {
            let side = if (minute / 120) % 2 == 0 { 1.0 } else { -1.0 };
            if minute % 120 == 0 {
                line.write(Parameter::FurnaceTemperature, 1520.0 + 12.0 * side);
                line.write(Parameter::MoldTemperature, 450.0 + 25.0 * side);
                line.write(Parameter::BeltSpeed, 148.0 + 6.0 * side);
                line.write(Parameter::CoolingRate, 4.3 + 0.5 * side);
            }
            state.step(&line.minute().minute);
        }
        state
    };
    let mut guess = Guess::shipped();
    guess.response.each_mut().into_iter().for_each(|value| *value *= 0.8);
    let mut other = Guess::shipped();
    other.response.each_mut().into_iter().for_each(|value| *value *= 1.2);
    let (low, high) = (run(&guess), run(&other));
    for parameter in [
        Parameter::FurnaceTemperature,
        Parameter::CrownTemperature,
        Parameter::ThroatTemperature,
        Parameter::FuelFlow,
        Parameter::MoldTemperature,
        Parameter::MoldHeaterPower,
        Parameter::BeltMotorCurrent,
        Parameter::CoolingFanSpeed,
    ] {
        for (place, (low, high)) in low.learned(parameter).iter().zip(&high.learned(parameter)).enumerate() {
            println!("{:25} {place}: {:.4} from below, {:.4} from above", parameter.text(), low.0, high.0);
            let most = if place == 0 { 0.2 } else { 0.15 };
            assert!((low.0 / high.0).ln().abs() < most, "two guesses 40 % apart meet: {parameter:?} {place}");
        }
    }
}

#[test]
fn late_minutes_are_folded_again_gaps_are_lived_through_and_states_are_small() {
    let mut line = Line::steady(6);
    let minutes: Vec<_> = (0..600).map(|_| line.minute().minute).collect();
    let mut whole = State::new(&Guess::shipped());
    let mut kept = None;
    for (place, minute) in minutes.iter().enumerate() {
        if place == 300 {
            kept = Some(whole.clone());
        }
        whole.step(minute);
    }
    let mut again = kept.expect("kept half way");
    let stale = again.clone();
    again.step(&minutes[100]);
    assert_eq!(again, stale, "what is not later changes nothing");
    minutes[300..].iter().for_each(|minute| again.step(minute));
    assert_eq!(again, whole);

    let bytes = postcard::to_stdvec(&whole).expect("a state can be written");
    println!("a state has {} bytes", bytes.len());
    assert!(bytes.len() < 32_000, "{}", bytes.len());
    assert_eq!(postcard::from_bytes::<State>(&bytes).expect("and read"), whole);

    let mut gapped = State::new(&Guess::shipped());
    minutes.iter().filter(|minute| (minute.at - START).0 / MINUTE.0 % 100 < 80).for_each(|minute| gapped.step(minute));
    let (view, other) = (gapped.view().expect("seen"), whole.view().expect("seen"));
    for index in 0..PARAMETERS {
        let off = (view.values[index] - other.values[index]).abs() / Guess::shipped().sigma[index];
        assert!(off < 1.5, "{:?} is off by {off} sigmas", Parameter::ALL[index]);
    }
}
