//! A file of SQLite in a folder of its own, and Python, which reads it with the SQLite that it has.

use super::world::Store;
use super::{hex, wait_for};
use lehr_domain::table::Cell;
use lehr_domain::{EventMs, Tick};
use lehr_sql::sqlite::Config;
use lehr_targets::Table;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use tempfile::TempDir;

/// A statement a line; its rows a line each, and a line that ends them. Cells to the bit: floats and texts in
/// hexadecimal, null as ~.
const PROGRAM: &str = "
import sqlite3, struct, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
def shown(cell):
    if cell is None: return '~'
    if isinstance(cell, float): return struct.pack('>d', cell).hex()
    if isinstance(cell, str): return cell.encode().hex()
    return str(cell)
for line in sys.stdin:
    kind, _, statement = line.rstrip('\\n').partition(' ')
    try:
        for row in db.execute(statement).fetchall():
            print(','.join(map(shown, row)) if kind == 'exact' else '|'.join('' if c is None else str(c) for c in row).replace('\\n', ' '))
        print('done', flush=True)
    except sqlite3.Error as error:
        print('failed', error, flush=True)
";

pub struct File {
    dir: TempDir,
}

/// Ended when dropped.
pub struct Reader {
    child: Child,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl File {
    pub fn new() -> File {
        File { dir: tempfile::tempdir().expect("a folder") }
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("reports.db")
    }

    pub fn config(&self, more: &str) -> Config {
        toml::from_str(&config_text(&self.path(), more)).expect("a configuration")
    }

    pub fn reader(&self) -> Reader {
        Reader::of(&self.path())
    }

    /// By a program that comes and goes.
    pub fn ask(&self, sql: &str) -> String {
        self.reader().ask(sql)
    }
}

pub fn config_text(path: &Path, more: &str) -> String {
    format!("name = \"local\"\npath = {path:?}\n{more}")
}

impl Reader {
    pub fn of(path: &Path) -> Reader {
        let mut child = Command::new("python3")
            .args(["-c", PROGRAM])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3: run `make test-setup`");
        let (ask, answers) = (child.stdin.take().expect("asked for"), child.stdout.take().expect("asked for"));
        Reader { child, talk: Mutex::new((ask, BufReader::new(answers))) }
    }

    /// Rows as people read them.
    pub fn ask(&self, sql: &str) -> String {
        self.say("plain", sql).expect("a good statement").join("\n")
    }

    pub fn try_to(&self, sql: &str) -> Result<Vec<String>, String> {
        self.say("plain", sql)
    }

    fn say(&self, kind: &str, sql: &str) -> Result<Vec<String>, String> {
        let mut talk = self.talk.lock().unwrap();
        let (ask, answers) = &mut *talk;
        writeln!(ask, "{kind} {}", sql.replace('\n', " ")).expect("it listens");
        let mut rows = Vec::new();
        for line in answers.lines() {
            let line = line.expect("text");
            match line.split_once(' ') {
                _ if line == "done" => return Ok(rows),
                Some(("failed", why)) => return Err(why.to_owned()),
                _ => rows.push(line),
            }
        }
        panic!("the reader has ended");
    }

    /// What is done in between sees one state of the file.
    pub fn at_once<T>(&self, work: impl FnOnce(&Reader) -> T) -> T {
        self.ask("BEGIN");
        let done = work(self);
        self.ask("COMMIT");
        done
    }
}

/// Has all that is in the log be in the file, and none in the log.
pub fn empty_log(reader: &Reader) {
    wait_for("the log is empty", || (reader.ask("PRAGMA wal_checkpoint(TRUNCATE)") == "0|0|0").then_some(()));
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Store for Reader {
    fn position(&self) -> (Tick, EventMs) {
        let text = self.ask(
            "SELECT tick, coalesce(CAST(round((julianday(now) - 2440587.5) * 86400000) AS INTEGER), 0) FROM position",
        );
        let (tick, now) = text.split_once('|').expect("two columns");
        (Tick(tick.parse().expect("a number")), EventMs(now.parse().expect("a number")))
    }

    fn rows(&self, table: &Table) -> Vec<String> {
        let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        self.say("exact", &format!("SELECT {} FROM \"{}\"", names.join(", "), table.name)).expect("a table")
    }

    fn shown(&self, row: &[Cell]) -> String {
        let cells = row.iter().map(|cell| match cell {
            Cell::Null => "~".to_owned(),
            Cell::Bool(value) => i64::from(*value).to_string(),
            Cell::Int(value) => value.to_string(),
            Cell::Float(value) if value.is_nan() => "~".to_owned(),
            // Zero has one sign.
            Cell::Float(value) => format!("{:016x}", (value + 0.0).to_bits()),
            Cell::Text(value) => hex(&value.replace('\0', "␀")),
            Cell::Time(EventMs(i64::MAX)) => hex("infinity"),
            Cell::Time(EventMs(i64::MIN)) => hex("-infinity"),
            Cell::Time(value) => hex(&value.to_string()),
        });
        cells.collect::<Vec<_>>().join(",")
    }
}
