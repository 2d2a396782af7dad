//! Making a set of graphs.

use super::{ANOMALY_SIGMAS, FAILING_MINUTES, GraphRecipe, GraphSplit, Graphs, describe};
use crate::DatasetError;
use crate::sequences::{MINUTES, Origin, Progress, SENSORS, names, sensors};
use lehr_domain::{EventMs, LineId, SensorId, SpanMs};
use lehr_plant::{FaultId, PlantConfig, PlantMinute, PlantMinutes, PlantSim, Truth};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const START: EventMs = EventMs(1_769_839_200_000);

/// Makes the set of a recipe, on all cores, a plant at a time on each. Memory: the set itself (2 kB a snapshot), and two hours of a plant
/// a core.
pub fn generate(recipe: &GraphRecipe, progress: impl Fn(Progress) + Sync) -> Result<GraphSplit, DatasetError> {
    recipe.check()?;
    let parts = [&recipe.train, &recipe.validation, &recipe.test];
    let mut split = GraphSplit::default();
    for (seed, graphs) in of_plants(recipe, parts.into_iter().cloned().flatten().collect(), progress)? {
        let part = match seed {
            seed if recipe.train.contains(&seed) => &mut split.train,
            seed if recipe.validation.contains(&seed) => &mut split.validation,
            _ => &mut split.test,
        };
        part.append(graphs);
    }
    Ok(split)
}

/// The test part of [`generate`] alone.
pub fn generate_test(recipe: &GraphRecipe, progress: impl Fn(Progress) + Sync) -> Result<Graphs, DatasetError> {
    recipe.check()?;
    let mut test = Graphs::default();
    of_plants(recipe, recipe.test.clone().collect(), progress)?.into_values().for_each(|graphs| test.append(graphs));
    Ok(test)
}

fn of_plants(
    recipe: &GraphRecipe,
    seeds: Vec<u64>,
    progress: impl Fn(Progress) + Sync,
) -> Result<BTreeMap<u64, Graphs>, DatasetError> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let made: Mutex<BTreeMap<u64, Result<Graphs, DatasetError>>> = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let graphs = of_plant(*seed, recipe);
            made.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(*seed, graphs);
            let plants_done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(Progress { plants_done, plants: seeds.len() });
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len()) {
            scope.spawn(work);
        }
    });
    let made = made.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    made.into_iter().map(|(seed, graphs)| Ok((seed, graphs?))).collect()
}

/// The sensors of each line that are read, in the order in which they are.
fn places() -> Vec<(LineId, [SensorId; SENSORS])> {
    let sensor = |line: &str, parameter: &str| {
        names().sensor_id(&format!("{line}.{parameter}")).expect("the shipped plant has every sensor that is read")
    };
    names().lines().map(|(id, name)| (id, sensors().map(|parameter| sensor(name, parameter)))).collect()
}

fn of_plant(seed: u64, recipe: &GraphRecipe) -> Result<Graphs, DatasetError> {
    let faults_per_day = recipe.faults_per_day;
    let config = PlantConfig { seed, start: START, faults_per_day, ..PlantConfig::default() };
    let mut plant = PlantSim::new(names(), config)?.in_minutes();
    let lines = places();
    let mut windows: Vec<Vec<f32>> = vec![Vec::new(); lines.len()];
    let mut failing: BTreeMap<FaultId, (SensorId, EventMs)> = BTreeMap::new();
    let mut means = vec![f32::NAN; names().sensors().count()];
    let mut of_line: Vec<Graphs> = vec![Graphs::default(); lines.len()];
    for minute in 1..=i64::from(recipe.days) * 1440 {
        let told = plant.minute();
        follow(&told, &mut failing);
        told.means.iter().for_each(|(sensor, mean)| means[sensor.index()] = *mean as f32);
        for ((_, places), window) in lines.iter().zip(&mut windows) {
            if window.len() == MINUTES * SENSORS {
                window.drain(..SENSORS);
            }
            window.extend(places.map(|sensor| means[sensor.index()]));
        }
        if minute < MINUTES as i64 || minute % i64::from(recipe.every_minutes) != 0 {
            continue;
        }
        for (((line, places), window), graphs) in lines.iter().zip(&windows).zip(&mut of_line) {
            let (nodes, edges) = describe(window);
            graphs.nodes.extend(nodes);
            graphs.edges.extend(edges);
            graphs.failure.push(places.map(|sensor| has_failed(sensor, plant.now(), &failing)));
            graphs.anomaly.push(anomalies(&plant, places)?);
            let minute = plant.now().pane(SpanMs::minutes(1));
            graphs.origins.push(Origin { seed, line: *line, minute, cause: None });
        }
    }
    let mut all = Graphs::default();
    of_line.into_iter().for_each(|graphs| all.append(graphs));
    Ok(all)
}

fn follow(told: &PlantMinute, failing: &mut BTreeMap<FaultId, (SensorId, EventMs)>) {
    for truth in &told.truth {
        match truth {
            Truth::FaultStarted { id, sensor: Some(sensor), at, .. } => {
                failing.insert(*id, (*sensor, *at));
            }
            Truth::FaultEnded { id, .. } => {
                failing.remove(id);
            }
            _ => {}
        }
    }
}

fn has_failed(sensor: SensorId, now: EventMs, failing: &BTreeMap<FaultId, (SensorId, EventMs)>) -> bool {
    failing.values().any(|(other, since)| *other == sensor && now - *since >= SpanMs::minutes(FAILING_MINUTES))
}

fn anomalies(plant: &PlantMinutes, places: &[SensorId; SENSORS]) -> Result<[bool; SENSORS], DatasetError> {
    let mut anomalies = [false; SENSORS];
    for (anomaly, sensor) in anomalies.iter_mut().zip(places) {
        *anomaly = plant.deviation(*sensor)?.abs() > ANOMALY_SIGMAS;
    }
    Ok(anomalies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphs::FEATURES;

    #[test]
    fn a_set_has_failures_and_anomalies_and_is_the_same_made_anew() {
        let recipe = GraphRecipe {
            train: 1..3,
            validation: 3..4,
            test: 4..5,
            days: 2,
            every_minutes: 120,
            faults_per_day: 40.0,
        };
        let split = generate(&recipe, |_| ()).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (2 * 3 * 24, 3 * 24));
        assert_eq!(split.train.nodes.len(), split.train.len() * SENSORS * FEATURES);
        assert_eq!(split.train.edges.len(), split.train.len() * SENSORS * SENSORS);
        assert!(split.train.nodes.iter().chain(&split.train.edges).all(|value| value.is_finite()));
        let share = |labels: &[[bool; SENSORS]]| {
            labels.iter().flatten().filter(|label| **label).count() as f64 / (labels.len() * SENSORS) as f64
        };
        let (failing, off) = (share(&split.train.failure), share(&split.train.anomaly));
        assert!((0.005..0.15).contains(&failing), "{failing} of the sensors have failed");
        assert!((0.01..0.5).contains(&off), "{off} of the quantities are off");
        for node in split.test.nodes.chunks(SENSORS * FEATURES) {
            for (name, usual) in [("furnace_temperature", 1520.0), ("mold_temperature", 450.0), ("line_power", 640.0)] {
                let sensor = sensors().iter().position(|other| *other == name).unwrap();
                let (mean, missing) = (node[sensor * FEATURES], node[sensor * FEATURES + FEATURES - 1]);
                assert!(missing == 1.0 || (0.4..1.4).contains(&(mean / usual)), "{name}: {mean}");
            }
        }
        assert_eq!(generate_test(&recipe, |_| ()).unwrap(), split.test);
        assert_eq!(generate(&recipe, |_| ()).unwrap(), split);
    }
}
