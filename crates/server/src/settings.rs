//! Where the server's settings come from: flags before the environment before the file, in Django's names.

mod names;
mod secrets;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use self::names::Kind;
pub use self::secrets::WeakKeys;

/// What was set, by name; what was not set is not here.
///
/// The secrets are kept apart and are in no list and no `Debug`.
#[derive(Default)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
    secrets: BTreeMap<&'static str, Zeroizing<String>>,
}

impl Settings {
    /// Reads a TOML file (if one is named) and the environment over it.
    ///
    /// A variable counts with the prefix `CLOAKROOM_`; the secrets and `DATABASE_URL` count without it too.
    /// Other variables are not ours.
    ///
    /// # Errors
    /// A name is unknown, a value is not of its kind, or the file cannot be read. No message shows a value.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        if let Some(file) = file {
            settings.read_file(file)?;
        }
        settings.read_environment(environment)?;
        Ok(settings)
    }

    /// Sets one setting over what there is, as a flag does.
    ///
    /// # Errors
    /// The value is not of the setting's kind.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), SettingsError> {
        let (name, kind) = known(name)?;
        let value = kind
            .read(text)
            .ok_or_else(|| SettingsError::Kind(name, kind.expected()))?;
        self.values.insert(name, value);
        Ok(())
    }

    /// The value of a setting that was set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The value of a setting that was set to a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The value of a setting that was set to a list of texts.
    #[must_use]
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let items = self.get(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).collect())
    }

    /// All that was set, by name; no secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    fn read_file(&mut self, path: &Path) -> Result<(), SettingsError> {
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| SettingsError::File(path.to_owned(), error))?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| {
            // Not the error's own text: it shows the line, which may be the secret key's.
            let before = error
                .span()
                .map_or("", |span| text.get(..span.start).unwrap_or(""));
            SettingsError::Toml(
                path.to_owned(),
                before.matches('\n').count() + 1,
                error.message().to_owned(),
            )
        })?;
        let mut secrets = Vec::new();
        for (name, value) in table {
            let value = serde_json::to_value(value).unwrap_or(Value::Null);
            if let Some(name) = secret(&name) {
                let text = match value {
                    Value::String(text) => text,
                    // The list form of the environment, which the reader of secrets knows.
                    list @ Value::Array(_) if name == "SECRET_KEY_FALLBACKS" => list.to_string(),
                    _ => return Err(SettingsError::Kind(name, Kind::Text.expected())),
                };
                secrets.push((name, Zeroizing::new(text)));
            } else {
                let (name, kind) = known(&name)?;
                let value = kind
                    .check(value)
                    .ok_or_else(|| SettingsError::Kind(name, kind.expected()))?;
                self.values.insert(name, value);
            }
        }
        self.take_secrets(secrets)
    }

    fn read_environment(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), SettingsError> {
        let mut secrets = Vec::new();
        let mut seen = Vec::new();
        for (variable, value) in environment {
            // A name that is not even text is none of ours.
            let Some(variable) = variable.to_str() else {
                continue;
            };
            let name = match variable.strip_prefix(PREFIX) {
                Some(name) if NOT_SETTINGS.contains(&name) => continue,
                Some(name) => name,
                None if variable == "DATABASE_URL" || secret(variable).is_some() => variable,
                None => continue,
            };
            let (name, kind) = match secret(name) {
                Some(name) => (name, None),
                None => known(name).map(|(name, kind)| (name, Some(kind)))?,
            };
            if seen.contains(&name) {
                return Err(SettingsError::Twice(name));
            }
            seen.push(name);
            let value = value
                .into_string()
                .map_err(|_| SettingsError::NotText(name))?;
            match kind {
                None => secrets.push((name, Zeroizing::new(value))),
                Some(_) => self.set(name, &value)?,
            }
        }
        self.take_secrets(secrets)
    }

    /// A key and its file are one setting in two forms: of two sources the later one counts, in one source
    /// only one of them may stand.
    fn take_secrets(
        &mut self,
        secrets: Vec<(&'static str, Zeroizing<String>)>,
    ) -> Result<(), SettingsError> {
        for (name, file) in PAIRS {
            let given = |wanted| secrets.iter().any(|(name, _)| *name == wanted);
            match (given(name), given(file)) {
                (true, true) => return Err(SettingsError::Both(name, file)),
                (true, false) => drop(self.secrets.remove(file)),
                (false, true) => drop(self.secrets.remove(name)),
                (false, false) => {}
            }
        }
        self.secrets.extend(secrets);
        Ok(())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not even the values: a URL may hold a password.
        formatter
            .debug_struct("Settings")
            .field("set", &self.values.keys())
            .field("secrets", &self.secrets.keys())
            .finish()
    }
}

/// Why the settings are refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no such setting; the second is the one that was probably meant.
    Unknown(String, Option<&'static str>),
    /// The setting's value should be something else.
    Kind(&'static str, &'static str),
    /// The variable's value is not UTF-8.
    NotText(&'static str),
    /// The variable is there with the prefix and without it.
    Twice(&'static str),
    /// A secret and its file are both given.
    Both(&'static str, &'static str),
    /// The file cannot be read.
    File(PathBuf, std::io::Error),
    /// The file is not TOML, from this line on.
    Toml(PathBuf, usize, String),
    /// The secret that this setting gives is refused.
    Secret(&'static str, cloakroom_core::secret::SecretError),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name, nearest) => {
                write!(formatter, "there is no setting {}", name.escape_debug())?;
                nearest.map_or(Ok(()), |nearest| write!(formatter, "; {nearest} is there"))
            }
            Self::Kind(name, expected) => write!(formatter, "{name} should be {expected}"),
            Self::NotText(name) => write!(
                formatter,
                "{name} is not UTF-8; a key of other bytes is written base64:…"
            ),
            Self::Twice(name) => write!(
                formatter,
                "{name} and {PREFIX}{name} are both in the environment; keep one of them"
            ),
            Self::Both(name, file) => {
                write!(formatter, "{name} and {file} are both given; keep the file")
            }
            Self::File(path, error) => {
                write!(
                    formatter,
                    "the file {} cannot be read: {error}",
                    path.display()
                )
            }
            Self::Toml(path, line, error) => {
                write!(formatter, "{}, line {line}: {error}", path.display())
            }
            Self::Secret(name, error) => write!(formatter, "{name}: {error}"),
        }
    }
}

impl std::error::Error for SettingsError {}

fn known(name: &str) -> Result<(&'static str, Kind), SettingsError> {
    names::find(name).ok_or_else(|| SettingsError::Unknown(name.to_owned(), names::nearest(name)))
}

fn secret(name: &str) -> Option<&'static str> {
    names::SECRETS.into_iter().find(|secret| *secret == name)
}

const PREFIX: &str = "CLOAKROOM_";

/// What the command line reads itself.
const NOT_SETTINGS: [&str; 2] = ["CONFIG", "LOG"];

const PAIRS: [(&str, &str); 2] = [
    ("SECRET_KEY", "SECRET_KEY_FILE"),
    ("SECRET_KEY_FALLBACKS", "SECRET_KEY_FALLBACKS_FILE"),
];

#[cfg(test)]
mod tests;
