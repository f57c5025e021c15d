//! Settings by their Django names, from wherever they come.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use cloakroom_core::secret::{self, SecretKey, Secrets};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Settings as they were found: secret texts apart, the rest by Django name.
#[derive(Clone, Default)]
pub struct Settings {
    pub(super) secret_key: Option<SecretKey>,
    pub(super) fallbacks: Vec<SecretKey>,
    pub(super) jwt_signing_key: Option<SecretKey>,
    pub(super) values: BTreeMap<String, Value>,
}

impl Settings {
    /// What stands before a setting's name in the environment.
    pub const PREFIX: &str = "CLOAKROOM_";

    /// Every name that [`Config::from_settings`](crate::Config::from_settings) knows.
    pub const NAMES: &[&str] = &[
        "ALLOWED_HOSTS",
        "ANONYMOUS_SESSIONS_PER_HOUR",
        "AUTHENTICATION_BACKENDS",
        "AUTH_PASSWORD_VALIDATORS",
        "BEARER_HAS_NO_COOKIES",
        "CSRF_BIND_TO_LOGIN",
        "CSRF_COOKIE_AGE",
        "CSRF_COOKIE_DOMAIN",
        "CSRF_COOKIE_HTTPONLY",
        "CSRF_COOKIE_NAME",
        "CSRF_COOKIE_PATH",
        "CSRF_COOKIE_SAMESITE",
        "CSRF_COOKIE_SECURE",
        "CSRF_HEADER_NAME",
        "CSRF_SPOOL_QUOTA",
        "CSRF_TRUSTED_ORIGINS",
        "CSRF_USE_SESSIONS",
        "DEFAULT_FROM_EMAIL",
        "DJANGO_VERSION",
        "EMAIL_BACKEND",
        "EMAIL_FILE_PATH",
        "EMAIL_HOST",
        "EMAIL_HOST_PASSWORD_FILE",
        "EMAIL_HOST_USER",
        "EMAIL_PORT",
        "EMAIL_TIMEOUT",
        "EMAIL_USE_SSL",
        "EMAIL_USE_TLS",
        "FILE_UPLOAD_TEMP_DIR",
        "JWT_ACCEPT_FOREIGN_REFRESH",
        "JWT_ACCESS_TOKEN_LIFETIME",
        "JWT_AUDIENCE",
        "JWT_CHECK_REVOKE_TOKEN",
        "JWT_FAMILY_LIFETIME",
        "JWT_ISSUER",
        "JWT_REFRESH_TOKEN_LIFETIME",
        "JWT_USER_ID_CLAIM",
        "LOGIN_DEVICE_COOKIE_NAME",
        "LOGIN_FAILURES_PER_ACCOUNT",
        "LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS",
        "LOGIN_FAILURES_PER_ADDRESS",
        "LOGIN_FAILURE_SECONDS",
        "LOGIN_QUEUE",
        "LOGIN_REDIRECT_URL",
        "LOGIN_SECOND_FACTOR_URL",
        "LOGIN_THROTTLE",
        "LOGIN_URL",
        "LOGOUT_REDIRECT_URL",
        "PASSWORD_RESET_TIMEOUT",
        "PASSWORD_HASHERS",
        "PASSWORD_HASHER_OPTIONS",
        "PBKDF2_ITERATIONS",
        "PROFILE",
        "PUBLIC_ORIGIN",
        "SECURE_PROXY_SSL_HEADER",
        "SESSION_COOKIE_AGE",
        "SESSION_COOKIE_DOMAIN",
        "SESSION_COOKIE_HTTPONLY",
        "SESSION_COOKIE_NAME",
        "SESSION_COOKIE_PATH",
        "SESSION_COOKIE_SAMESITE",
        "SESSION_COOKIE_SECURE",
        "SESSION_EXPIRE_AT_BROWSER_CLOSE",
        "SESSION_GUARDED_NAMES",
        "SESSION_KEY_LENGTH",
        "SESSION_SAVE_EVERY_REQUEST",
        "SESSION_SERIALIZER",
        "SESSION_SIGNING_SALT",
        "SIGNED_COOKIE_LEGACY_SALT_FALLBACK",
        "TIME_ZONE",
        "TRUSTED_PROXIES",
        "USER_HASH_COLUMNS",
        "USER_HASH_SEPARATOR",
        "USE_TZ",
        "USE_X_FORWARDED_HOST",
        "USE_X_FORWARDED_PORT",
    ];

    /// Reads the environment. Names behind the prefix that no setting has are left alone here: a server has
    /// settings of its own.
    ///
    /// # Errors
    /// A secret is empty, weak or unreadable, or a value is not text.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        let variable = |name: &str| match std::env::var(name) {
            Ok(text) => Ok(Some(text)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(ConfigError::new(name, "is not UTF-8")),
        };
        let parse: fn(&str) -> Result<SecretKey, secret::SecretError> = SecretKey::parse;
        if let Some(path) = variable("SECRET_KEY_FILE")? {
            settings.secret_key = Some(of(
                "SECRET_KEY_FILE",
                secret::parse_key_file(&read("SECRET_KEY_FILE", &path)?, parse),
            )?);
        } else if let Some(text) = variable("SECRET_KEY")? {
            settings.secret_key = Some(of("SECRET_KEY", parse(&text))?);
        }
        if let Some(path) = variable("SECRET_KEY_FALLBACKS_FILE")? {
            let text = read("SECRET_KEY_FALLBACKS_FILE", &path)?;
            settings.fallbacks = of(
                "SECRET_KEY_FALLBACKS_FILE",
                secret::parse_list_file(&text, parse),
            )?;
        } else if let Some(text) = variable("SECRET_KEY_FALLBACKS")? {
            settings.fallbacks = of("SECRET_KEY_FALLBACKS", secret::parse_list(&text, parse))?;
        }
        if let Some(text) = variable("JWT_SIGNING_KEY")? {
            settings.jwt_signing_key = Some(of("JWT_SIGNING_KEY", parse(&text))?);
        }
        for name in Self::NAMES {
            if let Some(text) = variable(&format!("{}{name}", Self::PREFIX))? {
                settings.values.insert((*name).to_owned(), value(&text));
            }
        }
        Ok(settings)
    }

    /// The same with these secrets.
    #[must_use]
    pub fn with_secrets(mut self, secrets: &Secrets) -> Self {
        self.secret_key = Some(secrets.key().clone());
        self.fallbacks = secrets.fallbacks().to_vec();
        self
    }

    /// The same with this `JWT_SIGNING_KEY`.
    #[must_use]
    pub fn with_jwt_signing_key(mut self, key: Option<SecretKey>) -> Self {
        self.jwt_signing_key = key;
        self
    }

    /// Gives a setting a value, in the form of Django's settings file written as JSON.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.values.insert(name.into(), value);
    }

    /// The value that a setting was given.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The value in the form that the setting wants.
    pub(super) fn parsed<T: DeserializeOwned>(
        &self,
        name: &str,
        wanted: &str,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        // A lone number in a variable is a text for settings that are texts: SESSION_COOKIE_NAME=7.
        let text =
            (value.is_number() || value.is_boolean()).then(|| Value::String(value.to_string()));
        let mut parsed = [Some(value.clone()), text]
            .into_iter()
            .flatten()
            .filter_map(|value| serde_json::from_value(value).ok());
        parsed
            .next()
            .map(Some)
            .ok_or_else(|| ConfigError::new(name, format!("wants {wanted}")))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

/// A variable's text: JSON where it is JSON, otherwise the text; `True`, `False` and `None` as in Python.
fn value(text: &str) -> Value {
    match text {
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        "None" => Value::Null,
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

fn read(name: &str, path: &str) -> Result<String, ConfigError> {
    let bytes = std::fs::read(Path::new(path))
        .map_err(|error| ConfigError::new(name, format!("cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| {
        ConfigError::new(
            name,
            "names a file that is not UTF-8; write the key as base64:…",
        )
    })
}

pub(super) fn of<T, E: fmt::Display>(name: &str, result: Result<T, E>) -> Result<T, ConfigError> {
    result.map_err(|error| ConfigError::new(name, format!("is refused: {error}")))
}

/// A setting cannot be used. Says which one and why, never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    setting: String,
    problem: String,
}

impl ConfigError {
    /// The setting's name and what is wrong with it, as in "wants a number of seconds".
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            setting: setting.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, problem } = self;
        write!(formatter, "the setting {setting} {problem}")
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variables_are_json_or_text() {
        assert_eq!(value("3600"), json!(3600));
        assert_eq!(value("[\"a\"]"), json!(["a"]));
        assert_eq!(value("None"), json!(null));
        assert_eq!(value("sessionid"), json!("sessionid"));
    }

    #[test]
    fn no_secret_is_shown() {
        let key = SecretKey::new("fifty random characters that nobody else knows, say").unwrap();
        let settings = Settings::default().with_secrets(&Secrets::new(key));
        assert!(!format!("{settings:?}").contains("fifty"));
    }
}
