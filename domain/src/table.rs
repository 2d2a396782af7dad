//! Rows as people see them: named columns with a type and a sentence of documentation each. One
//! declaration serves SQL, the API, the WebSocket and the files written by a replay.

use crate::names::Names;
use crate::{EventMs, Micro, PerMille, Ratio, SpanMs};

/// The type of a published column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Bool,
    Int,
    Float,
    Text,
    /// Milliseconds since the epoch, UTC.
    Time,
}

/// A column: name, type, and what it means (with its unit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
    pub doc: &'static str,
}

/// A published value. Every column may be null.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(EventMs),
}

/// A row of a table. Rows sort by their fields in order of declaration; the first ones are the key.
pub trait Row: Clone + Ord + std::fmt::Debug + Send + Sync + 'static {
    /// The table's name in SQL.
    const TABLE: &'static str;
    /// What one row is.
    const DOC: &'static str;

    fn columns() -> Vec<Column>;
    /// One cell a column, in order.
    fn cells(&self, names: &Names) -> Vec<Cell>;
}

/// A field type that publishes itself as one column.
pub trait Publish {
    const KIND: ColumnType;
    fn publish(&self, names: &Names) -> Cell;
}

macro_rules! publish {
    ($($type:ty => $kind:ident, |$value:ident, $names:ident| $cell:expr;)*) => {$(
        impl Publish for $type {
            const KIND: ColumnType = ColumnType::$kind;
            fn publish(&self, $names: &Names) -> Cell {
                let $value = self;
                $cell
            }
        }
    )*};
}

publish! {
    bool => Bool, |v, _n| Cell::Bool(*v);
    i64 => Int, |v, _n| Cell::Int(*v);
    u64 => Int, |v, _n| Cell::Int(*v as i64);
    u32 => Int, |v, _n| Cell::Int(i64::from(*v));
    u16 => Int, |v, _n| Cell::Int(i64::from(*v));
    u8 => Int, |v, _n| Cell::Int(i64::from(*v));
    String => Text, |v, _n| Cell::Text(v.clone());
    &'static str => Text, |v, _n| Cell::Text((*v).to_owned());
    EventMs => Time, |v, _n| Cell::Time(*v);
    SpanMs => Float, |v, _n| Cell::Float(v.0 as f64 / 1000.0);
    Micro => Float, |v, _n| Cell::Float(v.to_f64());
    PerMille => Float, |v, _n| Cell::Float(v.to_f64());
    Ratio => Float, |v, _n| v.to_f64().map_or(Cell::Null, Cell::Float);
    crate::Tick => Int, |v, _n| Cell::Int(v.0 as i64);
    crate::UnitId => Int, |v, _n| Cell::Int(v.0 as i64);
    crate::RuleId => Int, |v, _n| Cell::Int(i64::from(v.0));
    crate::EdgeId => Int, |v, _n| Cell::Int(i64::from(v.0));
    crate::ScenarioId => Int, |v, _n| Cell::Int(i64::from(v.0));
    crate::AlertId => Text, |v, _n| Cell::Text(format!("{:016x}", v.0));
    crate::RecommendationId => Text, |v, _n| Cell::Text(v.to_string());
    crate::SensorId => Text, |v, n| Cell::Text(n.sensor(*v).to_owned());
    crate::LineId => Text, |v, n| Cell::Text(n.line(*v).to_owned());
    crate::EquipmentId => Text, |v, n| Cell::Text(n.equipment(*v).to_owned());
    crate::ParameterId => Text, |v, n| Cell::Text(n.parameter(*v).to_owned());
    crate::ProductId => Text, |v, n| Cell::Text(n.product(*v).to_owned());
    crate::Status => Text, |v, _n| Cell::Text(v.text().to_owned());
    crate::finding::FindingKind => Text, |v, _n| Cell::Text(v.text().to_owned());
    crate::rule::Severity => Text, |v, _n| Cell::Text(v.text().to_owned());
    crate::unit::DefectType => Text, |v, _n| Cell::Text(v.text().to_owned());
    crate::unit::Verdict => Text, |v, _n| Cell::Text(v.text().to_owned());
    crate::machine::MachineState => Text, |v, _n| Cell::Text(v.text().to_owned());
    crate::causal::Direction => Text, |v, _n| Cell::Text(v.text().to_owned());
    crate::causal::Node => Text, |v, n| Cell::Text(match v {
        crate::causal::Node::Equipment(id) => n.equipment(*id).to_owned(),
        crate::causal::Node::Parameter(id) => n.parameter(*id).to_owned(),
        crate::causal::Node::Defect(defect) => defect.text().to_owned(),
    });
    crate::rule::Subject => Text, |v, n| Cell::Text(match v {
        crate::rule::Subject::Sensor(id) => n.sensor(*id).to_owned(),
        crate::rule::Subject::Parameter(id) => n.parameter(*id).to_owned(),
        crate::rule::Subject::EverySensor => "every sensor".to_owned(),
        crate::rule::Subject::EveryLine => "every line".to_owned(),
    });
    crate::rule::Check => Text, |v, _n| Cell::Text(v.to_string());
    crate::calendar::Scope => Text, |v, _n| Cell::Text(v.text().to_owned());
}

impl<T: Publish> Publish for Option<T> {
    const KIND: ColumnType = T::KIND;
    fn publish(&self, names: &Names) -> Cell {
        self.as_ref().map_or(Cell::Null, |value| value.publish(names))
    }
}

/// Declares a row: a struct whose fields are columns, each with its documentation. `hidden` fields belong to
/// the row but are no columns; `derived` columns are functions of the row that exist only when it is published.
///
/// ```
/// lehr_domain::table! {
///     /// Ware that broke.
///     pub struct Broken in "broken" {
///         /// The line.
///         pub line: lehr_domain::LineId,
///         /// Pieces.
///         pub pieces: i64,
///     }
///     derived {
///         /// Dozens.
///         dozens: f64 = |row, _names| Some(row.pieces as f64 / 12.0),
///     }
/// }
/// ```
#[macro_export]
macro_rules! table {
    (
        #[doc = $table_doc:literal] $(#[doc = $more_doc:literal])*
        pub struct $name:ident in $table:literal {
            $( $(#[doc = $doc:literal])+ pub $field:ident : $type:ty ),* $(,)?
        }
        $( hidden { $( $(#[doc = $hidden_doc:literal])+ pub $hidden:ident : $hidden_type:ty ),* $(,)? } )?
        $( derived { $( $(#[doc = $derived_doc:literal])+ $derived:ident : $derived_type:ident = $logic:expr ),* $(,)? } )?
    ) => {
        #[doc = $table_doc] $(#[doc = $more_doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
            $($( $(#[doc = $hidden_doc])+ pub $hidden: $hidden_type, )*)?
        }

        impl $crate::table::Row for $name {
            const TABLE: &'static str = $table;
            const DOC: &'static str = concat!($table_doc $(, $more_doc)*);

            fn columns() -> Vec<$crate::table::Column> {
                vec![
                    $( $crate::table::Column {
                        name: stringify!($field),
                        kind: <$type as $crate::table::Publish>::KIND,
                        doc: concat!($($doc),+),
                    }, )*
                    $($( $crate::table::Column {
                        name: stringify!($derived),
                        kind: $crate::table!(@kind $derived_type),
                        doc: concat!($($derived_doc),+),
                    }, )*)?
                ]
            }

            fn cells(&self, names: &$crate::names::Names) -> Vec<$crate::table::Cell> {
                vec![
                    $( $crate::table::Publish::publish(&self.$field, names), )*
                    $($( {
                        let logic: fn(&$name, &$crate::names::Names) -> Option<$crate::table!(@type $derived_type)> = $logic;
                        logic(self, names).map_or($crate::table::Cell::Null, $crate::table!(@cell $derived_type))
                    }, )*)?
                ]
            }
        }
    };
    (@kind f64) => { $crate::table::ColumnType::Float };
    (@kind i64) => { $crate::table::ColumnType::Int };
    (@kind text) => { $crate::table::ColumnType::Text };
    (@kind bool) => { $crate::table::ColumnType::Bool };
    (@kind time) => { $crate::table::ColumnType::Time };
    (@type f64) => { f64 };
    (@type i64) => { i64 };
    (@type text) => { String };
    (@type bool) => { bool };
    (@type time) => { $crate::EventMs };
    (@cell f64) => { $crate::table::Cell::Float };
    (@cell i64) => { $crate::table::Cell::Int };
    (@cell text) => { $crate::table::Cell::Text };
    (@cell bool) => { $crate::table::Cell::Bool };
    (@cell time) => { $crate::table::Cell::Time };
}
