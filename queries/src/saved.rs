//! Queries that come with Lehr, for people to start from. Each file begins with `-- title:` and `-- about:`.

/// A query and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedQuery {
    /// The file's name: stable, for links.
    pub name: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub sql: &'static str,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$( ($name, include_str!(concat!("../", $name, ".sql"))) ),*]
    };
}

const FILES: [(&str, &str); 15] = files![
    "oee_by_line_and_shift",
    "production_against_target",
    "quality_by_hour",
    "defect_pareto_today",
    "downtime_by_reason",
    "open_alerts",
    "alarms_per_hour",
    "most_frequent_alarms",
    "response_times",
    "root_causes_last_day",
    "features_around_alerts",
    "worst_sensors",
    "silent_sensors",
    "late_and_errors",
    "changes_by_people",
];

/// All saved queries, in the order in which they are shown.
pub fn saved() -> Vec<SavedQuery> {
    FILES
        .into_iter()
        .map(|(name, sql)| SavedQuery { name, title: header(sql, "title"), about: header(sql, "about"), sql })
        .collect()
}

/// The text behind `-- key:`; empty when the file has none, which a test forbids.
fn header(sql: &'static str, key: &str) -> &'static str {
    let text = |line: &'static str| line.strip_prefix("-- ")?.strip_prefix(key)?.strip_prefix(':');
    sql.lines().find_map(text).unwrap_or_default().trim()
}
