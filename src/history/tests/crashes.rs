use super::*;

/// Attempts at each step: every other time the process is killed, else the power goes, and what was not synced is lost in
/// one way or another.
const TRIALS: u64 = 4;

/// How often something fails and is then cut short.
const ATTEMPTS: u64 = 400;

/// Does `work` with the power failing before each of its changes in turn, on one disk or the other, and checks that
/// nothing is lost or double, before and after tidying up, and that the work can be done in the end.
fn crash_everywhere(make: impl Fn() -> World, work: impl Fn(&World) -> Result<(), HistoryError>) -> u32 {
    let mut crashes = 0;
    for of_files in [false, true] {
        for (step, trial) in (0..).flat_map(|step| (0..TRIALS).map(move |trial| (step, trial))) {
            let world = make();
            let mut rng = rng(u64::from(step) << 8 | trial);
            let disk = if of_files { &world.files } else { &world.journal };
            disk.set_fuse(Some(step));
            let done = work(&world);
            let context = format!("step {step} of {}", if of_files { "files" } else { "the journal" });
            if trial % 2 == 0 {
                world.journal.restart();
                world.files.restart();
            } else {
                world.journal.crash(&mut rng);
                world.files.crash(&mut rng);
            }
            let (_, report) = Journal::recover(world.journal.clone(), Options::default()).unwrap();
            assert_eq!((report.last.0 as usize, &report.torn), (world.written.len(), &None), "{context}");
            let history = world.history();
            assert!(world.read(&history).unwrap() == world.expected(), "{context}: before tidying");
            world.check_lookups(&history, &mut rng, &context);
            history.tidy().unwrap();
            assert!(world.read(&history).unwrap() == world.expected(), "{context}: after tidying");
            world.check_lookups(&history, &mut rng, &context);
            // What a killed process left behind, and tidying built upon, survives a loss of power as well.
            world.journal.crash(&mut rng);
            world.files.crash(&mut rng);
            let history = world.history();
            assert!(world.read(&history).unwrap() == world.expected(), "{context}: after tidying and a crash");
            history.tidy().unwrap();
            work(&world).unwrap();
            let history = world.history();
            assert!(world.read(&history).unwrap() == world.expected(), "{context}: done after all");
            world.check_lookups(&history, &mut rng, &context);
            history.tidy().unwrap();
            let left: Vec<String> = world.files.list().unwrap();
            // The manifest is there twice.
            assert_eq!(left.len(), history.view().files.len() + 2, "{context}: {left:?}");
            crashes += 1;
            if done.is_ok() && trial + 1 == TRIALS {
                break;
            }
        }
    }
    crashes
}

#[test]
fn a_crash_at_any_step_of_a_conversion_loses_and_doubles_nothing() {
    let make = || World::new(200, 12, 4_000);
    let crashes = crash_everywhere(make, |world| {
        let history = world.open()?;
        for segment in history.convertible()? {
            history.convert(segment, &world.names)?;
        }
        Ok(())
    });
    assert!(crashes > 30, "{crashes} steps are too few to tell");
}

#[test]
fn a_crash_at_any_step_of_a_merge_loses_and_doubles_nothing() {
    let make = || {
        let world = World::new(201, 48, 3_000);
        world.convert_all(&world.history());
        world
    };
    let crashes = crash_everywhere(make, |world| {
        let history = world.open()?;
        history.compact(START + SpanMs::days(4))?;
        history.compact(START + SpanMs::days(4))?;
        Ok(())
    });
    assert!(crashes > 10, "{crashes} steps are too few to tell");
}

/// What a failed attempt left may count already, or not for long: the next one must do without.
#[test]
fn what_failed_anywhere_is_tried_again_and_that_cut_short_by_a_crash() {
    let (mut failed, mut crashes) = (0, 0);
    for trial in 0..ATTEMPTS {
        let mut rng = rng(trial);
        let world = World::new(202, 5, 1_500);
        let work = |history: &SimHistory| -> Result<(), HistoryError> {
            for segment in history.convertible()? {
                history.convert(segment, &world.names)?;
            }
            history.compact(START + SpanMs::days(4)).map(drop)
        };
        let history = world.open().unwrap();
        let any = |rng: &mut ChaCha8Rng| if rng.random_bool(0.5) { &world.files } else { &world.journal };
        let disk = any(&mut rng);
        disk.fail_syncs_after(Some(rng.random_range(0..30)));
        failed += u32::from(work(&history).is_err());
        disk.fail_syncs(false);
        any(&mut rng).set_fuse(Some(rng.random_range(0..30)));
        crashes += u32::from(work(&history).is_err());
        world.journal.crash(&mut rng);
        world.files.crash(&mut rng);
        let (_, report) = Journal::recover(world.journal.clone(), Options::default()).unwrap();
        assert_eq!(report.last.0 as usize, world.written.len(), "trial {trial}");
        let history = world.history();
        history.tidy().unwrap();
        assert!(world.read(&history).unwrap() == world.expected(), "trial {trial}");
        world.check_lookups(&history, &mut rng, &format!("trial {trial}"));
    }
    assert!(failed > 100 && crashes > 100, "vacuous: {failed} attempts failed, {crashes} were cut short");
}

/// The name of a thin segment may be seen and not be durable, when its sync failed.
#[test]
fn a_segment_stays_until_the_name_of_its_thin_form_is_durable() {
    let mut crashes = 0;
    for (good, fuse, trial) in (0..4).flat_map(|good| (0..4).flat_map(move |fuse| (0..8).map(move |t| (good, fuse, t))))
    {
        let world = World::new(203, 3, 1_500);
        let history = world.open().unwrap();
        let segments = history.convertible().unwrap();
        world.journal.fail_syncs_after(Some(good));
        let done = segments.iter().take(1).try_for_each(|segment| history.convert(*segment, &world.names).map(drop));
        world.journal.fail_syncs(false);
        world.journal.set_fuse(Some(fuse));
        let swept = history.compact(START);
        crashes += u32::from(done.is_err() && swept.is_err());
        let mut rng = rng(trial);
        world.journal.crash(&mut rng);
        let context = format!("{good} good syncs, {fuse} changes more, trial {trial}");
        let (_, report) = Journal::recover(world.journal.clone(), Options::default())
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(report.last.0 as usize, world.written.len(), "{context}");
        assert!(world.read(&world.history()).unwrap() == world.expected(), "{context}");
    }
    assert!(crashes > 10, "vacuous: {crashes} crashes");
}
