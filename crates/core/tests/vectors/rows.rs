//! The files, and their rows.

use std::str::FromStr as _;

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::time::Timestamp;
use cloakroom_core::version::DjangoVersion;
use serde_json::{Map, Value};

/// The secret with which Django made all rows that name none.
pub(crate) const SECRET: &str = "test-secret-key-0123456789";
/// When it made those that name no time.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// Puts a row to core.
pub(crate) type Check = fn(&Row, &Release) -> Answer;

/// What both sides make of one input.
pub(crate) struct Answer {
    /// Tells the row from those of its section that are answered otherwise.
    pub(crate) input: String,
    pub(crate) django: String,
    pub(crate) ours: String,
}

impl Answer {
    pub(crate) fn new(
        input: impl Into<String>,
        django: impl Into<String>,
        ours: impl Into<String>,
    ) -> Self {
        Self {
            input: input.into(),
            django: django.into(),
            ours: ours.into(),
        }
    }
}

/// What one release of Django said.
pub(crate) struct Release {
    /// As in the file's name.
    pub(crate) name: &'static str,
    pub(crate) version: DjangoVersion,
    file: Map<String, Value>,
}

impl Release {
    pub(crate) fn all() -> [Self; 3] {
        [
            Self::read("4.2", include_str!("django-4.2.json")),
            Self::read("5.2", include_str!("django-5.2.json")),
            Self::read("6.1", include_str!("django-6.1.json")),
        ]
    }

    fn read(name: &'static str, text: &str) -> Self {
        let file: Map<String, Value> = serde_json::from_str(text).unwrap();
        let version = file["django"].as_str().unwrap();
        assert!(version.starts_with(name), "{name}");
        let version = DjangoVersion::from_str(version).unwrap();
        Self {
            name,
            version,
            file,
        }
    }

    pub(crate) fn sections(&self) -> impl Iterator<Item = &str> {
        let lists = self.file.iter().filter(|(_, value)| value.is_array());
        lists.map(|(name, _)| name.as_str())
    }

    pub(crate) fn rows(&self, section: &str) -> Vec<Row> {
        let rows = self.file[section].as_array().unwrap();
        rows.iter().map(Row::of).collect()
    }
}

/// One row: input and output under Django's names.
pub(crate) struct Row(Map<String, Value>);

impl Row {
    pub(crate) fn of(value: &Value) -> Self {
        Self(value.as_object().unwrap().clone())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn value(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.value(name).as_str().unwrap()
    }

    /// `None` for null and for what is not there.
    pub(crate) fn maybe_text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name).as_bool().unwrap()
    }

    pub(crate) fn integer(&self, name: &str) -> i64 {
        self.value(name).as_i64().unwrap()
    }

    pub(crate) fn maybe_number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.value(name).as_array().unwrap();
        list.iter().map(|text| text.as_str().unwrap()).collect()
    }

    /// Under `name` as text, or under `name_hex`.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        if let Some(text) = self.maybe_text(name) {
            return text.as_bytes().to_vec();
        }
        let digits = self.text(&format!("{name}_hex")).as_bytes();
        let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    pub(crate) fn time(&self, name: &str) -> Timestamp {
        moment(self.maybe_number(name).unwrap())
    }

    /// The row's keys.
    pub(crate) fn secrets(&self) -> Secrets {
        let fallbacks = if self.has("fallbacks") {
            self.texts("fallbacks")
        } else {
            Vec::new()
        };
        secrets(self.bytes("secret"), &fallbacks)
    }
}

pub(crate) fn secrets(key: impl Into<Vec<u8>>, fallbacks: &[&str]) -> Secrets {
    let fallbacks = fallbacks.iter().map(|key| secret(*key)).collect();
    Secrets::new(secret(key)).with_fallbacks(fallbacks)
}

fn secret(key: impl Into<Vec<u8>>) -> SecretKey {
    SecretKey::insecure_new(key).unwrap()
}

/// Seconds as Python's floats hold them, to the microsecond.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
pub(crate) fn moment(seconds: f64) -> Timestamp {
    Timestamp::from_unix_micros((seconds * 1e6).round() as i64)
}
