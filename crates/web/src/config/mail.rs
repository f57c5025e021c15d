//! The settings of letters, by Django's names.

use std::path::PathBuf;

use serde_json::Value;

use super::apply::assign;
use super::settings::of;
use super::{Config, ConfigError, Settings};

/// How letters leave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MailConfig {
    /// `EMAIL_BACKEND`; `None`: no letters.
    pub backend: Option<MailBackend>,
    /// `EMAIL_FILE_PATH`, for letters in a folder.
    pub folder: Option<PathBuf>,
    /// `EMAIL_HOST`.
    pub host: String,
    /// `EMAIL_PORT`; `None` for the usual one of the way that the connection is encrypted.
    pub port: Option<u16>,
    /// `EMAIL_HOST_USER`.
    pub user: Option<String>,
    /// `EMAIL_HOST_PASSWORD_FILE`: a file with the password in it. The password itself is no setting: settings are shown
    /// in many places.
    pub password_file: Option<PathBuf>,
    /// `EMAIL_USE_TLS`: encrypted by `STARTTLS`.
    pub use_tls: bool,
    /// `EMAIL_USE_SSL`: encrypted from the beginning.
    pub use_ssl: bool,
    /// `EMAIL_TIMEOUT` in seconds.
    pub timeout: u32,
}

/// Who takes letters on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailBackend {
    /// The standard output.
    Console,
    /// A folder.
    Folder,
    /// A server.
    Smtp,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            backend: None,
            folder: None,
            host: "localhost".to_owned(),
            port: None,
            user: None,
            password_file: None,
            use_tls: false,
            use_ssl: false,
            timeout: 10,
        }
    }
}

impl MailConfig {
    /// Whether the host is this machine, to which passwords may go as they are.
    fn is_local(&self) -> bool {
        ["localhost", "127.0.0.1", "::1"].contains(&self.host.as_str())
    }
}

impl Config {
    pub(super) fn apply_mail(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        let mail = &mut self.mail;
        assign(
            settings,
            "EMAIL_FILE_PATH",
            "a folder, or null",
            &mut mail.folder,
        )?;
        assign(settings, "EMAIL_HOST", "a text", &mut mail.host)?;
        assign(settings, "EMAIL_PORT", "a port, or null", &mut mail.port)?;
        assign(
            settings,
            "EMAIL_HOST_USER",
            "a text, or null",
            &mut mail.user,
        )?;
        assign(
            settings,
            "EMAIL_HOST_PASSWORD_FILE",
            "a file, or null",
            &mut mail.password_file,
        )?;
        assign(
            settings,
            "EMAIL_USE_TLS",
            "true or false",
            &mut mail.use_tls,
        )?;
        assign(
            settings,
            "EMAIL_USE_SSL",
            "true or false",
            &mut mail.use_ssl,
        )?;
        assign(
            settings,
            "EMAIL_TIMEOUT",
            "a number of seconds",
            &mut mail.timeout,
        )?;
        if mail.use_tls && mail.use_ssl {
            return Err(ConfigError::new(
                "EMAIL_USE_SSL",
                "and EMAIL_USE_TLS are two ways: choose one",
            ));
        }
        mail.backend = match settings.value("EMAIL_BACKEND") {
            Some(value) => backend(value)?,
            None if settings.value("EMAIL_HOST").is_some() => Some(MailBackend::Smtp),
            None if mail.folder.is_some() => Some(MailBackend::Folder),
            None => None,
        };
        let encrypted = mail.use_tls || mail.use_ssl;
        if mail.backend == Some(MailBackend::Smtp)
            && mail.user.is_some()
            && !encrypted
            && !mail.is_local()
        {
            return Err(ConfigError::new(
                "EMAIL_HOST_USER",
                "would go over the network as it is: set EMAIL_USE_TLS or EMAIL_USE_SSL",
            ));
        }
        if mail.backend == Some(MailBackend::Folder) && mail.folder.is_none() {
            return Err(ConfigError::new(
                "EMAIL_FILE_PATH",
                "is missing: the folder for letters",
            ));
        }
        assign(
            settings,
            "DEFAULT_FROM_EMAIL",
            "an address",
            &mut self.mail_from,
        )?;
        let origin = settings.parsed::<Option<String>>("PUBLIC_ORIGIN", "an origin, or null")?;
        if let Some(origin) = origin {
            let read = origin
                .as_deref()
                .map(|origin| of("PUBLIC_ORIGIN", parse_origin(origin)));
            self.public_origin = read.transpose()?;
        }
        assign(
            settings,
            "LOGIN_SECOND_FACTOR_URL",
            "a URL, or null",
            &mut self.login.second_factor_url,
        )
    }
}

/// Django's classes by their modules, or one of three words.
fn backend(value: &Value) -> Result<Option<MailBackend>, ConfigError> {
    let text = match value {
        Value::Null => return Ok(None),
        value => value.as_str().unwrap_or_default(),
    };
    let name = text
        .strip_prefix("django.core.mail.backends.")
        .unwrap_or(text);
    match name.strip_suffix(".EmailBackend").unwrap_or(name) {
        "smtp" => Ok(Some(MailBackend::Smtp)),
        "console" => Ok(Some(MailBackend::Console)),
        "filebased" | "file" => Ok(Some(MailBackend::Folder)),
        "dummy" => Ok(None),
        _ => Err(ConfigError::new(
            "EMAIL_BACKEND",
            "wants smtp, console, filebased or dummy, or Django's class of that name",
        )),
    }
}

/// A scheme and a host, without a path.
fn parse_origin(text: &str) -> Result<String, &'static str> {
    const WANTED: &str = "it wants a scheme and a host alone, such as https://www.example.org";
    let origin = text.strip_suffix('/').unwrap_or(text);
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    let plain = |host: &str| {
        !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
    };
    host.filter(|host| plain(host))
        .map(|_| origin.to_owned())
        .ok_or(WANTED)
}

#[cfg(test)]
mod tests {
    use cloakroom_core::secret::{SecretKey, Secrets};
    use serde_json::json;

    use super::*;

    fn config(values: &[(&str, Value)]) -> Result<Config, ConfigError> {
        let key = SecretKey::new("fifty random characters that nobody else knows, say").unwrap();
        let mut settings = Settings::default().with_secrets(&Secrets::new(key));
        for (name, value) in values {
            settings.set(*name, value.clone());
        }
        Config::from_settings(&settings)
    }

    #[test]
    fn letters_leave_as_django_s_settings_say() {
        let backend = |values: &[_]| config(values).unwrap().mail.backend;
        assert_eq!(backend(&[]), None);
        assert_eq!(
            backend(&[("EMAIL_HOST", json!("localhost"))]),
            Some(MailBackend::Smtp)
        );
        assert_eq!(
            backend(&[("EMAIL_FILE_PATH", json!("/tmp"))]),
            Some(MailBackend::Folder)
        );
        for (name, expected) in [
            (
                "django.core.mail.backends.smtp.EmailBackend",
                Some(MailBackend::Smtp),
            ),
            (
                "django.core.mail.backends.console.EmailBackend",
                Some(MailBackend::Console),
            ),
            ("console", Some(MailBackend::Console)),
            ("dummy", None),
        ] {
            assert_eq!(
                backend(&[("EMAIL_BACKEND", json!(name))]),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_would_tell_a_password_or_lead_nowhere_is_refused_by_name() {
        let host = ("EMAIL_HOST", json!("mail.example.org"));
        let user = ("EMAIL_HOST_USER", json!("ann"));
        assert!(config(&[host.clone(), user.clone(), ("EMAIL_USE_TLS", json!(true))]).is_ok());
        for (values, named) in [
            (vec![host, user], "EMAIL_HOST_USER"),
            (vec![("EMAIL_BACKEND", json!("locmem"))], "EMAIL_BACKEND"),
            (
                vec![("EMAIL_BACKEND", json!("filebased"))],
                "EMAIL_FILE_PATH",
            ),
            (
                vec![
                    ("EMAIL_USE_TLS", json!(true)),
                    ("EMAIL_USE_SSL", json!(true)),
                ],
                "EMAIL_USE_SSL",
            ),
            (vec![("EMAIL_PORT", json!(70_000))], "EMAIL_PORT"),
            (
                vec![("PUBLIC_ORIGIN", json!("www.example.org"))],
                "PUBLIC_ORIGIN",
            ),
            (
                vec![("PUBLIC_ORIGIN", json!("https://www.example.org/login/"))],
                "PUBLIC_ORIGIN",
            ),
            (
                vec![("PUBLIC_ORIGIN", json!("https://a@b"))],
                "PUBLIC_ORIGIN",
            ),
            (vec![("PUBLIC_ORIGIN", json!("ftp://b"))], "PUBLIC_ORIGIN"),
        ] {
            let error = config(&values).unwrap_err().to_string();
            assert!(error.contains(named), "{values:?}: {error}");
        }
        let origin = |text: &str| {
            config(&[("PUBLIC_ORIGIN", json!(text))])
                .unwrap()
                .public_origin
        };
        for text in [
            "https://www.example.org",
            "http://127.0.0.1:8000",
            "https://[::1]:8443",
        ] {
            assert_eq!(origin(text).as_deref(), Some(text));
        }
        assert_eq!(
            origin("https://www.example.org/").as_deref(),
            Some("https://www.example.org")
        );
    }
}
