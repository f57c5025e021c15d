//! From settings by their Django names to a [`Config`].

mod throttle;

use cloakroom_core::cookie::{SameSite, SetCookie};
use cloakroom_core::csrf::{TokenHeader, TrustedOrigins};
use cloakroom_core::secret::Secrets;
use cloakroom_core::session::SessionKey;
use cloakroom_core::time::Zone;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::settings::of;
use super::{Config, ConfigError, CookieConfig, SecretPlace, Secure, Settings};
use crate::host::{HostPattern, Network, TrustedProxies};

/// Characters of the longest keys that sites are known to draw. A cookie has room for more, a column has not.
const LONGEST_KEY: usize = 128;

/// `PROFILE`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    Strict,
    Shared,
    Django,
}

impl Settings {
    fn profile(&self) -> Result<Profile, ConfigError> {
        match self.parsed::<String>("PROFILE", "a text")?.as_deref() {
            None | Some("strict") => Ok(Profile::Strict),
            Some("shared") => Ok(Profile::Shared),
            Some("django") => Ok(Profile::Django),
            Some(_) => Err(ConfigError::new(
                "PROFILE",
                "wants strict, shared or django",
            )),
        }
    }
}

impl Config {
    /// From settings by their Django names. `PROFILE` (`strict`, `shared` or `django`) says from which defaults.
    ///
    /// # Errors
    /// There is no secret key, a setting is not known, or it cannot have its value.
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        if let Some(unknown) = settings
            .values
            .keys()
            .find(|name| !Settings::NAMES.contains(&name.as_str()))
        {
            return Err(ConfigError::new(unknown, "is no setting of Cloakroom's"));
        }
        let key = settings.secret_key.clone();
        let key = key.ok_or_else(|| {
            ConfigError::new("SECRET_KEY", "is missing; set it, or SECRET_KEY_FILE")
        })?;
        let secrets = Secrets::new(key).with_fallbacks(settings.fallbacks.clone());
        let profile = settings.profile()?;
        let mut config = match profile {
            Profile::Strict => Self::strict(secrets),
            Profile::Shared => Self::shared(secrets),
            Profile::Django => Self::django(secrets),
        };
        config.apply_login(settings)?;
        config.apply_passwords(settings, profile)?;
        config.apply_session(settings)?;
        config.apply_throttle(settings)?;
        config.apply_mail(settings)?;
        config.apply_csrf(settings)?;
        config.apply_hosts(settings)?;
        config.jwt.apply(settings)?;
        config.check()?;
        Ok(config)
    }

    fn apply_login(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        let login = &mut self.login;
        if let Some(text) = settings.parsed::<String>("DJANGO_VERSION", "a version such as 6.1")? {
            self.django_version = of("DJANGO_VERSION", text.parse())?;
        }
        let accepts = settings.parsed("SIGNED_COOKIE_LEGACY_SALT_FALLBACK", "true or false")?;
        self.accepts_legacy_signed_cookies = accepts.or(self.accepts_legacy_signed_cookies);
        let urls = [
            ("LOGIN_URL", &mut login.login_url),
            ("LOGIN_REDIRECT_URL", &mut login.login_redirect_url),
            ("LOGOUT_REDIRECT_URL", &mut login.logout_redirect_url),
        ];
        for (name, url) in urls {
            if let Some(text) = settings.parsed::<String>(name, "a URL")? {
                if !text.starts_with('/') && !text.contains("://") {
                    return Err(ConfigError::new(
                        name,
                        "wants a path that begins with / or a whole URL",
                    ));
                }
                *url = text;
            }
        }
        assign(
            settings,
            "PASSWORD_RESET_TIMEOUT",
            "a number of seconds",
            &mut login.password_reset_timeout,
        )?;
        if login.password_reset_timeout < 1 {
            return Err(ConfigError::new(
                "PASSWORD_RESET_TIMEOUT",
                "wants at least 1 second",
            ));
        }
        login.time_zone = time_zone(settings)?.unwrap_or(Zone::UTC);
        assign(
            settings,
            "USER_HASH_COLUMNS",
            "a list of texts",
            &mut login.hash_columns,
        )?;
        assign(
            settings,
            "USER_HASH_SEPARATOR",
            "a text",
            &mut login.hash_separator,
        )?;
        assign(
            settings,
            "AUTHENTICATION_BACKENDS",
            "a list of texts",
            &mut login.backends,
        )
    }

    fn apply_session(&mut self, settings: &Settings) -> Result<(), ConfigError> {
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

    fn apply_csrf(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        let csrf = &mut self.csrf;
        apply_cookie(settings, "CSRF", &mut csrf.cookie)?;
        assign(
            settings,
            "CSRF_COOKIE_AGE",
            "a number of seconds, or null",
            &mut csrf.cookie_age,
        )?;
        warn_of_a_long_age("CSRF_COOKIE_AGE", csrf.cookie_age);
        let in_session = settings.parsed("CSRF_USE_SESSIONS", "true or false")?;
        let bound = settings.parsed("CSRF_BIND_TO_LOGIN", "true or false")?;
        csrf.secret = match (in_session.unwrap_or(false), bound.unwrap_or(false)) {
            (false, false) => SecretPlace::Cookie,
            (true, false) => SecretPlace::Session,
            (false, true) if settings.profile()? == Profile::Strict => SecretPlace::CookieOfLogin,
            (false, true) => {
                return Err(ConfigError::new(
                    "CSRF_BIND_TO_LOGIN",
                    "is for the profile strict: the secrets that a Django beside this site makes belong to no login",
                ));
            }
            (true, true) => {
                return Err(ConfigError::new(
                    "CSRF_BIND_TO_LOGIN",
                    "is for secrets in a cookie: with CSRF_USE_SESSIONS they belong to their session",
                ));
            }
        };
        assign(
            settings,
            "BEARER_HAS_NO_COOKIES",
            "true or false",
            &mut csrf.bearer_has_no_cookies,
        )?;
        let shared_by = match csrf.secret {
            SecretPlace::Session => &self.session.cookie.domain,
            SecretPlace::Cookie | SecretPlace::CookieOfLogin => &csrf.cookie.domain,
        };
        csrf.rules.cookie_domain.clone_from(shared_by);
        if let Some(text) = settings.parsed::<String>("CSRF_HEADER_NAME", "a text")? {
            let header = TokenHeader::from_setting(&text);
            csrf.rules.header = header.ok_or_else(|| {
                ConfigError::new("CSRF_HEADER_NAME", "wants a name such as HTTP_X_CSRFTOKEN")
            })?;
        }
        if let Some(origins) =
            settings.parsed::<Vec<String>>("CSRF_TRUSTED_ORIGINS", "a list of origins")?
        {
            let origins = TrustedOrigins::new(origins.iter().map(String::as_str));
            csrf.rules.trusted_origins = of("CSRF_TRUSTED_ORIGINS", origins)?;
        }
        assign(
            settings,
            "CSRF_SPOOL_QUOTA",
            "a number of bytes",
            &mut csrf.spool_quota,
        )?;
        assign(
            settings,
            "FILE_UPLOAD_TEMP_DIR",
            "a folder, or null",
            &mut csrf.spool_folder,
        )?;
        Ok(())
    }

    fn apply_hosts(&mut self, settings: &Settings) -> Result<(), ConfigError> {
        let hosts = &mut self.hosts;
        if let Some(patterns) =
            settings.parsed::<Vec<String>>("ALLOWED_HOSTS", "a list of hosts")?
        {
            hosts.allowed = patterns
                .iter()
                .map(|pattern| HostPattern::new(pattern))
                .collect();
        }
        assign(
            settings,
            "USE_X_FORWARDED_HOST",
            "true or false",
            &mut hosts.use_x_forwarded_host,
        )?;
        assign(
            settings,
            "USE_X_FORWARDED_PORT",
            "true or false",
            &mut hosts.use_x_forwarded_port,
        )?;
        if let Some(header) = settings.parsed::<Option<(String, String)>>(
            "SECURE_PROXY_SSL_HEADER",
            "a list of a header and its value",
        )? {
            let set = header.map(|(name, value)| {
                of("SECURE_PROXY_SSL_HEADER", hosts.proxy_header(&name, value))
            });
            hosts.secure_proxy_ssl_header = set.transpose()?;
        }
        if let Some(networks) =
            settings.parsed::<Vec<String>>("TRUSTED_PROXIES", "a list of addresses or networks")?
        {
            let networks = networks
                .iter()
                .map(|text| text.parse())
                .collect::<Result<Vec<Network>, _>>();
            hosts.trusted_proxies = TrustedProxies::Networks(of("TRUSTED_PROXIES", networks)?);
        }
        Ok(())
    }
}

/// No error: a Django beside may have it so, and browsers cut it.
fn warn_of_a_long_age(name: &str, age: Option<i64>) {
    if age.is_some_and(|age| age > SetCookie::LONGEST_AGE) {
        tracing::warn!("{name} is more than 400 days, for which no browser keeps a cookie");
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

/// `TIME_ZONE`.
fn time_zone(settings: &Settings) -> Result<Option<Zone>, ConfigError> {
    let name = settings.parsed::<String>("TIME_ZONE", "a name such as Europe/Berlin")?;
    name.map(|name| of("TIME_ZONE", Zone::local(&name)))
        .transpose()
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

fn apply_cookie(
    settings: &Settings,
    prefix: &str,
    cookie: &mut CookieConfig,
) -> Result<(), ConfigError> {
    let name = |end: &str| format!("{prefix}_COOKIE_{end}");
    assign(settings, &name("NAME"), "a text", &mut cookie.name)?;
    assign(
        settings,
        &name("DOMAIN"),
        "a text, or null",
        &mut cookie.domain,
    )?;
    assign(settings, &name("PATH"), "a text", &mut cookie.path)?;
    assign(
        settings,
        &name("HTTPONLY"),
        "true or false",
        &mut cookie.http_only,
    )?;
    if let Some(secure) = settings.parsed(&name("SECURE"), "true or false")? {
        cookie.secure = if secure {
            Secure::Always
        } else {
            Secure::Never
        };
    }
    match settings.value(&name("SAMESITE")) {
        None => {}
        Some(Value::Null | Value::Bool(false)) => cookie.same_site = None,
        Some(_) => {
            let text: Option<String> =
                settings.parsed(&name("SAMESITE"), "Lax, Strict, None or null")?;
            cookie.same_site = text
                .map(|text| of(&name("SAMESITE"), text.parse::<SameSite>()))
                .transpose()?;
        }
    }
    Ok(())
}

pub(super) fn assign<T: DeserializeOwned>(
    settings: &Settings,
    name: &str,
    wanted: &str,
    field: &mut T,
) -> Result<(), ConfigError> {
    if let Some(value) = settings.parsed(name, wanted)? {
        *field = value;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cloakroom_core::secret::SecretKey;
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
    fn an_access_token_lives_five_minutes_at_most() {
        let lifetime = |seconds: i64| config(&[("JWT_ACCESS_TOKEN_LIFETIME", json!(seconds))]);
        for seconds in [1, 300] {
            assert_eq!(
                lifetime(seconds).unwrap().jwt.access_token_lifetime,
                seconds
            );
        }
        for seconds in [-1, 0, 301, 86_400] {
            let error = lifetime(seconds).unwrap_err().to_string();
            assert!(error.contains("JWT_ACCESS_TOKEN_LIFETIME"), "{error}");
        }
        let refused = [
            ("JWT_REFRESH_TOKEN_LIFETIME", json!(0)),
            ("JWT_FAMILY_LIFETIME", json!(0)),
            ("JWT_USER_ID_CLAIM", json!("exp")),
            ("JWT_USER_ID_CLAIM", json!("")),
            ("JWT_ISSUER", json!(["a"])),
            ("JWT_CHECK_REVOKE_TOKEN", json!("yes")),
        ];
        for (name, value) in refused {
            assert!(config(&[(name, value)]).is_err(), "{name}");
        }
        assert!(config(&[]).unwrap().jwt.signing_key.is_none());
    }

    #[test]
    fn a_reset_link_lives_as_the_profile_and_the_setting_say() {
        let timeout = |values: &[(&str, Value)]| {
            Ok::<_, ConfigError>(config(values)?.login.password_reset_timeout)
        };
        assert_eq!(timeout(&[]), Ok(3600));
        for profile in ["shared", "django"] {
            assert_eq!(
                timeout(&[("PROFILE", json!(profile))]),
                Ok(259_200),
                "{profile}"
            );
        }
        assert_eq!(timeout(&[("PASSWORD_RESET_TIMEOUT", json!(60))]), Ok(60));
        for refused in [json!(0), json!(-1), json!(1.5), json!(null)] {
            assert!(timeout(&[("PASSWORD_RESET_TIMEOUT", refused)]).is_err());
        }
        // The wall clock counts, though dates are UTC's.
        let chicago = config(&[("TIME_ZONE", json!("America/Chicago"))]).unwrap();
        assert_eq!(Ok(chicago.login.time_zone), Zone::local("America/Chicago"));
        assert_eq!(chicago.session.lifetime.zone, Zone::UTC);
    }

    #[test]
    fn django_s_names_set_what_they_set_in_django() {
        let config = config(&[
            ("PROFILE", json!("shared")),
            ("DJANGO_VERSION", json!(5.2)),
            ("SESSION_COOKIE_AGE", json!(3600)),
            ("SESSION_COOKIE_NAME", json!("sid")),
            ("SESSION_COOKIE_SAMESITE", json!(null)),
            ("CSRF_COOKIE_AGE", json!(null)),
            ("CSRF_COOKIE_DOMAIN", json!(".example.com")),
            ("CSRF_TRUSTED_ORIGINS", json!(["https://*.example.com"])),
            ("ALLOWED_HOSTS", json!([".example.com"])),
            (
                "SECURE_PROXY_SSL_HEADER",
                json!(["HTTP_X_FORWARDED_PROTO", "https"]),
            ),
            ("TRUSTED_PROXIES", json!(["10.0.0.0/8", "::1"])),
            ("LOGIN_URL", json!("/accounts/login/")),
        ])
        .unwrap();
        assert_eq!(config.django_version.to_string(), "5.2.0");
        assert_eq!(config.session.lifetime.age, 3600);
        assert_eq!(
            (
                config.session.cookie.name.as_str(),
                config.session.cookie.same_site
            ),
            ("sid", None)
        );
        assert_eq!(config.csrf.cookie_age, None);
        assert_eq!(
            config.csrf.rules.cookie_domain.as_deref(),
            Some(".example.com")
        );
        assert_eq!(config.login.login_url, "/accounts/login/");
        assert!(!config.login.rehashes, "beside a Django only when told to");
    }

    #[test]
    fn what_a_setting_cannot_be_is_refused_by_name() {
        let rows = [
            ("NO_SUCH", json!(1)),
            ("PROFILE", json!("lax")),
            ("SESSION_COOKIE_AGE", json!("soon")),
            ("SESSION_COOKIE_AGE", json!(0)),
            ("SESSION_COOKIE_NAME", json!("a b")),
            ("SESSION_COOKIE_SAMESITE", json!("sometimes")),
            ("CSRF_TRUSTED_ORIGINS", json!(["example.com"])),
            ("CSRF_HEADER_NAME", json!("X-CSRFToken")),
            ("TRUSTED_PROXIES", json!(["everybody"])),
            ("LOGIN_URL", json!("login")),
            ("PBKDF2_ITERATIONS", json!(0)),
            ("PASSWORD_HASHERS", json!([])),
            ("PASSWORD_HASHERS", json!("argon2")),
            (
                "PASSWORD_HASHERS",
                json!(["shop.hashers.Argon2PasswordHasher"]),
            ),
            ("PASSWORD_HASHER_OPTIONS", json!([])),
            ("PASSWORD_HASHER_OPTIONS", json!({"argon3": {}})),
            ("PASSWORD_HASHER_OPTIONS", json!({"md5": {}})),
            ("PASSWORD_HASHER_OPTIONS", json!({"argon2": {"rounds": 12}})),
            (
                "PASSWORD_HASHER_OPTIONS",
                json!({"argon2": {"time_cost": 0}}),
            ),
            (
                "AUTH_PASSWORD_VALIDATORS",
                json!([{"NAME": "shop.Validator"}]),
            ),
            ("ANONYMOUS_SESSIONS_PER_HOUR", json!(0)),
            ("CSRF_USE_SESSIONS", json!("yes")),
            ("BEARER_HAS_NO_COOKIES", json!(1)),
            ("SESSION_KEY_LENGTH", json!(31)),
            ("SESSION_KEY_LENGTH", json!(129)),
            ("TIME_ZONE", json!("Middle-earth/Shire")),
            (
                "SESSION_SERIALIZER",
                json!("django.contrib.sessions.serializers.PickleSerializer"),
            ),
            ("SESSION_SERIALIZER", json!("shop.Serializer")),
        ];
        for (name, value) in rows {
            let error = config(&[(name, value.clone())]).unwrap_err();
            assert!(error.to_string().contains(name), "{name} {value}: {error}");
        }
    }

    #[test]
    fn an_address_begins_six_hundred_sessions_an_hour_unless_django_s_defaults_are_wanted() {
        let per_hour = |values: &[_]| {
            let config = config(values).unwrap();
            config.session.anonymous_per_hour.map(|number| number.get())
        };
        let profile = |name: &str| ("PROFILE", json!(name));
        let limit = |value| ("ANONYMOUS_SESSIONS_PER_HOUR", value);
        assert_eq!(per_hour(&[]), Some(600));
        assert_eq!(per_hour(&[profile("shared")]), Some(600));
        assert_eq!(per_hour(&[profile("django")]), None);
        assert_eq!(per_hour(&[limit(json!(null))]), None);
        assert_eq!(per_hour(&[profile("django"), limit(json!(7))]), Some(7));
    }

    #[test]
    fn a_csrf_secret_is_kept_where_the_settings_say() {
        let kept = |values: &[(&str, bool)], profile: &str| {
            let mut values: Vec<_> = values.iter().map(|(name, on)| (*name, json!(on))).collect();
            values.push(("PROFILE", json!(profile)));
            values.push(("SESSION_COOKIE_DOMAIN", json!("of-sessions")));
            values.push(("CSRF_COOKIE_DOMAIN", json!("of-csrf")));
            config(&values).map(|config| {
                let domain = config.csrf.rules.cookie_domain.unwrap();
                (config.csrf.secret, domain)
            })
        };
        let in_sessions = ("CSRF_USE_SESSIONS", true);
        let bound = ("CSRF_BIND_TO_LOGIN", true);
        for profile in ["strict", "shared", "django"] {
            let cookie = kept(&[("CSRF_USE_SESSIONS", false)], profile).unwrap();
            assert_eq!(cookie, (SecretPlace::Cookie, "of-csrf".into()));
            let session = kept(&[in_sessions], profile).unwrap();
            assert_eq!(session, (SecretPlace::Session, "of-sessions".into()));
        }
        let login = kept(&[bound], "strict").unwrap();
        assert_eq!(login, (SecretPlace::CookieOfLogin, "of-csrf".into()));
        for (values, profile) in [
            (&[bound][..], "shared"),
            (&[bound], "django"),
            (&[bound, in_sessions], "strict"),
        ] {
            let error = kept(values, profile).unwrap_err().to_string();
            assert!(error.contains("CSRF_BIND_TO_LOGIN"), "{profile}: {error}");
        }
    }

    #[test]
    fn a_site_of_local_time_names_its_zone() {
        let berlin = ("TIME_ZONE", json!("Europe/Berlin"));
        let off = ("USE_TZ", json!(false));
        let zone = |values: &[_]| config(values).map(|config| config.session.lifetime.zone);
        assert_eq!(zone(&[]), Ok(Zone::UTC));
        assert_eq!(zone(std::slice::from_ref(&berlin)), Ok(Zone::UTC));
        let error = zone(std::slice::from_ref(&off)).unwrap_err().to_string();
        assert!(error.contains("TIME_ZONE"), "{error}");
        let local = zone(&[berlin, off]).unwrap();
        assert_eq!(local, Zone::local("Europe/Berlin").unwrap());
    }

    #[test]
    fn a_serializer_that_runs_code_is_refused_by_name() {
        let serializer = |name: &str| {
            config(&[(
                "SESSION_SERIALIZER",
                json!(format!("django.contrib.sessions.serializers.{name}")),
            )])
        };
        assert!(serializer("JSONSerializer").is_ok());
        let error = serializer("PickleSerializer").unwrap_err().to_string();
        assert!(error.contains("PickleSerializer") && error.contains("JSONSerializer"));
    }

    #[test]
    fn a_prefixed_cookie_that_browsers_would_drop_is_refused() {
        let name = ("SESSION_COOKIE_NAME", json!("__Host-sessionid"));
        assert!(config(std::slice::from_ref(&name)).is_ok());
        assert!(config(&[name.clone(), ("SESSION_COOKIE_SECURE", json!(false))]).is_err());
        assert!(config(&[name, ("SESSION_COOKIE_DOMAIN", json!("example.com"))]).is_err());
    }
}
