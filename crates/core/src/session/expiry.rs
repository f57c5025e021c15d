//! How long a session lives (`get_expiry_age`, `get_expiry_date`, `set_expiry` of Django's `SessionBase`).

use std::time::Duration;

use super::data::SessionData;
use super::data::ascii;
use crate::time::{Timestamp, Zone, parse_iso};

/// The name under which a session keeps its own expiry.
pub(crate) const EXPIRY_NAME: &str = "_session_expiry";
/// The name under which sites of our own keep when the user signed in, in whole Unix seconds.
pub(crate) const SIGNED_IN_AT_NAME: &str = "_auth_signed_in_at";

/// What [`set_expiry`](super::SessionState::set_expiry) takes: Django's five forms.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "Django's set_expiry knows these forms"
)]
pub enum Expiry {
    /// As the site's settings say.
    SiteDefault,
    /// When the browser closes; on the server after the site's default.
    AtBrowserClose,
    /// This many seconds after the last save. Zero is the same as [`AtBrowserClose`](Self::AtBrowserClose).
    Seconds(i64),
    /// This long after now, whatever is saved meanwhile.
    In(Duration),
    /// At this moment.
    At(Timestamp),
}

impl Expiry {
    /// The JSON text that Django keeps for it; `None` removes the name.
    pub(super) fn to_json(self, zone: Zone, now: Timestamp) -> Option<String> {
        match self {
            Self::SiteDefault => None,
            Self::AtBrowserClose => Some("0".into()),
            Self::Seconds(seconds) => Some(seconds.to_string()),
            Self::In(duration) => {
                let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
                let end = Timestamp::from_unix_micros(now.unix_micros().saturating_add(micros));
                Some(format!("\"{}\"", zone.iso_text(end)))
            }
            Self::At(moment) => Some(format!("\"{}\"", zone.iso_text(moment))),
        }
    }
}

/// The site's rules for how long sessions live. Seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made whole by the configuration")]
pub struct Lifetime {
    /// `SESSION_COOKIE_AGE`: seconds after the last save.
    pub age: i64,
    /// The same for sessions nobody has signed in to, if it is another.
    pub anonymous_age: Option<i64>,
    /// Seconds after signing in at which a session ends, however busy it is.
    pub absolute: Option<i64>,
    /// `SESSION_EXPIRE_AT_BROWSER_CLOSE`.
    pub at_browser_close: bool,
    /// `USE_TZ` and `TIME_ZONE`: what a date without a zone means that stands in a session.
    pub zone: Zone,
}

impl Lifetime {
    /// Django's defaults: two weeks after the last save.
    pub const DJANGO: Self = Self {
        age: 1_209_600,
        anonymous_age: None,
        absolute: None,
        at_browser_close: false,
        zone: Zone::UTC,
    };

    /// The site's age for this session.
    fn site_age(&self, data: &SessionData) -> i64 {
        match self.anonymous_age {
            Some(age) if data.raw_by_normal(crate::session::USER_ID_NAME).is_none() => {
                age.min(self.age)
            }
            _ => self.age,
        }
    }

    /// Seconds from `now` until the session ends, rounded down: Django's `get_expiry_age`.
    #[must_use]
    pub fn expiry_age(&self, data: &SessionData, now: Timestamp) -> i64 {
        self.expiry_date(data, now).whole_seconds_since(now)
    }

    /// When a session saved at `now` ends: Django's `get_expiry_date`.
    ///
    /// Where Django raises (a date without a zone in a site that has them, garbage) this is the site's default, so that no stored
    /// value can make every page of its visitor fail.
    #[must_use]
    pub fn expiry_date(&self, data: &SessionData, now: Timestamp) -> Timestamp {
        let date = match OwnExpiry::of(data, self.zone) {
            OwnExpiry::None | OwnExpiry::Garbage => now.plus_seconds(self.site_age(data)),
            OwnExpiry::Seconds(0.0) => now.plus_seconds(self.site_age(data)),
            OwnExpiry::Seconds(seconds) => now.plus_seconds_f64(seconds),
            OwnExpiry::At(moment) => moment,
        };
        self.absolute_end(data).map_or(date, |end| date.min(end))
    }

    /// True if the cookie ends with the browser: Django's `get_expire_at_browser_close`.
    #[must_use]
    pub fn ends_with_browser(&self, data: &SessionData) -> bool {
        match OwnExpiry::of(data, self.zone) {
            OwnExpiry::None => self.at_browser_close,
            OwnExpiry::Seconds(seconds) => seconds == 0.0,
            OwnExpiry::At(_) | OwnExpiry::Garbage => false,
        }
    }

    /// The moment at which a signed-in session ends however busy it is.
    #[must_use]
    pub fn absolute_end(&self, data: &SessionData) -> Option<Timestamp> {
        let absolute = self.absolute?;
        let signed_in_at = data.raw_by_normal(SIGNED_IN_AT_NAME)?.parse().ok()?;
        Some(Timestamp::from_unix_seconds(signed_in_at).plus_seconds(absolute))
    }
}

/// What stands under `_session_expiry`.
enum OwnExpiry {
    None,
    Seconds(f64),
    At(Timestamp),
    Garbage,
}

impl OwnExpiry {
    fn of(data: &SessionData, zone: Zone) -> Self {
        let Some(raw) = data.raw_by_normal(EXPIRY_NAME) else {
            return Self::None;
        };
        match raw {
            "null" => Self::None,
            "true" => Self::Seconds(1.0),
            "false" => Self::Seconds(0.0),
            _ => Self::number_or_date(raw, zone),
        }
    }

    fn number_or_date(raw: &str, zone: Zone) -> Self {
        if let Some(text) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
            let read = parse_iso(&ascii::unescaped(text));
            return read
                .and_then(|read| zone.moment(read))
                .map_or(Self::Garbage, Self::At);
        }
        // Integers beyond f64 become infinite, which is moved to the last moment there is.
        raw.parse()
            .ok()
            .filter(|seconds: &f64| !seconds.is_nan())
            .map_or(Self::Garbage, Self::Seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn data(expiry: &str) -> SessionData {
        SessionData::from_ascii(format!(r#"{{"_session_expiry":{expiry}}}"#)).unwrap()
    }

    fn age(expiry: &str) -> i64 {
        Lifetime::DJANGO.expiry_age(&data(expiry), NOW)
    }

    #[test]
    fn every_form_of_expiry_has_django_s_age() {
        let rows = [
            ("null", 1_209_600),
            ("0", 1_209_600),
            ("0.0", 1_209_600),
            ("false", 1_209_600),
            ("\"\"", 1_209_600),
            ("true", 1),
            ("300", 300),
            ("-5", -5),
            ("\"2023-11-14T22:13:25+00:00\"", 5),
            ("\"2023-11-14T22:13:24.990000+00:00\"", 4),
            ("\"2023-11-14T23:13:25+01:00\"", 5),
            ("\"2023-11-14T22:13:10+00:00\"", -10),
        ];
        for (expiry, seconds) in rows {
            assert_eq!(age(expiry), seconds, "{expiry}");
        }
        assert_eq!(
            Lifetime::DJANGO.expiry_age(&SessionData::empty(), NOW),
            1_209_600
        );
    }

    #[test]
    fn garbage_and_giants_do_no_harm() {
        for expiry in ["\"soon\"", "[]", "{}", "NaN", "\"2023-11-14T22:13:25\""] {
            assert_eq!(age(expiry), 1_209_600, "{expiry}");
            assert!(!Lifetime::DJANGO.ends_with_browser(&data(expiry)));
        }
        let giant = "9".repeat(4000);
        assert_eq!(
            Lifetime::DJANGO.expiry_date(&data(&giant), NOW),
            Timestamp::MAX
        );
        assert_eq!(
            Lifetime::DJANGO.expiry_date(&data("-Infinity"), NOW),
            Timestamp::MIN
        );
    }

    #[test]
    fn zero_ends_with_the_browser_and_keeps_two_weeks_on_the_server() {
        for expiry in ["0", "0.0", "-0", "false"] {
            assert!(
                Lifetime::DJANGO.ends_with_browser(&data(expiry)),
                "{expiry}"
            );
        }
        for expiry in ["null", "300", "true", "\"2023-11-14T22:13:25+00:00\""] {
            assert!(
                !Lifetime::DJANGO.ends_with_browser(&data(expiry)),
                "{expiry}"
            );
        }
        let closing = Lifetime {
            at_browser_close: true,
            ..Lifetime::DJANGO
        };
        assert!(closing.ends_with_browser(&SessionData::empty()));
        assert!(closing.ends_with_browser(&data("null")));
        assert!(!closing.ends_with_browser(&data("300")));
    }

    /// S8.
    #[test]
    fn own_sites_end_sessions_absolutely_and_anonymous_ones_sooner() {
        let strict = Lifetime {
            anonymous_age: Some(86_400),
            absolute: Some(2_592_000),
            ..Lifetime::DJANGO
        };
        assert_eq!(strict.expiry_age(&SessionData::empty(), NOW), 86_400);
        let signed_in = |at: i64| {
            let text = format!(r#"{{"_auth_user_id":"1","_auth_signed_in_at":{at}}}"#);
            SessionData::from_ascii(text).unwrap()
        };
        assert_eq!(strict.expiry_age(&signed_in(1_700_000_000), NOW), 1_209_600);
        assert_eq!(
            strict.expiry_age(&signed_in(1_700_000_000 - 2_591_999), NOW),
            1
        );
        assert_eq!(Lifetime::DJANGO.expiry_age(&signed_in(0), NOW), 1_209_600);
    }

    #[test]
    fn set_expiry_keeps_what_django_keeps() {
        assert_eq!(Expiry::SiteDefault.to_json(Zone::UTC, NOW), None);
        assert_eq!(Expiry::AtBrowserClose.to_json(Zone::UTC, NOW).unwrap(), "0");
        assert_eq!(Expiry::Seconds(-3).to_json(Zone::UTC, NOW).unwrap(), "-3");
        let ten_seconds = Expiry::In(Duration::from_millis(10_500))
            .to_json(Zone::UTC, NOW)
            .unwrap();
        assert_eq!(ten_seconds, "\"2023-11-14T22:13:30.500000+00:00\"");
        assert_eq!(
            Expiry::In(Duration::MAX).to_json(Zone::UTC, NOW).unwrap(),
            "\"9999-12-31T23:59:59.999999+00:00\""
        );
    }

    #[test]
    fn a_site_of_local_time_keeps_and_reads_the_wall_clock() {
        let zone = Zone::local("Europe/Berlin").unwrap();
        let local = Lifetime {
            zone,
            ..Lifetime::DJANGO
        };
        let kept = Expiry::In(Duration::from_secs(60))
            .to_json(zone, NOW)
            .unwrap();
        assert_eq!(kept, "\"2023-11-14T23:14:20\"");
        assert_eq!(
            Expiry::At(NOW).to_json(zone, NOW).unwrap(),
            "\"2023-11-14T23:13:20\""
        );
        assert_eq!(local.expiry_age(&data(&kept), NOW), 60);
        assert_eq!(Lifetime::DJANGO.expiry_age(&data(&kept), NOW), 1_209_600);
        let aware = "\"2023-11-14T22:14:20+00:00\"";
        assert_eq!(local.expiry_age(&data(aware), NOW), 60);
    }
}
