//! From settings by their Django names to a [`Config`].

mod session;
mod throttle;

use cloakroom_core::cookie::{SameSite, SetCookie};
use cloakroom_core::csrf::{TokenHeader, TrustedOrigins};
use cloakroom_core::secret::Secrets;
use cloakroom_core::time::Zone;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::settings::of;
use super::{Config, ConfigError, CookieConfig, SecretPlace, Secure, Settings};
use crate::host::{HostPattern, Network, TrustedProxies};

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

/// `TIME_ZONE`.
fn time_zone(settings: &Settings) -> Result<Option<Zone>, ConfigError> {
    let name = settings.parsed::<String>("TIME_ZONE", "a name such as Europe/Berlin")?;
    name.map(|name| of("TIME_ZONE", Zone::local(&name)))
        .transpose()
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
mod tests;
