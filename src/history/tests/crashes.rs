use super::*;

/// Does `work` with the power failing before each of its changes in turn, on one disk or the other, and checks that
/// nothing is lost or double, before and after tidying up, and that the work can be done in the end.
fn crash_everywhere(make: impl Fn() -> World, work: impl Fn(&World) -> Result<(), HistoryError>) -> u32 {
    let mut crashes = 0;
    for of_files in [false, true] {
        for step in 0.. {
            let world = make();
            let mut rng = rng(u64::from(step));
            let disk = if of_files { &world.files } else { &world.journal };
            disk.set_fuse(Some(step));
            let done = work(&world);
            let context = format!("step {step} of {}", if of_files { "files" } else { "the journal" });
            if rng.random_bool(0.3) {
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
            work(&world).unwrap();
            let history = world.history();
            assert!(world.read(&history).unwrap() == world.expected(), "{context}: done after all");
            world.check_lookups(&history, &mut rng, &context);
            history.tidy().unwrap();
            let left: Vec<String> = world.files.list().unwrap();
            // The manifest is there twice.
            assert_eq!(left.len(), history.view().files.len() + 2, "{context}: {left:?}");
            crashes += 1;
            if done.is_ok() {
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
