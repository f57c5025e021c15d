//! A site's settings: Django's, by profile, and what Django has no word for.

mod apply;
mod jwt;
mod mail;
mod passwords;
mod settings;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use cloakroom_core::auth::{Limits, NextRule, Relogin, ResetTokens};
use cloakroom_core::cookie::{PreparedCookie, Refusal, SameSite, SiteCookie};
use cloakroom_core::csrf::{CsrfRules, Veto};
use cloakroom_core::password::{Hasher, Hashers, Validators};
use cloakroom_core::secret::Secrets;
use cloakroom_core::session::{Codec, Lifetime, SessionKey};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::{Timestamp, Zone};
use cloakroom_core::version::DjangoVersion;

use crate::host::HostRules;

pub use jwt::JwtConfig;
pub use mail::{MailBackend, MailConfig};
use settings::of;
pub use settings::{ConfigError, Settings};

/// Everything a site decides. The fields are Django's settings, grouped; change them after choosing a profile.
///
/// ```
/// use cloakroom::{Config, secret::{SecretKey, Secrets}};
///
/// let key = SecretKey::new("fifty random characters that nobody else knows, say")?;
/// let mut config = Config::strict(Secrets::new(key));
/// config.session.cookie.name = "__Host-sessionid".into();
/// # Ok::<(), cloakroom::secret::SecretError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// `SECRET_KEY` and `SECRET_KEY_FALLBACKS`.
    pub secrets: Secrets,
    /// The oldest Django in the fleet decides what is written where releases differ.
    pub django_version: DjangoVersion,
    /// `SIGNED_COOKIE_LEGACY_SALT_FALLBACK`; `None` for the default of that Django.
    pub accepts_legacy_signed_cookies: Option<bool>,
    /// Sessions and their cookie.
    pub session: SessionConfig,
    /// The CSRF check and its cookie.
    pub csrf: CsrfConfig,
    /// Which hosts, schemes and proxies are believed.
    pub hosts: HostRules,
    /// Login, logout and passwords.
    pub login: LoginConfig,
    /// Where the site is for its users, such as `https://www.example.org`: links in letters lead there, never to the host
    /// that a request names. `None`: no such letter is written.
    pub public_origin: Option<String>,
    /// `DEFAULT_FROM_EMAIL`: whom letters are from.
    pub mail_from: String,
    /// How letters leave (`EMAIL_…`).
    pub mail: MailConfig,
    /// Access and refresh tokens.
    pub jwt: JwtConfig,
}

/// The `SESSION_…` settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// `SESSION_COOKIE_…`. Its age is in `lifetime`.
    pub cookie: CookieConfig,
    /// `SESSION_COOKIE_AGE`, `SESSION_EXPIRE_AT_BROWSER_CLOSE`, and the limits that Django has not.
    pub lifetime: Lifetime,
    /// `SESSION_SAVE_EVERY_REQUEST`. Off: a request that only reads writes nothing.
    pub save_every_request: bool,
    /// Names that may not change underneath a request: what second factors keep in a session.
    pub guarded_names: Vec<String>,
    /// Characters of a new session's key. 32, as in Django; keys of any length are read.
    pub key_length: usize,
    /// The signing salt; another one where the site subclasses Django's engine.
    pub salt: String,
    /// When stored text is compressed. Django reads both forms.
    pub compression: Compression,
    /// What two session cookies in one request mean.
    pub duplicates: Duplicates,
    /// How many sessions that nobody is signed in to one address may begin in an hour; one more is answered 429.
    /// `None`: as many as it likes, as in Django.
    ///
    /// Whoever is behind a proxy that is not in [`HostRules::trusted_proxies`] has the proxy's address. Where the
    /// address is not known, or is this machine's own, nothing is counted.
    pub anonymous_per_hour: Option<NonZeroU32>,
    /// Whether the browser's cookie is deleted when it opens nothing. Django does so; it can delete the cookie
    /// of a login that another request has just made.
    pub deletes_dead_cookie: bool,
}

/// What two session cookies in one request mean: a browser sends them when a sibling host has set one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Duplicates {
    /// The last one counts, as in Django.
    LastWins,
    /// Neither counts: one of them may be an attacker's.
    Anonymous,
}

/// The `CSRF_…` settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CsrfConfig {
    /// `CSRF_COOKIE_…`.
    pub cookie: CookieConfig,
    /// `CSRF_COOKIE_AGE` in seconds; `None` until the browser closes.
    pub cookie_age: Option<i64>,
    /// Trusted origins, the header, and the veto.
    pub rules: CsrfRules,
    /// Where the secret is kept that forms prove.
    pub secret: SecretPlace,
    /// Whether a request with `Authorization: Bearer …` has no cookies: neither is it its visitor's, nor can another
    /// site's page have sent it, so it needs no token. Off: it needs one, and may still be its visitor's, as in
    /// Django.
    pub bearer_has_no_cookies: bool,
    /// How many bytes all requests together may keep while their tokens are looked for, on routes where they may
    /// [come late](crate::CloakroomLayer::csrf_token_anywhere). More: 503.
    pub spool_quota: u64,
    /// `FILE_UPLOAD_TEMP_DIR`: where those bytes are kept, in files without names. `None`: the system's folder.
    pub spool_folder: Option<PathBuf>,
}

/// Where the CSRF secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the places")]
pub enum SecretPlace {
    /// In a cookie that scripts of the site's pages can read: Django's default.
    Cookie,
    /// There too, made for one login: of a secret that was made for another login, or by a Django, nothing is proven.
    /// For sites of our own. A page that shows a token loads its session.
    CookieOfLogin,
    /// In the session (`CSRF_USE_SESSIONS`). A page that shows a token loads and saves its session.
    Session,
}

/// The attributes that the session's and the CSRF cookie have in common.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CookieConfig {
    /// `…_COOKIE_NAME`.
    pub name: String,
    /// `…_COOKIE_DOMAIN`; `None` for this host only.
    pub domain: Option<String>,
    /// `…_COOKIE_PATH`.
    pub path: String,
    /// `…_COOKIE_SECURE`.
    pub secure: Secure,
    /// `…_COOKIE_HTTPONLY`: scripts cannot read it.
    pub http_only: bool,
    /// `…_COOKIE_SAMESITE`; `None` leaves it to the browser.
    pub same_site: Option<SameSite>,
}

/// Whether a cookie is for https only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the cases")]
pub enum Secure {
    /// Always, but for plain http on a loopback name without any proxy: browsers would not keep it there.
    UnlessLocal,
    /// Always.
    Always,
    /// Never: Django's default. Whoever reads the network reads the cookie.
    Never,
}

/// The `LOGIN_…`, `LOGOUT_…` and password settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginConfig {
    /// `LOGIN_URL`: where pages for users send others.
    pub login_url: String,
    /// `LOGIN_REDIRECT_URL`: where a login without `next` leads.
    pub login_redirect_url: String,
    /// `LOGOUT_REDIRECT_URL`.
    pub logout_redirect_url: String,
    /// Which `next` is followed.
    pub next_rule: NextRule,
    /// What becomes of the session key when a user who is signed in signs in again.
    pub relogin: Relogin,
    /// `AUTHENTICATION_BACKENDS`.
    pub backends: Vec<String>,
    /// Columns of the site's own whose texts follow the password in what ties a session to its user. The store must
    /// read them. A Django beside us must hash the same: see `docs/django.md`.
    pub hash_columns: Vec<String>,
    /// What stands before each of these texts. A NUL, which no database keeps in them.
    pub hash_separator: String,
    /// How passwords are hashed.
    pub hashers: Hashers,
    /// `AUTH_PASSWORD_VALIDATORS`: what new passwords must be.
    pub validators: Validators,
    /// Whether a login writes a new hash where the stored one is not as new ones are. It ends the user's other
    /// sessions.
    pub rehashes: bool,
    /// How many failures cost how much waiting; `None`: tries are not counted, as in Django.
    pub throttle: Option<Limits>,
    /// How long after it began a failed login is answered, whatever the reason. Zero: as soon as it is known, as in
    /// Django; then the time tells for whom there is an account with an older hash or none.
    ///
    /// It should be four times what a password takes to verify: half of it may be waited for one's turn.
    pub failure_time: Duration,
    /// How many may wait for their passwords to be verified; one more is answered 503. Those with the cookie of a browser
    /// that is known wait apart.
    pub most_waiting: usize,
    /// The cookie by which a browser is known in which its user has signed in before, so that others who guess at the
    /// account do not lock its owner out; `None`: there is none, as in Django. It is nothing without `throttle`.
    pub device_cookie: Option<CookieConfig>,
    /// `PASSWORD_RESET_TIMEOUT`: seconds at which a link for a new password is still valid.
    pub password_reset_timeout: i64,
    /// `TIME_ZONE`, whatever `USE_TZ` says: the time in such a link is that of this zone's wall clock.
    pub time_zone: Zone,
    /// Where somebody is sent who has a second factor, for which only a Django beside us can ask.
    pub second_factor_url: Option<String>,
    /// Whether pages that asked for the signed-in user get `Cache-Control: private, no-store`, and other responses
    /// that set the session's or the CSRF cookie `private`.
    pub pages_are_private: bool,
}

impl Config {
    /// For sites of our own: what today's standards ask.
    #[must_use]
    pub fn strict(secrets: Secrets) -> Self {
        let mut config = Self::shared(secrets);
        config.session.duplicates = Duplicates::Anonymous;
        config.session.lifetime = Lifetime {
            anonymous_age: Some(86_400),
            absolute: Some(30 * 86_400),
            ..Lifetime::DJANGO
        };
        // A login is a login, whatever keeps it.
        config.jwt.family_lifetime = config.session.lifetime.absolute;
        config.csrf.rules.veto = Veto::CrossAndSameSite;
        config.login.next_rule = NextRule::PathOnly;
        config.login.hashers = Hashers::new(config.django_version).preferring(Hasher::ARGON2ID);
        config.login.rehashes = true;
        config.login.password_reset_timeout = 3600;
        config.login.validators = Validators::strict();
        config
    }

    /// Beside a Django: everything with which it would disagree is as it is there.
    #[must_use]
    pub fn shared(secrets: Secrets) -> Self {
        let mut config = Self::django(secrets);
        config.session.cookie.secure = Secure::UnlessLocal;
        config.session.compression = Compression::Above(1024);
        config.session.deletes_dead_cookie = false;
        config.session.anonymous_per_hour = NonZeroU32::new(600);
        config.csrf.cookie.secure = Secure::UnlessLocal;
        config.csrf.rules.veto = Veto::CrossSite;
        config.csrf.bearer_has_no_cookies = true;
        config.hosts = HostRules::default();
        config.login.relogin = Relogin::RenewsKey;
        config.login.rehashes = false;
        config.login.throttle = Some(Limits::default());
        config.login.failure_time = Duration::from_secs(1);
        config.login.device_cookie = Some(CookieConfig {
            name: "cloakroom_device".to_owned(),
            ..config.session.cookie.clone()
        });
        config.login.pages_are_private = true;
        config
    }

    /// Django's defaults to the letter, with the URLs of our own pages.
    #[must_use]
    pub fn django(secrets: Secrets) -> Self {
        let version = DjangoVersion::LATEST;
        let cookie = |name: &str, http_only| CookieConfig {
            name: name.to_owned(),
            domain: None,
            path: "/".to_owned(),
            secure: Secure::Never,
            http_only,
            same_site: Some(SameSite::Lax),
        };
        Self {
            secrets,
            django_version: version,
            accepts_legacy_signed_cookies: None,
            session: SessionConfig {
                cookie: cookie("sessionid", true),
                lifetime: Lifetime::DJANGO,
                save_every_request: false,
                guarded_names: ["otp_device_id", "account_authentication_methods"]
                    .map(String::from)
                    .to_vec(),
                key_length: SessionKey::LENGTH,
                salt: Codec::DJANGO_SALT.to_owned(),
                compression: Compression::Always,
                duplicates: Duplicates::LastWins,
                anonymous_per_hour: None,
                deletes_dead_cookie: true,
            },
            csrf: CsrfConfig {
                cookie: cookie("csrftoken", false),
                cookie_age: Some(31_449_600),
                rules: CsrfRules::new(Veto::None),
                secret: SecretPlace::Cookie,
                bearer_has_no_cookies: false,
                spool_quota: 1 << 30,
                spool_folder: None,
            },
            hosts: HostRules::django(),
            login: LoginConfig {
                login_url: "/login/".to_owned(),
                login_redirect_url: "/home/".to_owned(),
                logout_redirect_url: "/login/".to_owned(),
                next_rule: NextRule::Django,
                relogin: Relogin::KeepsKey,
                backends: Vec::new(),
                hash_columns: Vec::new(),
                hash_separator: "\0".to_owned(),
                hashers: Hashers::new(version),
                validators: Validators::default(),
                rehashes: true,
                throttle: None,
                failure_time: Duration::ZERO,
                most_waiting: 128,
                device_cookie: None,
                second_factor_url: None,
                password_reset_timeout: 259_200,
                time_zone: Zone::UTC,
                pages_are_private: false,
            },
            public_origin: None,
            mail_from: "webmaster@localhost".to_owned(),
            mail: MailConfig::default(),
            jwt: JwtConfig::new(),
        }
    }

    /// The rules for links by which users choose a new password.
    #[must_use]
    pub fn reset_tokens(&self) -> ResetTokens {
        ResetTokens::new(&self.secrets, self.login.password_reset_timeout)
            .with_time_zone(self.login.time_zone)
            .with_dates_in(self.session.lifetime.zone)
    }

    /// Finds what would show only at the first visit: a cookie that cannot be written, or that browsers would drop
    /// without a word (a name beginning with `__Host-` beside a domain, say). Settings that were read from text
    /// ([`from_settings`](Self::from_settings)) have been checked.
    ///
    /// A site that is made without this check answers 500 wherever it would have to set such a cookie.
    ///
    /// # Errors
    /// The session's or the CSRF cookie is not as browsers want it, or a token would live longer than it may.
    pub fn check(&self) -> Result<(), ConfigError> {
        let _ = of("SESSION_COOKIE_NAME", self.session.cookie.checked())?;
        let _ = of("CSRF_COOKIE_NAME", self.csrf.cookie.checked())?;
        if let Some(cookie) = &self.login.device_cookie {
            let _ = of("LOGIN_DEVICE_COOKIE_NAME", cookie.checked())?;
        }
        self.jwt.check()
    }

    /// From the environment: `SECRET_KEY`, `SECRET_KEY_FALLBACKS`, their files, `CLOAKROOM_PROFILE`, and any
    /// setting as `CLOAKROOM_` and its Django name.
    ///
    /// # Errors
    /// A variable has a value that its setting cannot have, or there is no secret key.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_settings(&Settings::from_env()?)
    }
}

impl CookieConfig {
    /// All of this cookie that is the same in every response.
    fn prepared(&self) -> Result<PreparedCookie, InvalidCookie> {
        let cookie = SiteCookie {
            name: &self.name,
            domain: self.domain.as_deref(),
            path: &self.path,
            http_only: self.http_only,
            same_site: self.same_site,
        };
        Ok(cookie.prepared()?)
    }

    /// The same, if browsers would take it, whatever its value.
    pub(crate) fn checked(&self) -> Result<PreparedCookie, InvalidCookie> {
        let prepared = self.prepared()?;
        let secure = self.secure != Secure::Never;
        let cookie = prepared.cookie("a", None, secure)?;
        match cookie.refusal(Timestamp::now()) {
            Some(refusal) => Err(InvalidCookie::Refused(refusal)),
            None => Ok(prepared),
        }
    }
}

/// A cookie cannot be written with these settings, or no browser would keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCookie {
    /// A part of it cannot stand in a header.
    Unwritable(cloakroom_core::cookie::CookieError),
    /// Browsers would drop it.
    Refused(Refusal),
}

impl From<cloakroom_core::cookie::CookieError> for InvalidCookie {
    fn from(error: cloakroom_core::cookie::CookieError) -> Self {
        Self::Unwritable(error)
    }
}

impl std::fmt::Display for InvalidCookie {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unwritable(error) => error.fmt(formatter),
            Self::Refused(refusal) => refusal.fmt(formatter),
        }
    }
}

impl std::error::Error for InvalidCookie {}
