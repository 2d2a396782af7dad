use super::*;

#[test]
fn lookups_equal_a_filter_of_everything_journalled_before() {
    for seed in 100..106 {
        let mut world = World::new(seed, 50, 4_000);
        let mut rng = rng(seed);
        let history = world.history();
        let mut rows = 0;
        for round in 0..5 {
            let context = format!("seed {seed} round {round}");
            rows += world.check_lookups(&history, &mut rng, &context);
            if let Some(segment) = history.convertible().unwrap().first() {
                history.convert(*segment, &world.names).unwrap();
            }
            rows += world.check_lookups(&history, &mut rng, &context);
            world.write(&mut rng, 6, 4_000);
            rows += world.check_lookups(&history, &mut rng, &context);
        }
        assert!(rows > 50, "seed {seed}: {rows} rows are too few to tell");
    }
}

#[test]
fn a_lookup_beyond_what_is_journalled_is_refused_rather_than_short() {
    let world = World::new(113, 20, 4_000);
    let history = world.history();
    let everything = [Range { sensor: SensorId(1), from: EventMs::MIN, to: EventMs::MAX }];
    assert!(history.readings(&everything, Tick(21)).is_ok());
    assert!(history.readings(&everything, Tick(23)).is_err());
    world.convert_all(&history);
    assert!(history.readings(&everything, Tick(21)).is_ok());
    assert!(world.history().readings(&everything, Tick(23)).is_err());
}

#[test]
fn a_file_that_is_missing_is_damage_unless_another_process_merged_it() {
    let mut world = World::new(114, 40, 4_000);
    world.convert_all(&world.history());
    let everything = [Range { sensor: SensorId(1), from: EventMs::MIN, to: EventMs::MAX }];
    let reader = world.history();
    let gone = reader.view().files.iter().find(|file| file.sensors.0 <= 1 && 1 <= file.sensors.1).unwrap().clone();
    world.files.remove(&gone.name).unwrap();
    let error = reader.readings(&everything, Tick(41)).unwrap_err();
    assert!(error.is_damage() && error.to_string().contains(&gone.name), "{error}");
    let mut merged = (*reader.view()).clone();
    merged.files.retain(|file| *file != gone);
    merged.store(&mut world.files).unwrap();
    let error = reader.readings(&everything, Tick(41)).unwrap_err();
    assert!(matches!(error, HistoryError::Moved { .. }), "{error}");
}
