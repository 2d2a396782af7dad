//! What a message says, found by pointers: JSON as a whole, a row of it, or a row of Arrow's columns.

use lehr_tags::json::TimeUnit;
use serde_json::Value;
use std::borrow::Cow;

pub trait Fields {
    /// Null is something. The error says why what is there cannot be read.
    fn find(&self, at: &str) -> Result<Option<Cow<'_, Value>>, String>;

    /// Of a time whose unit the message itself says.
    fn time_unit(&self, at: &str) -> Option<TimeUnit>;

    /// All of it, for whoever has to mend it.
    fn shown(&self) -> String;
}

impl Fields for Value {
    fn find(&self, at: &str) -> Result<Option<Cow<'_, Value>>, String> {
        Ok(self.pointer(at).map(Cow::Borrowed))
    }

    fn time_unit(&self, _: &str) -> Option<TimeUnit> {
        None
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}
