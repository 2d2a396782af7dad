//! Whether equipment, an instrument or the model is the likelier cause of a deviation.
//!
//! The couplings of the plant decide. Equipment that fails moves the quantities that hang on it together: a melt that is
//! too hot shows in the crown too, a belt that runs away draws current. An instrument that fails contradicts all others
//! alone and at once. What departs alone and slowly is the model, or an instrument that ages: drift.

use crate::forecast::Finding;
use crate::parameter::{PARAMETERS, Parameter};
use crate::watch::Watch;
use Parameter::*;
use lehr_domain::finding::FindingKind;

/// Departures from here on are beyond doubt. A normal distribution passes it twice in four million; a week of a line
/// has some 30,000 independent values, and a false flag for equipment needs two that belong together.
pub const DOUBTLESS: f64 = 5.0;
/// What departs alone and took longer than this to show is drift.
const SLOW_MIN: u32 = 60;

/// An instrument is not accused before the quantities that follow it have had the time to answer.
const ANSWERS_MIN: u32 = 20;
/// So long after equipment failed its quantities may still be on their way back.
const RETURNS_MIN: u32 = 120;
/// Two that belong together must be beyond doubt for so long.
const LASTS_MIN: u32 = 2;

/// What is watched: means of all quantities, and the spread within a minute of those that may become unsteady.
pub const WATCHES: usize = PARAMETERS + UNSTEADY.len();
pub const UNSTEADY: [Parameter; 3] = [BeltSpeed, FormingPressure, BeltMotorCurrent];
const BELT_RANGE: usize = PARAMETERS;
const PRESSURE_RANGE: usize = PARAMETERS + 1;
const CURRENT_RANGE: usize = PARAMETERS + 2;

/// Equipment and the places of watches that it moves together.
struct Group {
    equipment: &'static str,
    members: &'static [usize],
}

const GROUPS: [Group; 7] = [
    Group {
        equipment: "furnace_burner",
        members: &[
            FurnaceTemperature as usize,
            CrownTemperature as usize,
            ThroatTemperature as usize,
            FuelFlow as usize,
            CombustionAirFlow as usize,
            FlueOxygen as usize,
            GobTemperature as usize,
        ],
    },
    Group { equipment: "belt_motor", members: &[BeltSpeed as usize, BeltMotorCurrent as usize] },
    Group { equipment: "belt_motor", members: &[BELT_RANGE, CURRENT_RANGE] },
    Group { equipment: "mold_heater", members: &[MoldTemperature as usize, MoldHeaterPower as usize] },
    Group {
        equipment: "cooling_fan",
        members: &[CoolingRate as usize, CoolingFanSpeed as usize, LehrZone4 as usize, LehrZone5 as usize],
    },
    Group { equipment: "forming_machine", members: &[FormingPressure as usize, PRESSURE_RANGE] },
    Group { equipment: "annealing_lehr", members: &[LehrZone1 as usize, LehrZone2 as usize, LehrZone3 as usize] },
];

/// The equipment at which a quantity is measured.
fn equipment_of(parameter: Parameter) -> &'static str {
    match parameter {
        FuelFlow | CombustionAirFlow | FlueOxygen => "furnace_burner",
        FurnaceTemperature | CrownTemperature | ThroatTemperature | FurnacePressure | MeltLevel => "furnace",
        BeltMotorCurrent => "belt_motor",
        BeltSpeed | MoldTemperature | FormingPressure | GobTemperature => "forming_machine",
        MoldHeaterPower => "mold_heater",
        CoolingFanSpeed => "cooling_fan",
        _ => "annealing_lehr",
    }
}

fn parameter_of(watch: usize) -> Parameter {
    if watch < PARAMETERS { Parameter::ALL[watch] } else { UNSTEADY[watch - PARAMETERS] }
}

/// The likeliest cause of what departs, the most striking first; none in normal operation.
pub fn diagnose(watches: &mut [Watch]) -> Option<Finding> {
    debug_assert_eq!(watches.len(), WATCHES);
    let size = |place: &usize| watches[*place].departure.abs();
    let lasting = |place: &usize| watches[*place].beyond >= LASTS_MIN;
    let mut equipment: Option<(f64, Finding, &Group)> = None;
    for group in &GROUPS {
        let mut moved: Vec<usize> = group.members.iter().copied().filter(lasting).collect();
        moved.sort_by(|one, other| size(other).total_cmp(&size(one)).then(one.cmp(other)));
        // Together they are as striking as the second: the first alone may be an instrument.
        let Some(second) = moved.get(1).map(size) else { continue };
        if equipment.as_ref().is_none_or(|(best, ..)| second > *best) {
            let finding = finding(FindingKind::Equipment, group.equipment, &moved, watches, second);
            equipment = Some((second, finding, group));
        }
    }
    if let Some((_, finding, group)) = equipment {
        let related = GROUPS.iter().filter(|other| other.equipment == group.equipment);
        for place in related.flat_map(|group| group.members) {
            watches[*place].explained = RETURNS_MIN;
        }
        // Whatever fails shows in what the line draws.
        watches[LinePower as usize].explained = RETURNS_MIN;
        return Some(finding);
    }
    let unexplained = |place: &usize| watches[*place].beyond >= ANSWERS_MIN && watches[*place].explained == 0;
    let alone = (0..WATCHES).filter(unexplained);
    let alone = alone.max_by(|one, other| size(one).total_cmp(&size(other)).then(other.cmp(one)))?;
    let kind = if watches[alone].onset > SLOW_MIN { FindingKind::ModelDrift } else { FindingKind::Sensor };
    Some(finding(kind, equipment_of(parameter_of(alone)), &[alone], watches, size(&alone)))
}

fn finding(kind: FindingKind, equipment: &str, moved: &[usize], watches: &[Watch], strength: f64) -> Finding {
    Finding {
        kind,
        equipment: equipment.to_owned(),
        parameter: parameter_of(moved[0]),
        // Half at the limit, towards one as the departure grows.
        confidence: 1.0 - 0.5 * (DOUBTLESS / strength).powi(2),
        evidence: moved.iter().map(|place| (parameter_of(*place), watches[*place].departure)).collect(),
    }
}
