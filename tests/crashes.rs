//! Real processes killed for real, and their files damaged: nothing that was acknowledged is lost, and what is shown
//! afterwards is what an undisturbed run shows.
//!
//! `LEHR_KILLS` and `LEHR_DAMAGES` say how many; without them it is few. `LEHR_SEED` repeats a run.

mod support;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use support::{Server, lehr};

/// So small that every run rolls segments, moves readings and makes checkpoints many times.
/// Time stands still between batches: what two runs show is compared.
const SMALL: [&str; 7] = ["--no-plant", "--clock-every", "0s", "--segment-bytes", "20000", "--checkpoint-rows", "150"];
const SENSORS: [&str; 4] =
    ["Line_A.furnace_temperature", "Line_A.belt_speed", "Line_B.mold_temperature", "Line_C.furnace_temperature"];
/// Readings of a batch and sensor.
const EACH: i64 = 6;

fn count(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn rng(test: u64) -> ChaCha8Rng {
    let seed = std::env::var("LEHR_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("LEHR_SEED={seed}");
    ChaCha8Rng::seed_from_u64(seed ^ (test << 32))
}

/// What is sent, and what must be there in the end.
struct Load {
    /// Milliseconds.
    begin: i64,
    sent: i64,
    readings: BTreeMap<(String, i64), i64>,
    units: BTreeMap<i64, &'static str>,
}

fn stamp(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).expect("a time").to_string()
}

impl Load {
    /// From six days ago on, so that all panes are sealed when their readings come.
    fn new() -> Load {
        let begin = jiff::Timestamp::now().as_millisecond() / 60_000 * 60_000 - 6 * 24 * 3_600_000;
        Load { begin, sent: 0, readings: BTreeMap::new(), units: BTreeMap::new() }
    }

    /// The next batch: readings in order, some that correct earlier ones, and a unit or the correction of one.
    fn batch(&mut self, rng: &mut ChaCha8Rng) -> (Value, Value) {
        let mut rows = Vec::new();
        for sensor in SENSORS {
            for reading in 0..EACH {
                let late = self.sent > 0 && rng.random_bool(0.2);
                let batch = if late { rng.random_range(0..self.sent) } else { self.sent };
                let at = self.begin + (batch * EACH + reading) * 5_000;
                let value = 100 + rng.random_range(0..50_i64);
                let revision = self.sent + 1;
                self.readings.insert((sensor.to_owned(), at), value);
                rows.push(json!({ "sensor_id": sensor, "timestamp": stamp(at), "value": value, "revision": revision }));
            }
        }
        let unit = if self.sent > 0 && rng.random_bool(0.3) { rng.random_range(0..self.sent) } else { self.sent };
        let verdict = ["good", "rework", "scrap"][rng.random_range(0..3)];
        self.units.insert(unit, verdict);
        let units = json!([{ "unit_id": unit, "line": "Line_A", "timestamp": stamp(self.begin + unit * 30_000),
                             "product": "bottle_330", "verdict": verdict, "defects": [] }]);
        self.sent += 1;
        (Value::Array(rows), units)
    }
}

fn post(address: &str, token: &str, path: &str, body: &Value) -> bool {
    let request = ureq::post(format!("http://{address}{path}")).header("authorization", format!("Bearer {token}"));
    request.send_json(body).is_ok_and(|response| response.status().is_success())
}

/// Stands where a table could not be read.
const REFUSED: &str = "refused: ";

/// Every table's rows in order, as text.
fn tables(server: &Server) -> BTreeMap<String, String> {
    let tables = tables_or_refusals(server);
    assert!(tables.values().all(|text| !text.starts_with(REFUSED)), "{tables:?}");
    tables
}

fn tables_or_refusals(server: &Server) -> BTreeMap<String, String> {
    let names: Vec<String> = server
        .sql("select table_name from tables")
        .iter()
        .map(|row| row["table_name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let text = |name: &String| match server.try_sql(&format!("select * from {name}")) {
        Ok(rows) => {
            let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
            rows.sort();
            rows.join("\n")
        }
        Err(error) => {
            assert_eq!(error["code"], "damaged", "{error}");
            format!("{REFUSED}{error}")
        }
    };
    names.iter().filter(|name| *name != "tables" && *name != "columns").map(|name| (name.clone(), text(name))).collect()
}

fn differing(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<String> {
    let differs = |name: &&String| one.get(*name) != other.get(*name);
    let names: Vec<&String> = one.keys().filter(differs).collect();
    let shown = |name: &String| {
        let (a, b) =
            (one[name].lines().collect::<Vec<_>>(), other.get(name).map(|text| text.lines().collect::<Vec<_>>()));
        let b = b.unwrap_or_default();
        let only_a = a.iter().find(|row| !b.contains(row));
        let only_b = b.iter().find(|row| !a.contains(row));
        format!("{name}: {} and {} rows; {only_a:?} / {only_b:?}", a.len(), b.len())
    };
    names.into_iter().map(shown).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a writable folder");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let entry = entry.expect("a readable folder");
        if entry.file_type().expect("a file type").is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

/// Every file below a folder, relative to it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path)
            } else {
                found.push(path.strip_prefix(folder).expect("below").to_owned())
            }
        }
    }
    found.sort();
    found
}

fn start(data: &Path, workers: usize, token: Option<&str>) -> Server {
    let workers = workers.to_string();
    let arguments = [&SMALL[..], &["--workers", &workers]].concat();
    Server::start(data, &arguments, token)
}

/// Feeds a server from a thread of its own and kills it in the middle of it, again and again.
fn killed(data: &Path, kills: usize, rng: &mut ChaCha8Rng) -> (Load, String) {
    let mut load = Load::new();
    let mut token: Option<String> = None;
    // What nobody said was taken is sent again, as every client would.
    let mut unsure: Vec<(Value, Value)> = Vec::new();
    for _ in 0..kills {
        let server = start(data, rng.random_range(1..4), token.as_deref());
        token = Some(server.token.clone());
        let (address, secret) = (server.address.clone(), server.token.clone());
        let mut batches = std::mem::take(&mut unsure);
        batches.extend((0..rng.random_range(3..40)).map(|_| load.batch(rng)));
        // Most often in the middle of the batches, now and then while nothing comes.
        let kill_after = rng.random_range(0..=batches.len());
        let (acknowledge, acknowledged) = mpsc::channel();
        let sender = std::thread::spawn(move || {
            for (index, (readings, units)) in batches.iter().enumerate() {
                let taken =
                    post(&address, &secret, "/api/readings", readings) && post(&address, &secret, "/api/units", units);
                if !taken {
                    return batches.split_off(index);
                }
                // Nobody listens any more once the server is killed.
                let _ = acknowledge.send(());
            }
            Vec::new()
        });
        acknowledged.iter().take(kill_after).for_each(drop);
        server.kill();
        unsure = sender.join().expect("the sender does not fail");
    }
    let server = start(data, 2, token.as_deref());
    for (readings, units) in unsure {
        assert!(
            post(&server.address, &server.token, "/api/readings", &readings),
            "a live server takes what it is sent"
        );
        assert!(post(&server.address, &server.token, "/api/units", &units), "a live server takes what it is sent");
    }
    let token = server.token.clone();
    server.kill();
    (load, token)
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_shows_what_an_undisturbed_run_shows() {
    let kills = count("LEHR_KILLS", 8);
    let mut rng = rng(1);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("data");
    let (load, token) = killed(&data, kills, &mut rng);

    let server = start(&data, 1, Some(&token));
    let readings: BTreeMap<(String, i64), i64> = server
        .sql("select sensor_id, to_unixtime(at) * 1000 as at, value from readings")
        .iter()
        .map(|row| {
            let at = row["at"].as_f64().expect("a time") as i64;
            ((row["sensor_id"].as_str().unwrap().to_owned(), at), row["value"].as_f64().unwrap() as i64)
        })
        .collect();
    assert_eq!(readings.len(), load.readings.len(), "every reading is there, and once");
    assert_eq!(readings, load.readings, "of each the value that was sent last");
    let units = server.sql("select unit_id, verdict from units");
    let units: BTreeMap<i64, &str> =
        units.iter().map(|row| (row["unit_id"].as_i64().unwrap(), row["verdict"].as_str().unwrap())).collect();
    assert_eq!(units, load.units, "every unit is there, as it was judged last");
    let shown = tables(&server);
    server.kill();

    // Without checkpoints the whole journal is replayed, in one go: the undisturbed run.
    let undisturbed = dir.path().join("undisturbed");
    copy(&data, &undisturbed);
    let checkpoints = files(&data.join("checkpoints")).len();
    let (thin, segments) = (ending(&data, ".thin"), ending(&data, ".seg"));
    fs::remove_dir_all(undisturbed.join("checkpoints")).expect("checkpoints were made");
    let server = start(&undisturbed, 2, Some(&token));
    let differences = differing(&shown, &tables(&server));
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(thin > kills / 8 && checkpoints > 0, "vacuous: {thin} segments moved, {checkpoints} checkpoints");
    println!(
        "{kills} kills, {} batches, {} readings and {} units acknowledged, 0 lost, 0 twice; {thin} thin segments, \
         {segments} segments, {checkpoints} checkpoints; {} tables equal those of an undisturbed run",
        load.sent,
        load.readings.len(),
        load.units.len(),
        shown.len()
    );
}

fn ending(data: &Path, suffix: &str) -> usize {
    files(data).iter().filter(|path| path.to_string_lossy().ends_with(suffix)).count()
}

/// How a file was damaged.
fn damage(path: &Path, rng: &mut ChaCha8Rng) -> String {
    let mut bytes = fs::read(path).expect("a readable file");
    let at = rng.random_range(0..bytes.len().max(1));
    match rng.random_range(0..10) {
        0..5 if !bytes.is_empty() => {
            bytes[at] ^= rng.random_range(1..=255u8);
            fs::write(path, bytes).expect("a writable file");
            format!("byte {at} changed")
        }
        5..7 => {
            bytes.truncate(at);
            fs::write(path, bytes).expect("a writable file");
            format!("cut off at {at}")
        }
        7 => {
            let upto = (at + 512).min(bytes.len());
            bytes[at..upto].fill(0);
            fs::write(path, bytes).expect("a writable file");
            format!("bytes {at} to {upto} zeroed")
        }
        8 => {
            bytes.extend((0..100).map(|_| rng.random_range(0..=255u8)));
            fs::write(path, bytes).expect("a writable file");
            "100 bytes appended".into()
        }
        _ => {
            fs::remove_file(path).expect("a removable file");
            "removed".into()
        }
    }
}

/// Starts a server that may refuse; gives what it said on standard error when it did.
fn try_start(data: &Path, token: &str, salvage: bool) -> Result<Server, String> {
    let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--data"];
    let folder = data.to_str().expect("a path in UTF-8");
    arguments.push(folder);
    arguments.extend(SMALL);
    arguments.extend(salvage.then_some("--salvage"));
    let mut child =
        lehr().args(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    match support::ready(&mut child) {
        Some(ready) => Ok(Server::of(child, &ready, Some(token))),
        None => {
            let output = child.wait_with_output().expect("the binary ends");
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// What came of damaged directories.
#[derive(Debug, Default)]
struct Tally {
    damages: usize,
    /// Started, and showed all that the undisturbed directory shows, readings included.
    whole: usize,
    /// Started, and showed the same but for readings of the past that were only in the damaged file.
    past: usize,
    /// Started; the end of the journal was cut off as a crash could have left it.
    torn: usize,
    /// Refused with the name of the file; with `--salvage` it started without what was lost.
    refused: usize,
    found_by_verify: usize,
}

#[test]
fn damaged_anywhere_it_starts_or_says_which_file_is_damaged_and_all_else_is_there() {
    let damages = count("LEHR_DAMAGES", 12);
    let mut rng = rng(2);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let sound = dir.path().join("sound");
    let (mut load, token) = killed(&sound, 4, &mut rng);
    // Stopped once, so that there is a checkpoint; then there is more to come.
    start(&sound, 2, Some(&token)).stop();
    let server = start(&sound, 2, Some(&token));
    for _ in 0..5 {
        let (readings, units) = load.batch(&mut rng);
        assert!(
            post(&server.address, &token, "/api/readings", &readings)
                && post(&server.address, &token, "/api/units", &units)
        );
    }
    let shown = tables(&server);
    server.kill();
    let candidates: Vec<PathBuf> = files(&sound)
        .into_iter()
        .filter(|path| ["journal", "history", "checkpoints"].iter().any(|room| path.starts_with(room)))
        .filter(|path| !path.ends_with("lock"))
        .collect();
    let mut tally = Tally::default();
    for turn in 0..damages {
        let data = dir.path().join(format!("damaged-{turn}"));
        copy(&sound, &data);
        let file = &candidates[rng.random_range(0..candidates.len())];
        let how = format!("{}: {}", file.display(), damage(&data.join(file), &mut rng));
        let before: BTreeMap<PathBuf, Option<Vec<u8>>> =
            candidates.iter().map(|path| (path.clone(), fs::read(data.join(path)).ok())).collect();
        let changed = before[file] != fs::read(sound.join(file)).ok();
        if !changed {
            fs::remove_dir_all(&data).expect("a removable folder");
            continue;
        }
        tally.damages += 1;
        let verified = lehr().args(["verify", "--json", "--data"]).arg(&data).output().expect("the binary starts");
        tally.found_by_verify += usize::from(verified.status.code() == Some(1));
        let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
        match try_start(&data, &token, false) {
            Ok(server) => {
                let found = tables_or_refusals(&server);
                let differences = differing(&shown, &found);
                if differences.is_empty() {
                    tally.whole += 1;
                } else if differences.len() == 1 && found["readings"].starts_with(REFUSED) {
                    tally.past += 1;
                } else {
                    let last = candidates.iter().rfind(|path| path.extension().is_some_and(|e| e == "seg"));
                    assert_eq!(Some(file), last, "{how}: {differences:#?}");
                    tally.torn += 1;
                }
                server.kill();
            }
            Err(said) => {
                let tick = name.split(['.', '-']).next().expect("a name has a first part").to_owned();
                assert!(said.contains(&name) || said.contains(&tick) || said.contains("manifest"), "{how}: {said}");
                assert!(!said.contains("panicked"), "{how}: {said}");
                println!("{how}; it said: {}", said.trim());
                tally.refused += 1;
            }
        }
        fs::remove_dir_all(&data).expect("a removable folder");
    }
    println!("{tally:?}");
    assert!(tally.damages > damages / 2 && tally.whole > 0, "vacuous: {tally:?}");
}
