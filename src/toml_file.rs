//! Files that a user writes in TOML.
//!
//! In every text value, `${NAME}` is what the environment variable holds, and `${NAME:-default}` is the default where the
//! variable is not set or empty; `$${` is `${` itself. Values are put in after the file is parsed, and once: what a
//! variable holds is text, whatever it looks like. Secrets have a form of their own, `{ env = "NAME" }`, because errors
//! and pages show the values of other fields.

use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue, Deserializer};

/// Why a file cannot be used. Names it, and the place in it.
#[derive(Debug, thiserror::Error)]
pub enum TomlFileError {
    #[error("cannot read {}: {why}", .file.display())]
    File { file: PathBuf, why: String },
    #[error("{}: {error}", .file.display())]
    Syntax { file: PathBuf, error: Box<toml::de::Error> },
    #[error("{}: {key}: {problem}", .file.display())]
    Variable { file: PathBuf, key: String, problem: VariableError },
}

/// Why a text cannot be expanded. Never says what a variable holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    #[error("the environment variable {0} is not set, or is not text; set it, or write ${{{0}:-default}}")]
    Unset(String),
    #[error("'${{{0}' is no variable; write ${{NAME}} or ${{NAME:-default}}, or $${{ for the characters themselves")]
    Malformed(String),
}

/// Reads a file of at most `mib` MiB.
pub fn read<T: DeserializeOwned>(file: &Path, mib: u64) -> Result<T, TomlFileError> {
    let failed = |why: String| TomlFileError::File { file: file.to_owned(), why };
    let size = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
    if size > mib << 20 {
        return Err(failed(format!("it is longer than {mib} MiB")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    parse(&text, &|name| std::env::var(name).ok()).map_err(|problem| match problem {
        Problem::Syntax(error) => TomlFileError::Syntax { file: file.to_owned(), error },
        Problem::Variable(key, problem) => TomlFileError::Variable { file: file.to_owned(), key, problem },
    })
}

#[derive(Debug)]
enum Problem {
    Syntax(Box<toml::de::Error>),
    /// Of the value at this key, as `store[0].address`.
    Variable(String, VariableError),
}

/// What a variable holds, if it is set.
type Variable<'v> = dyn Fn(&str) -> Option<String> + 'v;

fn parse<T: DeserializeOwned>(text: &str, variable: &Variable<'_>) -> Result<T, Problem> {
    let syntax = |mut error: toml::de::Error| {
        error.set_input(Some(text));
        Problem::Syntax(Box::new(error))
    };
    let mut table = DeTable::parse(text).map_err(syntax)?;
    expand_table(table.get_mut(), "", variable)?;
    T::deserialize(Deserializer::from(table)).map_err(syntax)
}

fn expand_table(table: &mut DeTable<'_>, at: &str, variable: &Variable<'_>) -> Result<(), Problem> {
    let dot = if at.is_empty() { "" } else { "." };
    table.iter_mut().try_for_each(|(key, value)| {
        let at = format!("{at}{dot}{}", key.get_ref());
        expand_value(value.get_mut(), &at, variable)
    })
}

fn expand_value(value: &mut DeValue<'_>, at: &str, variable: &Variable<'_>) -> Result<(), Problem> {
    match value {
        DeValue::String(text) => {
            if text.contains("${") {
                let expanded = expand(text, variable).map_err(|problem| Problem::Variable(at.to_owned(), problem))?;
                *text = Cow::Owned(expanded);
            }
            Ok(())
        }
        DeValue::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(place, item)| expand_value(item.get_mut(), &format!("{at}[{place}]"), variable)),
        DeValue::Table(table) => expand_table(table, at, variable),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => Ok(()),
    }
}

fn expand(text: &str, variable: &Variable<'_>) -> Result<String, VariableError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        rest = &from[2..];
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            continue;
        }
        expanded.push_str(before);
        let malformed = || VariableError::Malformed(rest.chars().take(SHOWN).collect());
        let (inside, behind) = rest.split_once('}').ok_or_else(malformed)?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            return Err(malformed());
        }
        match (variable(name), default) {
            (Some(value), None) => expanded.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => expanded.push_str(&value),
            (_, Some(default)) => expanded.push_str(default),
            (None, None) => return Err(VariableError::Unset(name.to_owned())),
        }
        rest = behind;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Characters of what is no variable that an error shows.
const SHOWN: usize = 40;

fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn variable(name: &str) -> Option<String> {
        let all = [("HOST", "kafka:9092"), ("EMPTY", ""), ("QUOTED", "a\"\nport = 7\n${HOST}")];
        all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn expanded(text: &str) -> Result<String, VariableError> {
        expand(text, &variable)
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        for (text, expected) in [
            ("${HOST}", "kafka:9092"),
            ("http://${HOST}/${EMPTY}x", "http://kafka:9092/x"),
            ("${HOST:-other}", "kafka:9092"),
            ("${NONE:-10.0.0.7:9092}", "10.0.0.7:9092"),
            ("${EMPTY:-default}", "default"),
            ("${NONE:-}", ""),
            ("$${HOST}", "${HOST}"),
            ("$$${HOST}", "$${HOST}"),
            ("$HOST costs $5, }", "$HOST costs $5, }"),
            ("ü${HOST}ü", "ükafka:9092ü"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_put_in_is_named_with_what_to_write() {
        assert_eq!(expanded("${NONE}"), Err(VariableError::Unset("NONE".to_owned())));
        for text in ["${", "${HOST", "${}", "${:-x}", "${1A}", "${A B}", "${A-b}", "${HOST${HOST}}"] {
            assert!(matches!(expanded(text), Err(VariableError::Malformed(_))), "{text}");
        }
        assert_eq!(
            VariableError::Unset("NONE".to_owned()).to_string(),
            "the environment variable NONE is not set, or is not text; set it, or write ${NONE:-default}"
        );
        assert_eq!(
            expanded("${A B}").unwrap_err().to_string(),
            "'${A B}' is no variable; write ${NAME} or ${NAME:-default}, or $${ for the characters themselves"
        );
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Store {
        address: String,
        #[serde(default)]
        port: u16,
        #[serde(default)]
        bootstrap: Vec<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stores {
        store: Vec<Store>,
    }

    fn stores(text: &str) -> Result<Stores, Problem> {
        parse(text, &variable)
    }

    #[test]
    fn every_text_of_a_file_is_expanded_and_nothing_becomes_more_than_text() {
        let read = stores(
            "[[store]] # ${NONE}\naddress = '${QUOTED}'\nbootstrap = [\"${HOST}\", \"b:1\"]\n[[store]]\naddress = \"x\"\nport = 9",
        );
        let store = |address: &str, port, bootstrap: &[&str]| Store {
            address: address.to_owned(),
            port,
            bootstrap: bootstrap.iter().map(|&text| text.to_owned()).collect(),
        };
        let expected = vec![store("a\"\nport = 7\n${HOST}", 0, &["kafka:9092", "b:1"]), store("x", 9, &[])];
        assert_eq!(read.unwrap(), Stores { store: expected });
    }

    #[test]
    fn an_unknown_variable_names_its_key() {
        let text = "[[store]]\naddress = 'x'\n[[store]]\naddress = 'y'\nbootstrap = ['a:1', '${NONE}']";
        let Err(Problem::Variable(key, problem)) = stores(text) else { panic!("it is not set") };
        assert_eq!((key.as_str(), problem), ("store[1].bootstrap[1]", VariableError::Unset("NONE".to_owned())));
    }

    #[test]
    fn mistakes_show_the_file_as_it_was_written() {
        for text in
            ["[[store]]\naddress = '${QUOTED}'\nprot = 7", "[[store]]\naddress = '${HOST}'\nport = 'x'", "[[store"]
        {
            let Err(Problem::Syntax(error)) = stores(text) else { panic!("{text}: it is wrong") };
            let (shown, last) = (error.to_string(), text.lines().last().unwrap());
            assert!(shown.contains(" line ") && shown.contains(last), "{shown}");
        }
    }

    #[test]
    fn a_file_is_read_with_the_environment() {
        let file = std::env::temp_dir().join(format!("lehr-toml-{}", std::process::id()));
        std::fs::write(&file, "[[store]]\naddress = '${LEHR_NO_SUCH_VARIABLE}'").unwrap();
        let error = read::<Stores>(&file, 1).unwrap_err().to_string();
        std::fs::write(&file, "[[store]]\naddress = '${LEHR_NO_SUCH_VARIABLE:-here}'").unwrap();
        let good = read::<Stores>(&file, 1);
        std::fs::remove_file(&file).unwrap();
        assert!(
            error.contains("store[0].address: the environment variable LEHR_NO_SUCH_VARIABLE is not set"),
            "{error}"
        );
        assert_eq!(good.unwrap().store[0].address, "here");
    }
}
