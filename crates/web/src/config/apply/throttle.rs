//! The settings of failed logins, of which Django has none.

use std::time::Duration;

use cloakroom_core::auth::{Delays, Limits};

use super::assign;
use crate::config::{Config, ConfigError, CookieConfig, Settings};

impl Config {
    /// After the settings of sessions: the cookie of a known browser is like theirs.
    pub(super) fn apply_throttle(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        let session_cookie = self.session.cookie.clone();
        let login = &mut self.login;
        match settings.parsed::<bool>("LOGIN_THROTTLE", "true or false")? {
            None => {}
            Some(false) => login.throttle = None,
            Some(true) => login.throttle = login.throttle.or_else(|| Some(Limits::default())),
        }
        let mut limits = login.throttle.unwrap_or_default();
        let free: [(&str, &mut Delays); 3] = [
            ("LOGIN_FAILURES_PER_ACCOUNT", &mut limits.account),
            ("LOGIN_FAILURES_PER_ADDRESS", &mut limits.address),
            ("LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", &mut limits.both),
        ];
        for (name, delays) in free {
            assign(settings, name, "a number of failures", &mut delays.free)?;
            if delays.free == 0 {
                return Err(ConfigError::new(
                    name,
                    "wants at least 1, or nobody could sign in",
                ));
            }
        }
        login.throttle = login.throttle.map(|_| limits);
        if let Some(seconds) =
            settings.parsed::<f64>("LOGIN_FAILURE_SECONDS", "a number of seconds")?
        {
            let time = Duration::try_from_secs_f64(seconds).ok();
            login.failure_time = time
                .filter(|time| *time <= LONGEST_FAILURE)
                .ok_or_else(|| {
                    ConfigError::new(
                        "LOGIN_FAILURE_SECONDS",
                        "wants a number of seconds from 0 to 60",
                    )
                })?;
        }
        assign(
            settings,
            "LOGIN_QUEUE",
            "a number of logins",
            &mut login.most_waiting,
        )?;
        if login.most_waiting == 0 {
            return Err(ConfigError::new("LOGIN_QUEUE", "wants at least 1"));
        }
        let name = login.device_cookie.take().map(|cookie| cookie.name);
        let mut name = name.filter(|_| login.throttle.is_some());
        assign(
            settings,
            "LOGIN_DEVICE_COOKIE_NAME",
            "a text, or null",
            &mut name,
        )?;
        login.device_cookie = name.map(|name| CookieConfig {
            name,
            http_only: true,
            ..session_cookie
        });
        Ok(())
    }
}

/// Nobody waits for longer at a page.
const LONGEST_FAILURE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use cloakroom_core::secret::{SecretKey, Secrets};
    use serde_json::{Value, json};

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
    fn logins_are_throttled_unless_django_s_defaults_are_wanted() {
        let login = |values: &[_]| config(values).unwrap().login;
        for profile in ["strict", "shared"] {
            let login = login(&[("PROFILE", json!(profile))]);
            assert_eq!(login.throttle, Some(Limits::default()));
            assert_eq!(login.failure_time, Duration::from_secs(1));
            assert_eq!(login.device_cookie.unwrap().name, "cloakroom_device");
        }
        let django = login(&[("PROFILE", json!("django"))]);
        assert!(django.throttle.is_none() && django.device_cookie.is_none());
        assert_eq!(django.failure_time, Duration::ZERO);
        let off = login(&[("LOGIN_THROTTLE", json!(false))]);
        assert!(off.throttle.is_none() && off.device_cookie.is_none());
        let on = login(&[
            ("PROFILE", json!("django")),
            ("LOGIN_THROTTLE", json!(true)),
        ]);
        assert_eq!(on.throttle, Some(Limits::default()));
    }

    #[test]
    fn numbers_of_failures_and_the_time_are_settings() {
        let login = config(&[
            ("LOGIN_FAILURES_PER_ACCOUNT", json!(20)),
            ("LOGIN_FAILURES_PER_ADDRESS", json!(500)),
            ("LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", json!(3)),
            ("LOGIN_FAILURE_SECONDS", json!(0.25)),
            ("LOGIN_QUEUE", json!(7)),
            ("LOGIN_DEVICE_COOKIE_NAME", json!("__Host-known")),
            ("SESSION_COOKIE_SECURE", json!(true)),
        ]);
        let login = login.unwrap().login;
        let limits = login.throttle.unwrap();
        let free = [limits.account.free, limits.address.free, limits.both.free];
        assert_eq!(free, [20, 500, 3]);
        assert_eq!(login.failure_time, Duration::from_millis(250));
        assert_eq!(login.most_waiting, 7);
        assert_eq!(login.device_cookie.unwrap().name, "__Host-known");
    }

    #[test]
    fn what_would_let_nobody_in_is_refused_by_name() {
        for (name, value) in [
            ("LOGIN_FAILURES_PER_ACCOUNT", json!(0)),
            ("LOGIN_FAILURES_PER_ADDRESS", json!(-1)),
            ("LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", json!("few")),
            ("LOGIN_FAILURE_SECONDS", json!(-1)),
            ("LOGIN_FAILURE_SECONDS", json!(61)),
            ("LOGIN_QUEUE", json!(0)),
            ("LOGIN_DEVICE_COOKIE_NAME", json!("a b")),
            ("LOGIN_THROTTLE", json!("sometimes")),
        ] {
            let error = config(&[(name, value.clone())]).unwrap_err();
            assert!(error.to_string().contains(name), "{name} {value}: {error}");
        }
    }
}
