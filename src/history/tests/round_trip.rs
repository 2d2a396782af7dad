use super::*;
use crate::history::fold_late;
use std::collections::BTreeMap;

#[test]
fn ticks_read_the_same_before_and_after_their_readings_moved() {
    for seed in 0..6 {
        let world = World::new(seed, 60, 4_000);
        let history = world.history();
        assert_eq!(world.read(&history).unwrap(), world.expected(), "seed {seed}: before");
        let segments = world.convert_all(&history);
        assert!(segments >= 5, "seed {seed}: {segments} segments are too few to tell");
        assert_eq!(world.read(&history).unwrap(), world.expected(), "seed {seed}: after");
        assert!(history.convertible().unwrap().is_empty());
        let segments: Vec<String> = world.journal.list().unwrap();
        assert_eq!(segments.iter().filter(|name| name.ends_with(".seg")).count(), 1, "{segments:?}");
        for from in [1, 7, 30, 60] {
            let inputs = Inputs::over(Reader::over(world.journal.clone()), history.clone());
            let read: Vec<TickInputs> =
                inputs.from(Tick(from)).up_to(Tick(50)).map(|inputs| sorted(inputs.unwrap())).collect();
            let expected: Vec<TickInputs> =
                world.expected().into_iter().filter(|inputs| (from..=50).contains(&inputs.tick.0)).collect();
            assert_eq!(read, expected, "seed {seed} from {from}");
        }
        let (_, report) = Journal::recover(world.journal.clone(), Options::default()).unwrap();
        assert_eq!((report.last, report.torn), (Tick(60), None));
    }
}

/// A reader in the middle of a segment goes on in the thin one that takes its place.
#[test]
fn a_reader_does_not_notice_that_readings_move() {
    for seed in 13..16 {
        let world = World::new(seed, 60, 4_000);
        let history = world.history();
        let mut inputs = Inputs::over(Reader::over(world.journal.clone()), history.clone());
        let mut read = Vec::new();
        for step in 0.. {
            if step % 9 == 4
                && let Some(segment) = history.convertible().unwrap().first()
            {
                history.convert(*segment, &world.names).unwrap();
            }
            let Some(inputs) = inputs.next() else { break };
            read.push(sorted(inputs.unwrap()));
        }
        assert_eq!(read, world.expected(), "seed {seed}");
    }
}

#[test]
fn writing_goes_on_beside_and_after_a_conversion() {
    let mut world = World::new(20, 30, 4_000);
    let history = world.history();
    let mut rng = rng(20);
    for _ in 0..4 {
        world.convert_all(&history);
        world.write(&mut rng, 20, 4_000);
        assert_eq!(world.read(&history).unwrap(), world.expected());
        world.check_lookups(&history, &mut rng, "between conversions");
    }
}

#[test]
fn a_thin_segment_at_the_end_is_never_written_to() {
    let mut world = World::new(21, 40, 4_000);
    let history = world.history();
    world.convert_all(&history);
    let last = world.journal.list().unwrap().into_iter().find(|name| name.ends_with(".seg")).unwrap();
    let first: u64 = last[..20].parse().unwrap();
    world.journal.clone().remove(&last).unwrap();
    world.written.truncate(first as usize - 1);
    world.write(&mut rng(21), 10, 4_000);
    assert_eq!(world.read(&world.history()).unwrap(), world.expected());
}

#[test]
fn merging_changes_nothing_but_the_number_of_files() {
    for seed in 30..33 {
        let world = World::new(seed, 150, 3_000);
        let history = world.history();
        let mut rng = rng(seed);
        world.convert_all(&history);
        let before = history.view().files.len();
        let mut merges = 0;
        while let Some(done) = history.compact(START + SpanMs::days(3)).unwrap() {
            assert!(done.merged >= 2);
            merges += 1;
            world.check_lookups(&history, &mut rng, &format!("seed {seed} merge {merges}"));
        }
        let after = history.view().files.len();
        assert!(merges > 2 && after * 3 < before, "seed {seed}: {before} files became {after} in {merges} merges");
        assert_eq!(world.read(&history).unwrap(), world.expected(), "seed {seed}");
        let kept: Vec<String> = world.files.list().unwrap();
        assert_eq!(kept.len(), after + 2, "seed {seed}: what was merged is gone: {kept:?}");
    }
}

#[test]
fn what_holds_is_given_once_as_of_any_tick() {
    for seed in 40..43 {
        let world = World::new(seed, 80, 4_000);
        let history = world.history();
        world.convert_all(&history);
        let covered = history.view().last_covered();
        let mut replaced = 0;
        for up_to in [Tick(0), Tick(20), Tick(covered.0 / 2), covered] {
            for sensor in [None, Some(SensorId(3))] {
                let (from, to) = (START - SpanMs::days(1), START + SpanMs::hours(7));
                let wanted = Wanted { sensor, from, to, up_to };
                let mut held: BTreeMap<_, Reading> = BTreeMap::new();
                for row in world.journalled(up_to.next()).iter().filter(|row| wanted.has(&row.reading)) {
                    let best = held.entry((row.reading.sensor, row.reading.at)).or_insert(row.reading);
                    replaced += usize::from(*best != row.reading);
                    *best = (*best).max(row.reading);
                }
                let mut kept: Vec<Reading> = history.kept(history.view(), wanted).collect::<Result<_, _>>().unwrap();
                kept.sort_unstable();
                assert_eq!(kept, held.into_values().collect::<Vec<_>>(), "seed {seed} {wanted:?}");
            }
        }
        assert!(replaced > 10, "seed {seed}: {replaced} corrections are too few");
    }
}

/// What was looked at when something became superfluous stays until nobody looks any more.
#[test]
fn a_view_keeps_what_it_names() {
    let world = World::new(50, 60, 4_000);
    let history = world.history();
    let old = history.view();
    let whole = world.journal.list().unwrap().len();
    let segments = world.convert_all(&history);
    assert_eq!(world.journal.list().unwrap().len(), whole + segments, "segments stay beside their thin ones");
    assert_eq!(world.read(&history).unwrap(), world.expected());
    drop(old);
    assert!(history.compact(EventMs::MIN).unwrap().is_none());
    assert_eq!(world.journal.list().unwrap().len(), whole, "now they are gone");
    assert_eq!(world.read(&history).unwrap(), world.expected());
}

#[test]
fn late_readings_are_folded_in_once_and_change_no_tick() {
    let world = World::new(60, 60, 4_000);
    let history = world.history();
    world.convert_all(&history);
    let mut late = Vec::new();
    for mut inputs in world.written.iter().cloned() {
        let tick = inputs.tick;
        late.extend(fold_late(&mut inputs).into_iter().map(|reading| (tick, reading)));
        assert!(!inputs.events.iter().any(|row| matches!(row.event, Event::Late(_))));
    }
    assert!(late.len() > 5, "{} late readings are too few", late.len());
    let wanted = Wanted { sensor: None, from: EventMs::MIN, to: START - SpanMs::days(15), up_to: Tick(u64::MAX) };
    let kept = |history: &Arc<SimHistory>| -> Vec<Reading> {
        history.kept(history.view(), wanted).collect::<Result<_, _>>().unwrap()
    };
    assert!(kept(&history).is_empty());
    history.fold(late.clone(), &world.names).unwrap();
    let first = kept(&history);
    assert!(!first.is_empty());
    history.fold(late, &world.names).unwrap();
    assert_eq!(kept(&history), first);
    assert_eq!(kept(&world.history()), first, "also when opened again");
    assert_eq!(world.read(&history).unwrap(), world.expected());
}
