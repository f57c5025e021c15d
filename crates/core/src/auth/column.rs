//! Columns of a site's own in its table of users.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Columns of one user beyond those that Django's `User` has, by name.
///
/// A value is null, a truth value, a number or a text. SQLite and MySQL keep truth values as 0 and 1, so both are read
/// as such; a decimal, a date, a UUID or JSON arrives as the text that the database shows for it. Never shown by
/// `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Columns(Box<[(Arc<str>, Value)]>);

impl Columns {
    /// Sets a column's value, as a store does that has read it.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => {
                // There are few, and a slice keeps every user smaller.
                let mut columns = std::mem::take(&mut self.0).into_vec();
                columns.push((name, value));
                self.0 = columns.into_boxed_slice();
            }
        }
    }

    /// The value of a column. One that holds JSON as text is read as that where `T` is no text.
    ///
    /// # Errors
    /// There is no such column, or its value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, ColumnError> {
        let value = self.value(name).ok_or_else(|| ColumnError {
            column: name.to_owned(),
            is_read: false,
        })?;
        let plain = serde_json::from_value(value.clone()).ok();
        let other = || match value {
            Value::Number(number) => {
                let flag = [(0, false), (1, true)]
                    .into_iter()
                    .find(|(digit, _)| number.as_u64() == Some(*digit));
                serde_json::from_value(Value::Bool(flag?.1)).ok()
            }
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        };
        plain.or_else(other).ok_or_else(|| ColumnError {
            column: name.to_owned(),
            is_read: true,
        })
    }

    /// The names of the columns that were read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A value as the text that goes into a session's hash: nothing for null, and 0 and 1 for truth values, because
    /// two of the databases keep them so.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(match self.value(name)? {
            Value::Null => String::new(),
            Value::Bool(flag) => u8::from(*flag).to_string(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(known, _)| &**known == name);
        found.map(|(_, value)| value)
    }
}

impl fmt::Debug for Columns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

/// A column was not read, or holds something else. Says which one, and not what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnError {
    column: String,
    is_read: bool,
}

impl fmt::Display for ColumnError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_read {
            "has a value of another type"
        } else {
            "is not read; name it among the columns of the table of users"
        };
        write!(formatter, "the column {} {what}", self.column)
    }
}

impl std::error::Error for ColumnError {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn columns() -> Columns {
        let mut columns = Columns::default();
        columns.set("number", 7);
        columns.set("flag", true);
        columns.set("digit", 1);
        columns.set("ratio", 1.5);
        columns.set("text", "secret");
        columns.set("null", Value::Null);
        columns.set("json", r#"{"dark": true, "size": 3}"#);
        columns
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Preferences {
        dark: bool,
        size: u8,
    }

    #[test]
    fn values_are_of_the_type_that_is_asked_for() {
        let columns = columns();
        assert_eq!(columns.get("number"), Ok(7));
        assert_eq!(columns.get("flag"), Ok(true));
        assert_eq!(columns.get("digit"), Ok(true), "SQLite's truth values");
        assert_eq!(columns.get("ratio"), Ok(1.5));
        assert_eq!(columns.get("text"), Ok("secret".to_owned()));
        assert_eq!(columns.get("null"), Ok(None::<u32>));
        assert_eq!(columns.get("number"), Ok(Some(7)));
        let preferences = Preferences {
            dark: true,
            size: 3,
        };
        assert_eq!(columns.get("json"), Ok(preferences));
    }

    #[test]
    fn an_error_names_the_column_and_not_its_value() {
        let columns = columns();
        for (name, part) in [("text", "another type"), ("missing", "is not read")] {
            let error = columns.get::<u32>(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(part), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(
            columns.get::<bool>("number").is_err(),
            "7 is no truth value"
        );
        assert!(columns.get::<u32>("null").is_err());
        assert!(!format!("{columns:?}").contains("secret"));
    }

    #[test]
    fn texts_are_the_same_whatever_the_database() {
        let columns = columns();
        let texts = [
            ("flag", "1"),
            ("digit", "1"),
            ("number", "7"),
            ("null", ""),
            ("text", "secret"),
        ];
        for (name, text) in texts {
            assert_eq!(columns.text(name).as_deref(), Some(text), "{name}");
        }
        assert_eq!(columns.text("missing"), None);
    }
}
