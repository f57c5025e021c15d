//! The settings there are, and what each may be.

use serde_json::Value;

/// What a setting's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Whole,
    WholeOrNone,
    Number,
    Text,
    TextOrNone,
    SameSite,
    Texts,
    TextsOrNone,
    /// Objects by name, as of options.
    Object,
    /// A list of objects.
    Objects,
}

impl Kind {
    /// Reads the text of an environment variable or a flag.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        match (self, text) {
            (Self::Bool, "True") => Some(Value::Bool(true)),
            (Self::Bool | Self::SameSite, "False") => Some(Value::Bool(false)),
            (Self::WholeOrNone | Self::TextOrNone | Self::TextsOrNone, "null" | "None")
            | (Self::SameSite, "null") => Some(Value::Null),
            (Self::SameSite, "false") => Some(Value::Bool(false)),
            (Self::Text | Self::TextOrNone | Self::SameSite, _) => self.check(Value::from(text)),
            _ => self.check(serde_json::from_str(text).ok()?),
        }
    }

    /// The value itself if it is of this kind. TOML has no null, so there `"None"` stands for it.
    pub(super) fn check(self, value: Value) -> Option<Value> {
        let texts = |value: &Value| {
            let items = value.as_array();
            items.is_some_and(|items| items.iter().all(Value::is_string))
        };
        let fits = match self {
            Self::Bool => value.is_boolean(),
            Self::Whole => value.is_i64(),
            Self::WholeOrNone => value.is_i64() || value.is_null(),
            Self::Number => value.is_number(),
            Self::Text => value.is_string(),
            Self::TextOrNone => value.is_string() || value.is_null(),
            Self::SameSite => {
                value.is_null()
                    || value == Value::Bool(false)
                    || ["Lax", "Strict", "None"]
                        .iter()
                        .any(|same_site| value == *same_site)
            }
            Self::Texts => texts(&value),
            Self::TextsOrNone => texts(&value) || value.is_null(),
            Self::Object => value.is_object(),
            Self::Objects => value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_object)),
        };
        let none = matches!(
            self,
            Self::WholeOrNone | Self::TextOrNone | Self::TextsOrNone
        ) && value == "None";
        if none {
            Some(Value::Null)
        } else {
            fits.then_some(value)
        }
    }

    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Whole => "a whole number, such as 3600",
            Self::WholeOrNone => "a whole number, such as 3600, or null",
            Self::Number => "a number, such as 1.5",
            Self::Text => "a text",
            Self::TextOrNone => "a text or null",
            Self::SameSite => "Lax, Strict, None or false",
            Self::Texts => r#"a list of texts in JSON, such as ["a", "b"]"#,
            Self::TextsOrNone => r#"a list of texts in JSON, such as ["a", "b"], or null"#,
            Self::Object => r#"an object in JSON, such as {"argon2": {"time_cost": 3}}"#,
            Self::Objects => r#"a list of objects in JSON, such as [{"NAME": "…"}]"#,
        }
    }
}

/// The setting's own spelling of its name, and its kind.
pub(super) fn find(name: &str) -> Option<(&'static str, Kind)> {
    SETTINGS.iter().copied().find(|(known, _)| *known == name)
}

/// The name that was probably meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let names = SETTINGS.iter().map(|(known, _)| *known).chain(SECRETS);
    names
        .map(|known| (distance(&upper, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .map(|(_, known)| known)
}

/// How many letters must be changed, added or left out.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = number + 1;
        for (place, other_letter) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != other_letter);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

/// The settings that hold secrets, or the names of files that do.
pub(super) const SECRETS: [&str; 5] = [
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "SECRET_KEY_FALLBACKS",
    "SECRET_KEY_FALLBACKS_FILE",
    "JWT_SIGNING_KEY",
];

/// Django's settings first, then those that Django does not have.
const SETTINGS: &[(&str, Kind)] = &[
    ("ALLOWED_HOSTS", Kind::Texts),
    ("AUTHENTICATION_BACKENDS", Kind::Texts),
    ("AUTH_PASSWORD_VALIDATORS", Kind::Objects),
    ("AUTH_USER_MODEL", Kind::Text),
    ("CSRF_COOKIE_AGE", Kind::WholeOrNone),
    ("CSRF_COOKIE_DOMAIN", Kind::TextOrNone),
    ("CSRF_COOKIE_HTTPONLY", Kind::Bool),
    ("CSRF_COOKIE_NAME", Kind::Text),
    ("CSRF_COOKIE_PATH", Kind::Text),
    ("CSRF_COOKIE_SAMESITE", Kind::SameSite),
    ("CSRF_COOKIE_SECURE", Kind::Bool),
    ("CSRF_HEADER_NAME", Kind::Text),
    ("CSRF_SPOOL_QUOTA", Kind::Whole),
    ("CSRF_TRUSTED_ORIGINS", Kind::Texts),
    ("CSRF_USE_SESSIONS", Kind::Bool),
    ("DEFAULT_FROM_EMAIL", Kind::Text),
    ("EMAIL_BACKEND", Kind::TextOrNone),
    ("EMAIL_FILE_PATH", Kind::TextOrNone),
    ("EMAIL_HOST", Kind::Text),
    ("EMAIL_HOST_PASSWORD_FILE", Kind::TextOrNone),
    ("EMAIL_HOST_USER", Kind::TextOrNone),
    ("EMAIL_PORT", Kind::WholeOrNone),
    ("EMAIL_TIMEOUT", Kind::Whole),
    ("EMAIL_USE_SSL", Kind::Bool),
    ("EMAIL_USE_TLS", Kind::Bool),
    ("FILE_UPLOAD_TEMP_DIR", Kind::TextOrNone),
    ("LOGIN_REDIRECT_URL", Kind::Text),
    ("LOGIN_URL", Kind::Text),
    ("LOGOUT_REDIRECT_URL", Kind::Text),
    ("PASSWORD_RESET_TIMEOUT", Kind::Whole),
    ("PASSWORD_HASHERS", Kind::Texts),
    ("SECURE_PROXY_SSL_HEADER", Kind::TextsOrNone),
    ("SESSION_COOKIE_AGE", Kind::Whole),
    ("SESSION_COOKIE_DOMAIN", Kind::TextOrNone),
    ("SESSION_COOKIE_HTTPONLY", Kind::Bool),
    ("SESSION_COOKIE_NAME", Kind::Text),
    ("SESSION_COOKIE_PATH", Kind::Text),
    ("SESSION_COOKIE_SAMESITE", Kind::SameSite),
    ("SESSION_COOKIE_SECURE", Kind::Bool),
    ("SESSION_EXPIRE_AT_BROWSER_CLOSE", Kind::Bool),
    ("SESSION_SAVE_EVERY_REQUEST", Kind::Bool),
    ("SESSION_SERIALIZER", Kind::Text),
    ("SIGNED_COOKIE_LEGACY_SALT_FALLBACK", Kind::Bool),
    ("TIME_ZONE", Kind::Text),
    ("USE_TZ", Kind::Bool),
    ("USE_X_FORWARDED_HOST", Kind::Bool),
    ("USE_X_FORWARDED_PORT", Kind::Bool),
    ("ANONYMOUS_SESSIONS_PER_HOUR", Kind::WholeOrNone),
    ("BEARER_HAS_NO_COOKIES", Kind::Bool),
    ("CACHE_KEY_PREFIX", Kind::Text),
    ("CACHE_URL", Kind::Text),
    ("CACHE_VERSION", Kind::Whole),
    ("CLEAR_SESSIONS_EVERY", Kind::WholeOrNone),
    ("CSRF_BIND_TO_LOGIN", Kind::Bool),
    ("DATABASE_URL", Kind::Text),
    ("DJANGO_VERSION", Kind::Text),
    ("JWT_ACCEPT_FOREIGN_REFRESH", Kind::Bool),
    ("JWT_ACCESS_TOKEN_LIFETIME", Kind::Whole),
    ("JWT_AUDIENCE", Kind::TextOrNone),
    ("JWT_CHECK_REVOKE_TOKEN", Kind::Bool),
    ("JWT_FAMILY_LIFETIME", Kind::WholeOrNone),
    ("JWT_ISSUER", Kind::TextOrNone),
    ("JWT_REFRESH_TOKEN_LIFETIME", Kind::Whole),
    ("JWT_USER_ID_CLAIM", Kind::Text),
    ("LISTEN", Kind::Text),
    ("LOGIN_DEVICE_COOKIE_NAME", Kind::TextOrNone),
    ("LOGIN_FAILURES_PER_ACCOUNT", Kind::Whole),
    ("LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", Kind::Whole),
    ("LOGIN_FAILURES_PER_ADDRESS", Kind::Whole),
    ("LOGIN_FAILURE_SECONDS", Kind::Number),
    ("LOGIN_QUEUE", Kind::Whole),
    ("LOGIN_SECOND_FACTOR_URL", Kind::TextOrNone),
    ("LOGIN_THROTTLE", Kind::Bool),
    ("MAX_CONNECTIONS", Kind::Whole),
    ("PASSWORD_HASHER_OPTIONS", Kind::Object),
    ("PBKDF2_ITERATIONS", Kind::Whole),
    ("PROFILE", Kind::Text),
    ("PUBLIC_ORIGIN", Kind::TextOrNone),
    ("SESSIONS", Kind::Text),
    ("SESSION_DATA_COLUMN", Kind::Text),
    ("SESSION_EXPIRE_COLUMN", Kind::Text),
    ("SESSION_EXTRA_COLUMNS", Kind::Texts),
    ("SESSION_GUARDED_NAMES", Kind::Texts),
    ("SESSION_KEY_COLUMN", Kind::Text),
    ("SESSION_KEY_LENGTH", Kind::Whole),
    ("SESSION_REVOCATIONS", Kind::TextOrNone),
    ("SESSION_SIGNING_SALT", Kind::Text),
    ("SESSION_TABLE", Kind::Text),
    ("TEMPLATE_FOLDER", Kind::TextOrNone),
    ("TRUSTED_PROXIES", Kind::Texts),
    ("EMAIL_FIELD", Kind::TextOrNone),
    ("USERNAME_FIELD", Kind::Text),
    ("USERNAME_CASE", Kind::Text),
    ("USER_ACTIVE_COLUMN", Kind::TextOrNone),
    ("USER_COLUMNS", Kind::Texts),
    ("USER_EXTRA_COLUMNS", Kind::Texts),
    ("USER_FIRST_NAME_COLUMN", Kind::TextOrNone),
    ("USER_GROUPS_TABLE", Kind::TextOrNone),
    ("USER_HASH_COLUMNS", Kind::Texts),
    ("USER_HASH_SEPARATOR", Kind::Text),
    ("USER_ID_COLUMN", Kind::Text),
    ("USER_ID_TYPE", Kind::Text),
    ("USER_JOINED_COLUMN", Kind::TextOrNone),
    ("USER_LAST_LOGIN_COLUMN", Kind::TextOrNone),
    ("USER_LAST_NAME_COLUMN", Kind::TextOrNone),
    ("USER_LINK_COLUMN", Kind::Text),
    ("USER_PASSWORD_COLUMN", Kind::Text),
    ("USER_PERMISSIONS_TABLE", Kind::TextOrNone),
    ("USER_STAFF_COLUMN", Kind::TextOrNone),
    ("USER_SUPERUSER_COLUMN", Kind::TextOrNone),
    ("USER_TABLE", Kind::Text),
];
