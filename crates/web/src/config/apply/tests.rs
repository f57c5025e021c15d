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

/// C2.
#[test]
fn a_prefixed_cookie_that_browsers_would_drop_is_refused() {
    let name = ("SESSION_COOKIE_NAME", json!("__Host-sessionid"));
    assert!(config(std::slice::from_ref(&name)).is_ok());
    assert!(config(&[name.clone(), ("SESSION_COOKIE_SECURE", json!(false))]).is_err());
    assert!(config(&[name, ("SESSION_COOKIE_DOMAIN", json!("example.com"))]).is_err());
}
