//! The `SESSION_…` settings.

use cloakroom_core::session::SessionKey;
use cloakroom_core::time::Zone;

use super::{apply_cookie, assign, time_zone, warn_of_a_long_age};
use crate::config::{Config, ConfigError, Settings};

impl Config {
    pub(super) fn apply_session(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        let session = &mut self.session;
        apply_cookie(settings, "SESSION", &mut session.cookie)?;
        let lifetime = &mut session.lifetime;
        assign(
            settings,
            "SESSION_COOKIE_AGE",
            "a number of seconds",
            &mut lifetime.age,
        )?;
        if lifetime.age < 1 {
            return Err(ConfigError::new(
                "SESSION_COOKIE_AGE",
                "wants at least 1 second",
            ));
        }
        warn_of_a_long_age("SESSION_COOKIE_AGE", Some(lifetime.age));
        lifetime.zone = zone(settings)?;
        let bool_names = [
            (
                "SESSION_EXPIRE_AT_BROWSER_CLOSE",
                &mut lifetime.at_browser_close,
            ),
            (
                "SESSION_SAVE_EVERY_REQUEST",
                &mut session.save_every_request,
            ),
        ];
        for (name, field) in bool_names {
            assign(settings, name, "true or false", field)?;
        }
        assign(
            settings,
            "SESSION_GUARDED_NAMES",
            "a list of texts",
            &mut session.guarded_names,
        )?;
        if let Some(length) = settings.parsed("SESSION_KEY_LENGTH", "a number of characters")? {
            if !(SessionKey::LENGTH..=LONGEST_KEY).contains(&length) {
                return Err(ConfigError::new(
                    "SESSION_KEY_LENGTH",
                    "wants a number from 32 to 128",
                ));
            }
            session.key_length = length;
        }
        assign(
            settings,
            "ANONYMOUS_SESSIONS_PER_HOUR",
            "a number above 0, or null",
            &mut session.anonymous_per_hour,
        )?;
        check_serializer(settings)?;
        assign(
            settings,
            "SESSION_SIGNING_SALT",
            "a text",
            &mut session.salt,
        )
    }
}

/// In which zone dates are kept: by `USE_TZ` and `TIME_ZONE`.
fn zone(settings: &Settings) -> Result<Zone, ConfigError> {
    let uses_tz = settings.parsed("USE_TZ", "true or false")?;
    match (uses_tz, time_zone(settings)?) {
        // Then the zone is what Django shows dates in, and counts a reset link's seconds by.
        (None | Some(true), _) => Ok(Zone::UTC),
        (Some(false), Some(zone)) => Ok(zone),
        (Some(false), None) => Err(ConfigError::new(
            "TIME_ZONE",
            "is missing; with USE_TZ off, dates are kept in that zone",
        )),
    }
}

/// JSON is the only one; the setting is there so that another is refused by its name.
fn check_serializer(settings: &Settings) -> Result<(), ConfigError> {
    let name = settings.parsed::<String>("SESSION_SERIALIZER", "a text")?;
    match name
        .as_deref()
        .map(|name| name.rsplit('.').next().unwrap_or(name))
    {
        None | Some("JSONSerializer") => Ok(()),
        Some("PickleSerializer") => Err(ConfigError::new(
            "SESSION_SERIALIZER",
            "is PickleSerializer, which runs whatever code a session names; change the Django site to \
             django.contrib.sessions.serializers.JSONSerializer first",
        )),
        Some(_) => Err(ConfigError::new(
            "SESSION_SERIALIZER",
            "is a serializer of the site's own; only django.contrib.sessions.serializers.JSONSerializer is known",
        )),
    }
}

/// Characters of the longest keys that sites are known to draw. A cookie has room for more, a column has not.
const LONGEST_KEY: usize = 128;
