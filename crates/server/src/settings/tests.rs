use std::io::Write as _;

use super::*;
use crate::settings::WeakKeys;

const STRONG: &str = "0123456789abcdef0123456789abcdef";

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    let own = |text: &&str| OsString::from(*text);
    variables
        .iter()
        .map(|(name, value)| (own(name), own(value)))
        .collect()
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::load(None, environment(variables))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn each_kind_is_read_from_the_environment() {
    for (name, text, value) in [
        ("SESSION_COOKIE_AGE", "3600", Value::from(3600)),
        ("CSRF_COOKIE_AGE", "null", Value::Null),
        ("CSRF_COOKIE_AGE", "None", Value::Null),
        ("SESSION_COOKIE_SECURE", "true", Value::from(true)),
        ("SESSION_COOKIE_SECURE", "False", Value::from(false)),
        ("SESSION_COOKIE_NAME", "123", Value::from("123")),
        ("SESSION_COOKIE_DOMAIN", "null", Value::Null),
        (
            "SESSION_COOKIE_DOMAIN",
            "example.org",
            Value::from("example.org"),
        ),
        ("SESSION_COOKIE_SAMESITE", "None", Value::from("None")),
        ("SESSION_COOKIE_SAMESITE", "null", Value::Null),
        ("SESSION_COOKIE_SAMESITE", "False", Value::from(false)),
        (
            "ALLOWED_HOSTS",
            r#"["a", "b"]"#,
            Value::from(vec!["a", "b"]),
        ),
    ] {
        let settings = from_environment(&[(&format!("CLOAKROOM_{name}"), text)]).unwrap();
        assert_eq!(settings.get(name), Some(&value), "{name}={text}");
    }
}

#[test]
fn a_value_of_another_kind_is_an_error_that_does_not_repeat_it() {
    for (name, text) in [
        ("SESSION_COOKIE_AGE", "hunter2"),
        ("SESSION_COOKIE_AGE", "1.5"),
        ("SESSION_COOKIE_AGE", "null"),
        ("SESSION_COOKIE_SECURE", "yes"),
        ("SESSION_COOKIE_SAMESITE", "lax"),
        ("ALLOWED_HOSTS", "example.org"),
        ("ALLOWED_HOSTS", "[1]"),
    ] {
        let error = from_environment(&[(&format!("CLOAKROOM_{name}"), text)]).unwrap_err();
        assert!(matches!(error, SettingsError::Kind(..)), "{name}={text}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn an_unknown_name_is_an_error_that_suggests_the_nearest() {
    for (name, suggestion) in [
        ("SESION_COOKIE_AGE", "; SESSION_COOKIE_AGE is there"),
        ("session_cookie_age", "; SESSION_COOKIE_AGE is there"),
        ("SECRET_KEYS", "; SECRET_KEY is there"),
        ("ZZZ", ""),
    ] {
        let error = from_environment(&[(&format!("CLOAKROOM_{name}"), "1")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("there is no setting {name}{suggestion}")
        );
    }
    let file = file("SESION_COOKIE_AGE = 1");
    assert!(Settings::load(Some(file.path()), []).is_err());
}

#[test]
fn variables_of_others_are_left_alone() {
    let settings = from_environment(&[
        ("PATH", "/bin"),
        ("SESSION_COOKIE_AGE", "1"),
        ("CLOAKROOM_LOG", "debug"),
    ])
    .unwrap();
    assert_eq!(settings.iter().count(), 0);
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let file = file(
        "SESSION_COOKIE_AGE = 1\nCSRF_COOKIE_NAME = \"f\"\nCSRF_COOKIE_AGE = \"None\"\nDATABASE_URL = 'sqlite:f'",
    );
    let variables = environment(&[
        ("CLOAKROOM_SESSION_COOKIE_AGE", "2"),
        ("DATABASE_URL", "sqlite:e"),
    ]);
    let mut settings = Settings::load(Some(file.path()), variables).unwrap();
    settings.set("DATABASE_URL", "sqlite:flag").unwrap();
    assert_eq!(settings.get("SESSION_COOKIE_AGE"), Some(&Value::from(2)));
    assert_eq!(settings.text("CSRF_COOKIE_NAME"), Some("f"));
    assert_eq!(settings.get("CSRF_COOKIE_AGE"), Some(&Value::Null));
    assert_eq!(settings.text("DATABASE_URL"), Some("sqlite:flag"));
}

#[test]
fn one_variable_under_two_names_is_an_error() {
    let error = from_environment(&[
        ("DATABASE_URL", "sqlite:a"),
        ("CLOAKROOM_DATABASE_URL", "sqlite:b"),
    ])
    .unwrap_err();
    assert!(matches!(error, SettingsError::Twice("DATABASE_URL")));
}

/// K1.
#[test]
fn weak_keys_and_empty_items_refuse_to_start() {
    for (name, text) in [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "12345678"),
        (
            "SECRET_KEY",
            "django-insecure-0123456789abcdef0123456789abcdef",
        ),
        ("SECRET_KEY_FALLBACKS", ""),
        ("SECRET_KEY_FALLBACKS", "old,"),
        ("SECRET_KEY_FALLBACKS", ","),
        ("SECRET_KEY_FALLBACKS", "a,b"),
        ("SECRET_KEY_FALLBACKS", r#"[""]"#),
    ] {
        let mut variables = vec![("SECRET_KEY", STRONG), (name, text)];
        if name == "SECRET_KEY" {
            variables.remove(0);
        }
        let settings = from_environment(&variables).unwrap();
        assert!(
            settings.secrets(WeakKeys::Refused).is_err(),
            "{name}={text}"
        );
    }
    // On a loopback address weak ones pass, empty ones never.
    let weak =
        from_environment(&[("SECRET_KEY", "weak"), ("SECRET_KEY_FALLBACKS", "a,b")]).unwrap();
    assert!(weak.secrets(WeakKeys::Pass).unwrap().is_some());
    for (name, text) in [("SECRET_KEY", ""), ("SECRET_KEY_FALLBACKS", "old,")] {
        let settings = from_environment(&[(name, text)]).unwrap();
        assert!(settings.secrets(WeakKeys::Pass).is_err(), "{name}={text}");
    }
}

#[test]
fn secrets_come_from_files_of_which_a_later_source_replaces_either_form() {
    let key = file(&format!("{STRONG}\n"));
    let old = file(&format!("{STRONG}1\n{STRONG}2\n"));
    let key_path = key.path().to_str().unwrap();
    let settings = from_environment(&[
        ("SECRET_KEY_FILE", key_path),
        ("SECRET_KEY_FALLBACKS_FILE", old.path().to_str().unwrap()),
    ])
    .unwrap();
    let secrets = settings.secrets(WeakKeys::Refused).unwrap().unwrap();
    assert_eq!(secrets.fallbacks().len(), 2);

    let both = from_environment(&[("SECRET_KEY_FILE", key_path), ("SECRET_KEY", STRONG)]);
    assert!(matches!(both, Err(SettingsError::Both("SECRET_KEY", _))));

    let in_file = file(&format!(
        "SECRET_KEY = 'weak'\nSECRET_KEY_FALLBACKS = ['{STRONG}']"
    ));
    let settings = Settings::load(
        Some(in_file.path()),
        environment(&[("SECRET_KEY_FILE", key_path)]),
    )
    .unwrap();
    let secrets = settings.secrets(WeakKeys::Refused).unwrap().unwrap();
    assert_eq!(secrets.fallbacks().len(), 1);
}

/// S11.
#[test]
fn no_message_shows_a_secret() {
    let settings = from_environment(&[
        ("SECRET_KEY", "hunter2"),
        ("DATABASE_URL", "postgres://u:hunter2@h/d"),
    ])
    .unwrap();
    let error = settings.secrets(WeakKeys::Refused).unwrap_err();
    let broken = file("SESSION_COOKIE_AGE = 1\nSECRET_KEY = hunter2 hunter2");
    let toml = Settings::load(Some(broken.path()), []).unwrap_err();
    assert!(toml.to_string().contains("line 2"), "{toml}");
    for text in [
        format!("{settings:?}"),
        error.to_string(),
        format!("{error:?}"),
        toml.to_string(),
        format!("{toml:?}"),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
