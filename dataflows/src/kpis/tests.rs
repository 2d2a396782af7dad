use super::*;
use crate::trials::{assert_tracks, plant};
use lehr_domain::UnitId;
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Input {
    Unit(Unit),
    State(MachineStateRow),
    Clock(LineId, EventMs),
    Product(ProductId, Product),
    Calendar(Calendar),
    Left(EventMs),
}

fn graph<'s>(inputs: Rows<'s, Input>) -> Rows<'s, KpiRow> {
    let units = inputs.clone().flat_map(|row| if let Input::Unit(unit) = row { Some(unit) } else { None });
    let states = inputs.clone().flat_map(|row| if let Input::State(state) = row { Some(state) } else { None });
    let clocks = inputs.clone().flat_map(|row| if let Input::Clock(line, at) = row { Some((line, at)) } else { None });
    let products =
        inputs.clone().flat_map(|row| if let Input::Product(id, def) = row { Some((id, def)) } else { None });
    let calendar =
        inputs.clone().flat_map(|row| if let Input::Calendar(calendar) = row { Some(calendar) } else { None });
    let left = inputs.flat_map(|row| if let Input::Left(at) = row { Some(at) } else { None });
    kpis(units, states, clocks, products, calendar, left)
}

/// Key figures unit by unit and minute by minute.
fn oracle(inputs: &BTreeSet<Input>) -> BTreeSet<KpiRow> {
    let Some(calendar) = inputs.iter().find_map(|row| if let Input::Calendar(held) = row { Some(held) } else { None })
    else {
        return BTreeSet::new();
    };
    let periods = calendar.periods().expect("trials use good calendars");
    let mut clocks = BTreeMap::new();
    let mut run_times = BTreeMap::new();
    for row in inputs {
        match row {
            Input::Clock(line, at) => drop(clocks.insert(*line, *at)),
            Input::Product(id, def) => drop(run_times.insert(*id, def.planned_run_time.0)),
            _ => {}
        }
    }
    let mut rows: BTreeMap<(Scope, EventMs, LineId, ProductId), KpiRow> = BTreeMap::new();
    let mut add = |line: LineId, product: ProductId, at: EventMs, change: &dyn Fn(&mut KpiRow)| {
        for scope in Scope::ALL {
            let period = periods.at(scope, at).expect("trials are in this century");
            for line in [line, LineId::ALL] {
                for product in [product, ProductId::ALL] {
                    let key = KpiKey { period, line, product };
                    change(rows.entry((scope, period.start, line, product)).or_insert(key.row(&KpiSums::default())));
                }
            }
        }
    };
    for row in inputs {
        match row {
            Input::Unit(unit) => add(unit.line, unit.product, unit.at, &|row| {
                let run_time = run_times.get(&unit.product).copied().unwrap_or(0);
                let good = i64::from(unit.verdict == lehr_domain::unit::Verdict::Good);
                row.inspected += 1;
                row.good += good;
                row.rework += i64::from(unit.verdict == lehr_domain::unit::Verdict::Rework);
                row.scrap += i64::from(unit.verdict == lehr_domain::unit::Verdict::Scrap);
                row.defective += i64::from(!unit.defects.is_empty());
                row.planned_run_s.0 += run_time;
                row.planned_good_s.0 += good * run_time;
                for defect in &unit.defects {
                    *match defect.defect {
                        DefectType::Crack => &mut row.crack,
                        DefectType::Bubble => &mut row.bubble,
                        DefectType::Chip => &mut row.chip,
                        DefectType::Cloudiness => &mut row.cloudiness,
                        DefectType::Deformation => &mut row.deformation,
                        DefectType::Stain => &mut row.stain,
                        DefectType::StressFracture => &mut row.stress_fracture,
                    } += 1;
                }
            }),
            Input::State(state) => {
                let Some(clock) = clocks.get(&state.production_line) else { continue };
                let clock = clock.0 / 60_000 * 60_000;
                let end = state.end.map_or(clock, |end| end.0.min(clock));
                // Trials use whole seconds: each belongs to one period of each scope.
                for second in (state.start.0..end).step_by(1000) {
                    add(state.production_line, state.product, EventMs(second), &|row| {
                        *match state.state {
                            MachineState::Production => &mut row.production_s.0,
                            MachineState::Setup => &mut row.setup_s.0,
                            MachineState::Down => &mut row.down_s.0,
                            MachineState::Planned => &mut row.planned_stop_s.0,
                        } += 1000;
                    });
                }
            }
            _ => {}
        }
    }
    let left = inputs.iter().filter_map(|row| if let Input::Left(at) = row { Some(*at) } else { None }).max();
    rows.into_values().filter(|row| left.is_none_or(|left| row.start >= left)).collect()
}

fn berlin(shift_starts: &[u16]) -> Calendar {
    Calendar { time_zone: "Europe/Berlin".into(), shift_starts: shift_starts.into() }
}

/// Units that are corrected and withdrawn, states that are edited, clocks that go on, and now and then
/// another planned run time or calendar; in the end the first hours leave.
fn trial(seed: u64) -> Vec<BTreeSet<Input>> {
    let mut rng = plant::rng(seed);
    let mut units: BTreeMap<UnitId, Unit> = BTreeMap::new();
    let mut states = BTreeMap::new();
    let mut products = BTreeMap::new();
    let mut calendar = None;
    let mut snapshots = Vec::new();
    for tick in 0..12_i64 {
        for _ in 0..10 {
            let unit = plant::unit(&mut rng, 90, 40);
            if rng.random_range(0..6) == 0 {
                units.remove(&unit.unit);
            } else {
                units.insert(unit.unit, unit);
            }
        }
        let change = plant::state_change(&mut rng, 90);
        states.insert((change.line, change.at), change);
        if rng.random_range(0..4) == 0 {
            let victim = states.keys().next().copied().expect("one was added");
            states.remove(&victim);
        }
        if tick > 1 && rng.random_range(0..3) == 0 {
            let planned_run_time = SpanMs(rng.random_range(1..9) * 500);
            products.insert(ProductId(rng.random_range(0..2)), Product { name: "jar".into(), planned_run_time });
        }
        if tick == 1 || tick == 7 {
            calendar = Some(berlin([&[360, 840, 1320][..], &[7, 719]][rng.random_range(0..2)]));
        }
        let mut rows: BTreeSet<Input> = units.values().cloned().map(Input::Unit).collect();
        for ((line, at), change) in &states {
            let end = states.keys().filter(|(other, later)| other == line && later > at).map(|(_, later)| *later).min();
            rows.insert(Input::State(MachineStateRow {
                production_line: *line,
                start: *at,
                end,
                state: change.state,
                product: change.product,
                reason: change.reason.clone(),
            }));
        }
        rows.extend(products.iter().map(|(id, def)| Input::Product(*id, def.clone())));
        rows.extend(calendar.iter().cloned().map(Input::Calendar));
        if tick > 8 {
            let hours = SpanMs::hours(tick - 9);
            rows.insert(Input::Left((plant::START + hours).floor(SpanMs::hours(1))));
        }
        for line in 0..2 {
            let clock = plant::START + SpanMs(tick * 11 * 60_000 + 25_000 * i64::from(line));
            rows.insert(Input::Clock(LineId(line), clock));
        }
        snapshots.push(rows);
    }
    snapshots
}

#[test]
fn key_figures_equal_a_recomputation_after_every_tick() {
    let mut every_field = [false; 18];
    for seed in 0..6 {
        let outputs = assert_tracks(seed, &trial(seed), graph, oracle);
        for row in outputs.iter().flatten() {
            for (seen, value) in every_field.iter_mut().zip(figures(row)) {
                *seen |= value != 0;
            }
            assert_oee_is_the_product_of_its_factors(row);
        }
    }
    assert_eq!(every_field, [true; 18], "a figure was never anything but zero, so it was not tested");
}

fn figures(row: &KpiRow) -> [i64; 18] {
    [
        row.inspected,
        row.good,
        row.rework,
        row.scrap,
        row.defective,
        row.crack,
        row.bubble,
        row.chip,
        row.cloudiness,
        row.deformation,
        row.stain,
        row.stress_fracture,
        row.production_s.0,
        row.setup_s.0,
        row.down_s.0,
        row.planned_stop_s.0,
        row.planned_run_s.0,
        row.planned_good_s.0,
    ]
}

/// For one article OEE = PRI × GQ / PBT = availability × performance × quality, exactly.
fn assert_oee_is_the_product_of_its_factors(row: &KpiRow) {
    let factors = [row.availability(), row.performance(), row.quality()];
    if row.product == ProductId::ALL || factors.iter().any(|factor| factor.den == 0) {
        return;
    }
    let num: i128 = factors.iter().map(|factor| factor.num).product();
    let den: i128 = factors.iter().map(|factor| factor.den).product();
    assert_eq!(row.oee().num * den, row.oee().den * num, "{row:?}");
}

#[test]
fn an_interval_longer_than_sixty_days_counts_its_last_days() {
    let clock = plant::START + SpanMs::days(100);
    let state = MachineStateRow {
        production_line: LineId(0),
        start: plant::START,
        end: None,
        state: MachineState::Production,
        product: ProductId(0),
        reason: String::new(),
    };
    let held = |clock: EventMs| {
        BTreeSet::from([
            Input::State(state.clone()),
            Input::Clock(LineId(0), clock),
            Input::Calendar(Calendar { time_zone: "UTC".into(), shift_starts: vec![0] }),
        ])
    };
    let total = |rows: &BTreeSet<KpiRow>| -> i64 {
        let days = rows.iter().filter(|row| row.scope == Scope::Day && row.production_line == LineId(0));
        days.filter(|row| row.product == ProductId(0)).map(|row| row.production_s.0).sum()
    };
    let outputs = crate::trials::run(1, &[held(clock), held(clock + SpanMs::days(1))], graph);
    let expected = SpanMs::days(60).0 + (clock - clock.floor(SpanMs::days(1))).0;
    assert_eq!(outputs.iter().map(total).collect::<Vec<_>>(), [expected, expected]);
}

/// Once the units of an old period left one by one while its machine time stayed: its row showed a line that was
/// busy and made less and less.
#[test]
fn a_row_leaves_as_a_whole_when_retention_reaches_its_period() {
    let hour = plant::START.floor(SpanMs::hours(1));
    let state = MachineStateRow {
        production_line: LineId(0),
        start: hour,
        end: None,
        state: MachineState::Production,
        product: ProductId(0),
        reason: String::new(),
    };
    let units = [10, 50].map(|minute| Unit {
        unit: UnitId(minute as u64),
        line: LineId(0),
        at: hour + SpanMs::minutes(minute),
        product: ProductId(0),
        verdict: lehr_domain::unit::Verdict::Good,
        defects: Vec::new(),
    });
    let held = |units: &[Unit], left: Option<EventMs>| -> BTreeSet<Input> {
        let plant = [
            Input::State(state.clone()),
            Input::Clock(LineId(0), hour + SpanMs::minutes(90)),
            Input::Calendar(Calendar { time_zone: "UTC".into(), shift_starts: vec![0] }),
        ];
        plant.into_iter().chain(units.iter().cloned().map(Input::Unit)).chain(left.map(Input::Left)).collect()
    };
    let snapshots = [
        held(&units, None),
        held(&units, Some(hour)),
        held(&units[1..], Some(hour + SpanMs::hours(1))),
        held(&[], Some(hour + SpanMs::hours(2))),
    ];
    let hours = |rows: &BTreeSet<KpiRow>| -> Vec<(i64, i64, i64)> {
        let hours = rows.iter().filter(|row| row.scope == Scope::Hour && row.production_line == LineId(0));
        let hours = hours.filter(|row| row.product == ProductId(0));
        hours.map(|row| ((row.start - hour).0 / 60_000, row.inspected, row.production_s.0 / 60_000)).collect()
    };
    let outputs = crate::trials::run(1, &snapshots, graph);
    let both = vec![(0, 2, 60), (60, 0, 30)];
    assert_eq!(outputs.iter().map(hours).collect::<Vec<_>>(), [both.clone(), both, vec![(60, 0, 30)], vec![]]);
}

#[test]
fn a_bad_calendar_gives_no_rows_and_a_good_one_all() {
    let unit = plant::unit(&mut plant::rng(1), 10, 1);
    let with = |zone: &str| {
        let calendar = Calendar { time_zone: zone.into(), shift_starts: vec![0] };
        BTreeSet::from([Input::Unit(unit.clone()), Input::Calendar(calendar)])
    };
    let outputs = crate::trials::run(1, &[with("Mars/Olympus"), with("UTC")], graph);
    assert_eq!(outputs.iter().map(BTreeSet::len).collect::<Vec<_>>(), [0, 16]);
}
