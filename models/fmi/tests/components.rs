//! Components: what a file of them may say, and how they follow a line.

mod support;

use lehr_domain::{EventMs, SpanMs};
use lehr_fmi::{BIAS_LEAST, BIAS_OVER, Component, HostError, Runner, UnitError, Version, compare, run};
use lehr_twin::{MINUTE, Minute, Parameter};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{component, components, host, minutes, own_file};

const FURNACE: Parameter = Parameter::FurnaceTemperature;
const FOREVER: Duration = Duration::MAX;
/// y' = 0.5 u / min, compared with the crown.
const TEXT: &str = r#"
step_s = 20.0
parameters = { k = 0.008333333333333333 }
inputs = { u = { measured = "furnace_temperature" } }
outputs = { y = { compares_with = "crown_temperature" }, n = {} }
"#;

fn integrator(version: Version) -> Arc<Component> {
    let (_dir, file) = own_file(version);
    component(&file, TEXT)
}

fn furnace(values: &[f64]) -> Vec<Minute> {
    minutes(&[(FURNACE, &values.iter().copied().map(Some).collect::<Vec<_>>())])
}

fn near(ours: &[f64], wanted: &[f64]) {
    assert_eq!(ours.len(), wanted.len(), "{ours:?}");
    for (ours, wanted) in ours.iter().zip(wanted) {
        assert!((ours - wanted).abs() < 1e-9, "{ours} is not {wanted}");
    }
}

fn first(ran: &[lehr_fmi::Ran]) -> Vec<f64> {
    ran.iter().map(|ran| ran.outputs[1]).collect()
}

#[test]
fn what_is_wrong_with_a_file_is_told_by_its_field_with_the_fix() {
    let (_dir, file) = own_file(Version::Three);
    let told = |text: &str| components(&file, text).expect_err(text).to_string();
    let y = "outputs.y = {}\n";
    for (text, wanted) in [
        ("", "outputs: names no output"),
        ("outputs.z = {}", "outputs.z: the unit has no output of that name; give one of y, n"),
        ("outputs.u = {}", "outputs.u: is no output of the unit but input"),
        (
            "outputs.y = { compares_with = \"crown\" }",
            "'crown' is none of the line's quantities; give one of crown_temperature",
        ),
        ("outputs.y = { scale = 0.0 }", "scale not 0"),
        ("outputs.y = { unit = \"K\" }", "unknown field `unit`"),
        (&format!("{y}inputs.u = {{}}"), "inputs.u: give one of setpoint, measured and constant"),
        (&format!("{y}inputs.u = {{ constant = 1, measured = \"fuel_flow\" }}"), "give one of"),
        (&format!("{y}inputs.u = {{ constant = 3000 }}"), "within the unit's bounds, -10 to 2000"),
        (&format!("{y}inputs.u = {{ constant = 3, scale = 2.0 }}"), "leave scale and offset out"),
        (&format!("{y}inputs.u = {{ setpoint = \"furnace temperature\" }}"), "setpoint 'furnace temperature'"),
        (
            &format!("{y}inputs.k = {{ constant = 3 }}"),
            "inputs.k: is no input of the unit but parameter; move it there",
        ),
        (
            &format!("{y}parameters.kk = 3"),
            "parameters.kk: the unit has no parameter of that name; give one of k, mode",
        ),
        (&format!("{y}parameters.k = \"three\""), "did not match any variant"),
        (&format!("{y}step_s = 7.0"), "step_s: 7 s does not divide a minute; give"),
        (&format!("{y}limit_s = 0.0"), "limit_s: must lie above 0"),
        (&format!("{y}environment = {{ \"a=b\" = \"c\" }}"), "environment"),
        (&format!("{y}[[component]]\nname = \"c\"\nline = \"Line_A\"\nfile = \"x\""), "name: is given twice"),
        (
            &format!("{y}[[component]]\nname = \"d\"\nline = \"Line_A\"\nfile = \"x.fmu\"\n{y}"),
            "component 'd', file x.fmu",
        ),
        (
            &format!("{y}[[component]]\nname = \" \"\nline = \"Line_A\"\nfile = \"x.fmu\"\n{y}"),
            "name: must have 1 to 100",
        ),
    ] {
        let told = told(text);
        assert!(told.contains(wanted), "{text:?} gave {told:?}, not {wanted:?}");
    }
    assert!(lehr_fmi::read("/nowhere.toml".as_ref()).expect_err("no file").to_string().contains("/nowhere.toml"));
}

#[test]
fn an_input_without_a_value_of_its_own_must_be_mapped() {
    let file = support::set_up("reference").join("fmi2/Feedthrough.fmu");
    components(&file, "outputs = { Int32_output = {} }").expect("every input has a start");
    let file = support::set_up("reference").join("fmi3/Feedthrough.fmu");
    components(&file, "outputs = { Int32_output = {} }").expect("every input has a start, or is no number");
}

#[test]
fn values_are_scaled_held_over_gaps_and_kept_within_bounds() {
    let (_dir, file) = own_file(Version::Three);
    let component = component(
        &file,
        r#"
inputs = { u = { measured = "furnace_temperature", scale = 2.0, offset = 5.0 }, on = { setpoint = "belt_speed" } }
outputs = { y = { scale = 10.0, offset = 1.0 } }
"#,
    );
    let mut minutes = minutes(&[(FURNACE, &[Some(1.0), Some(2.0), None, Some(4.0), Some(5000.0), None])]);
    assert_eq!(component.rows(&minutes), [], "nothing was said of the belt");
    assert_eq!(component.unheard(&minutes), ["on (set-point of belt_speed)"]);
    minutes[1].setpoints[Parameter::BeltSpeed.index()] = Some(1.0);
    // A minute that is left out is a gap.
    let begin = minutes[0].at;
    let left_out = minutes.remove(2);
    let rows = component.rows(&minutes);
    let at: Vec<EventMs> = rows.iter().map(|row| row.at).collect();
    assert_eq!(at, (1..6).map(|n| begin + SpanMs::minutes(n)).collect::<Vec<_>>());
    let on: Vec<f64> = rows.iter().map(|row| row.inputs[0]).collect();
    let u: Vec<f64> = rows.iter().map(|row| row.inputs[1]).collect();
    assert_eq!(component.variable(component.inputs[1].variable).name, "u");
    assert_eq!((on, u), (vec![1.0; 5], vec![9.0, 9.0, 13.0, 10_005.0, 10_005.0]));
    assert_eq!(component.limited(&rows[0]), [""; 0]);
    assert_eq!(component.limited(&rows[4]), ["u"]);
    minutes.insert(2, left_out);
    assert_eq!(component.rows(&minutes), rows);

    let ran = run(component, &host(), &minutes).expect("it runs");
    let y: Vec<f64> = ran.iter().map(|ran| ran.outputs[0]).collect();
    near(&y, &[5401.0, 10_801.0, 18_601.0, 1_218_601.0, 2_418_601.0]);
}

#[test]
fn a_runner_goes_on_where_it_was_and_anew_where_the_past_changed() {
    for version in [Version::Two, Version::Three] {
        let component = integrator(version);
        let mut runner = Runner::new(component, host());
        let mut values = vec![10.0, 20.0, 30.0];
        assert!(runner.follow(&[], FOREVER).expect("nothing is no error").is_complete());
        assert!(runner.follow(&furnace(&values), FOREVER).expect("it runs").is_complete());
        near(&first(runner.ran()), &[5.0, 15.0, 30.0]);
        values.push(40.0);
        runner.follow(&furnace(&values), FOREVER).expect("it runs");
        near(&first(runner.ran()), &[5.0, 15.0, 30.0, 50.0]);
        // Steps of the unit: it was not begun anew.
        assert_eq!(runner.ran()[3].outputs[0], 12.0);
        values[1] = 0.0;
        runner.follow(&furnace(&values), FOREVER).expect("it runs");
        near(&first(runner.ran()), &[5.0, 5.0, 20.0, 40.0]);
        let fresh = run(runner.component().clone(), &host(), &furnace(&values)).expect("it runs");
        assert_eq!(runner.ran(), fresh, "what it says is a function of the minutes");
        // The first minutes leave: so does what they did.
        let later = furnace(&values)[2..].to_vec();
        runner.follow(&later, FOREVER).expect("it runs");
        near(&first(runner.ran()), &[15.0, 35.0]);
    }
}

#[test]
fn a_budget_stops_it_between_minutes() {
    let component = integrator(Version::Three);
    let mut runner = Runner::new(component, host());
    let minutes = furnace(&vec![1.0; 5000]);
    let mut progress = runner.follow(&minutes, Duration::ZERO).expect("it runs");
    assert_eq!((progress.done, progress.of), (0, 5000));
    let mut calls = 0;
    while !progress.is_complete() {
        progress = runner.follow(&minutes, Duration::from_millis(20)).expect("it runs");
        calls += 1;
        assert!(calls < 10_000);
    }
    assert!(calls > 1);
    assert_eq!(runner.ran().last().map(|ran| ran.outputs[0]), Some(15_000.0));
}

#[test]
fn what_lies_ahead_begins_where_the_line_stands_and_leaves_it_there() {
    for version in [Version::Two, Version::Three] {
        let component = integrator(version);
        let mut runner = Runner::new(component, host());
        let past = furnace(&[10.0, 20.0]);
        runner.follow(&past, FOREVER).expect("it runs");
        let mut ahead = furnace(&[0.0, 0.0, 40.0, 40.0]);
        ahead.drain(..2);
        let mut other = ahead.clone();
        other[1].values[FURNACE.index()] = None;
        other[0].values[FURNACE.index()] = None;
        let late = Instant::now() + Duration::from_secs(60);
        for _ in 0..2 {
            let found = runner.ahead(&[&ahead, &other], late).expect("it runs").expect("in time");
            near(&first(&found[0]), &[35.0, 55.0]);
            // Held: 20.
            near(&first(&found[1]), &[25.0, 35.0]);
        }
        assert_eq!(runner.ahead(&[&ahead], Instant::now()), Ok(None), "too late");
        near(&first(runner.ran()), &[5.0, 15.0]);
        let whole = [past, ahead].concat();
        runner.follow(&whole, FOREVER).expect("it runs");
        near(&first(runner.ran()), &[5.0, 15.0, 35.0, 55.0]);
    }
}

#[test]
fn outputs_stand_beside_what_was_measured() {
    let component = integrator(Version::Three);
    let many = BIAS_OVER + 20;
    let crown = |n: usize| n.is_multiple_of(2).then_some(0.5 * (n + 1) as f64 - 3.0);
    let crowns: Vec<Option<f64>> = (0..many).map(crown).collect();
    let minutes = minutes(&[(FURNACE, &vec![Some(1.0); many]), (Parameter::CrownTemperature, &crowns)]);
    let ran = run(component.clone(), &host(), &minutes).expect("it runs");
    let [n, y] = compare(&component, &minutes, &ran)[..].to_vec().try_into().expect("two outputs");
    assert_eq!((n.measured, n.error, n.bias), (None, None, None), "it is compared with nothing");
    assert_eq!(y.at, minutes[many - 1].at + MINUTE);
    // The last minute has no crown; of the last hour, each second one has.
    assert_eq!((y.measured, y.error), (None, None));
    assert!((y.bias.expect("thirty errors") - 3.0).abs() < 1e-9);
    let y = &compare(&component, &minutes, &ran[..many - 1])[1];
    assert!((y.error.expect("measured") - 3.0).abs() < 1e-9);
    let few = 2 * BIAS_LEAST - 2;
    assert_eq!(compare(&component, &minutes, &ran[..few])[1].bias, None);
    assert!(compare(&component, &minutes, &ran[..few + 1])[1].bias.is_some());
    assert!(compare(&component, &minutes, &[]).is_empty());
}

#[test]
fn a_component_that_dies_begins_anew_at_the_next_call() {
    let (_dir, file) = own_file(Version::Three);
    let text = TEXT.replace("parameters = {", "parameters = { mode = 4,");
    let mut runner = Runner::new(component(&file, &text), host());
    let values = [10.0, 20.0];
    for _ in 0..2 {
        let error = runner.follow(&furnace(&values), FOREVER).expect_err("NaN in the second minute");
        assert!(matches!(error, HostError::Unit(UnitError::NotFinite { .. })), "{error}");
        near(&first(runner.ran()), &[5.0]);
    }
    runner.follow(&furnace(&values[..1]), FOREVER).expect("the first minute is good");
}
