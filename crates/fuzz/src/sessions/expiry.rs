//! How long a session says that it lives.

use cloakroom_core::session::{Expiry, Lifetime, SessionData, SessionState};
use cloakroom_core::time::{Timestamp, Zone};

use crate::parts::Parts;

/// Now in microseconds, the most seconds of a signed-in session, and what stands under `_session_expiry` and
/// under `_auth_signed_in_at`.
pub fn session_expiry(input: &[u8]) {
    let mut parts = Parts::of(input);
    let now = Timestamp::from_unix_micros(parts.number());
    let absolute = parts.maybe_text().and_then(|text| text.parse().ok());
    let (expiry, signed_in_at) = (parts.text(), parts.maybe_text());
    let mut session = SessionState::new();
    if session.set_raw("_session_expiry", &expiry).is_err() {
        return;
    }
    if let Some(text) = &signed_in_at {
        let _ = session.set_raw("_auth_signed_in_at", text);
    }
    let data = session.data();
    let site = Lifetime {
        absolute,
        ..Lifetime::DJANGO
    };
    let date = site.expiry_date(&data, now);
    assert!((Timestamp::MIN..=Timestamp::MAX).contains(&date));
    assert_eq!(
        site.expiry_age(&data, now),
        date.micros_since(now).div_euclid(1_000_000)
    );
    if let Some(end) = site.absolute_end(&data) {
        assert!(date <= end, "longer than a session may live");
    }

    let plain = |data: &SessionData| Lifetime::DJANGO.expiry_date(data, now);
    if let Ok(seconds) = expiry.parse::<i32>()
        && seconds != 0
    {
        assert_eq!(plain(&data), now.plus_seconds(seconds.into()));
        assert!(!site.ends_with_browser(&data));
    }
    // A moment that we keep is that moment, to the microsecond.
    let mut session = SessionState::new();
    session.set_expiry(Expiry::At(date), Zone::UTC, now);
    assert_eq!(plain(&session.data()), date);
    let kept: String = session.get("_session_expiry").unwrap().expect("it was set");
    assert_eq!(Timestamp::from_sql_text(&kept), Some(date));
}
