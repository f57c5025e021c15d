//! Sessions in the browser's own cookie (`django.contrib.sessions.backends.signed_cookies`).
//!
//! There is no store: what the browser sends is the session. So the newest cookie wins, and a copy taken
//! before a logout is valid until it is too old, unless a list is kept of the sessions that have ended
//! ([`RevocableCookies`]).

mod id;
mod revocable;
mod revocations;

use std::fmt;
use std::time::Duration;

pub(super) use self::id::CookieId;
pub use self::revocable::RevocableCookies;
pub use self::revocations::Revocations;
use super::data::SessionData;
use super::expiry::Lifetime;
use super::state::{Origin, SessionState};
use crate::secret::Secrets;
use crate::signing::{Compression, ObjectSigner};
use crate::time::Timestamp;

/// Reads and writes sessions that are kept in a signed cookie.
#[derive(Clone, Debug)]
pub struct SignedCookieEngine {
    signer: ObjectSigner,
    lifetime: Lifetime,
}

impl SignedCookieEngine {
    /// The salt of Django's engine.
    pub const SALT: &str = "django.contrib.sessions.backends.signed_cookies";
    /// The most bytes of name, `=` and value that browsers keep (RFC 6265bis, section 5.6).
    pub const LARGEST_COOKIE: usize = 4096;

    /// Compresses whatever gets shorter by it: browsers keep only 4,096 bytes.
    #[must_use]
    pub fn new(secrets: &Secrets, lifetime: Lifetime) -> Self {
        Self {
            signer: ObjectSigner::new(secrets, Self::SALT, Compression::Always),
            lifetime,
        }
    }

    /// The session in a cookie's value, if it was signed within `SESSION_COOKIE_AGE`.
    ///
    /// Anything else is an empty session. Unlike Django we do not answer with an empty cookie in its place:
    /// after a wrong deployment the browsers' sessions are still there.
    #[must_use]
    pub fn read(&self, value: &str, now: Timestamp) -> SessionState {
        self.data(value, now)
            .map_or_else(SessionState::new, |data| {
                SessionState::from_cookie(data, None)
            })
    }

    /// The data of the session in a cookie's value.
    fn data(&self, value: &str, now: Timestamp) -> Option<SessionData> {
        let max_age = Duration::from_secs(u64::try_from(self.lifetime.age).unwrap_or(0));
        let bytes = self.signer.loads_within(value, max_age, now).ok()?;
        let data = SessionData::from_bytes(bytes).ok()?;
        // Each answer dates the cookie anew, so a limit on the whole life must be looked for in the data.
        let end = self.lifetime.absolute_end(&data);
        end.is_none_or(|end| end > now).then_some(data)
    }

    /// What the response's cookie says, and starts `state` afresh from it.
    ///
    /// # Errors
    /// The browser would drop the cookie, which is called `name`, because it is too long.
    pub fn write(
        &self,
        state: &mut SessionState,
        name: &str,
        save_every_request: bool,
        now: Timestamp,
    ) -> Result<WrittenCookie, CookieTooLarge> {
        self.write_as(state, None, name, save_every_request, now)
    }

    /// The same for a session that is told from others by an id.
    fn write_as(
        &self,
        state: &mut SessionState,
        id: Option<CookieId>,
        name: &str,
        save_every_request: bool,
        now: Timestamp,
    ) -> Result<WrittenCookie, CookieTooLarge> {
        let came_from_cookie = matches!(state.origin, Origin::Cookie(_));
        let data = state.data();
        let saves =
            state.is_modified() || state.cookie_due || (save_every_request && came_from_cookie);
        if !saves {
            return Ok(WrittenCookie::Untouched);
        }
        if state.is_empty() {
            *state = SessionState::new();
            return Ok(if came_from_cookie {
                WrittenCookie::Deleted
            } else {
                WrittenCookie::Untouched
            });
        }
        let value = match &id {
            None => self.signer.dumps(data.text(), now),
            Some(id) => self.signer.dumps(id.put_into(&data).text(), now),
        };
        let size = name.len() + 1 + value.len();
        if size > Self::LARGEST_COOKIE {
            return Err(CookieTooLarge { size });
        }
        let lasting = !self.lifetime.ends_with_browser(&data);
        let max_age = lasting.then(|| self.lifetime.expiry_age(&data, now));
        *state = SessionState::from_cookie(data, id);
        state.cookie_due = true;
        Ok(WrittenCookie::Saved { value, max_age })
    }
}

/// What the cookie of a signed-cookie session is to say.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "the response must handle every case"
)]
pub enum WrittenCookie {
    /// No cookie is due.
    Untouched,
    /// The session, whole.
    Saved {
        /// The cookie's value.
        value: String,
        /// Seconds the browser keeps it; `None` until it closes.
        max_age: Option<i64>,
    },
    /// The cookie is to go.
    Deleted,
}

impl fmt::Debug for WrittenCookie {
    /// The value signs its bearer in, so it is not shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Untouched => "Untouched",
            Self::Saved { .. } => "Saved(..)",
            Self::Deleted => "Deleted",
        })
    }
}

/// The session does not fit a cookie; browsers would drop it without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieTooLarge {
    /// Bytes that the name, `=` and the value would take.
    pub size: usize,
}

impl fmt::Display for CookieTooLarge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size } = self;
        write!(
            formatter,
            "the session takes {size} bytes as a cookie and browsers keep 4096; keep less in it, or keep sessions in a database"
        )
    }
}

impl std::error::Error for CookieTooLarge {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn engine() -> SignedCookieEngine {
        let secrets = Secrets::new(SecretKey::insecure_new("test-secret-key-0123456789").unwrap());
        SignedCookieEngine::new(&secrets, Lifetime::DJANGO)
    }

    fn with_a_value() -> SessionState {
        let mut session = SessionState::new();
        session.set("a", &1).unwrap();
        session
    }

    fn written(state: &mut SessionState) -> WrittenCookie {
        engine().write(state, "sessionid", false, NOW).unwrap()
    }

    #[test]
    fn the_cookie_is_django_s() {
        let mut session = SessionState::new();
        session.set("a", &1).unwrap();
        let value = "eyJhIjoxfQ:1r31eq:6mwj5pYsRWu2HYm-3TofBVIQ2_LcO4Ydsr-XpZwZ_fM";
        let expected = WrittenCookie::Saved {
            value: value.into(),
            max_age: Some(1_209_600),
        };
        assert!(written(&mut session) == expected);
        assert_eq!(engine().read(value, NOW).get("a"), Ok(Some(1)));
        assert!(engine().read(value, NOW.plus_seconds(1_209_601)).is_empty());
        assert!(engine().read("garbage", NOW).is_empty());
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut session = SessionState::new();
        assert!(written(&mut session) == WrittenCookie::Untouched);
        session.set("a", &1).unwrap();
        let WrittenCookie::Saved { value, .. } = written(&mut session) else {
            panic!()
        };
        let mut session = engine().read(&value, NOW);
        assert!(written(&mut session) == WrittenCookie::Untouched);
        session.remove("a");
        assert!(
            matches!(written(&mut session), WrittenCookie::Saved { .. }),
            "an empty session keeps its cookie"
        );
        session.flush();
        assert!(written(&mut session) == WrittenCookie::Deleted);
    }

    #[test]
    fn a_new_key_is_a_cookie_even_where_nothing_is_kept() {
        let mut session = SessionState::new();
        session.cycle_key();
        let WrittenCookie::Saved { value, .. } = written(&mut session) else {
            panic!("Django's `cycle_key` saves")
        };
        let session = engine().read(&value, NOW);
        assert!(session.names().next().is_none() && !session.is_empty());
    }

    #[test]
    fn a_busy_session_ends_absolutely() {
        let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
        let lifetime = Lifetime {
            absolute: Some(100),
            ..Lifetime::DJANGO
        };
        let engine = SignedCookieEngine::new(&secrets, lifetime);
        let mut session = SessionState::new();
        session
            .set("_auth_signed_in_at", &NOW.unix_seconds())
            .unwrap();
        let later = NOW.plus_seconds(99);
        let written = engine
            .write(&mut session, "sessionid", false, later)
            .unwrap();
        let WrittenCookie::Saved { value, max_age } = written else {
            panic!()
        };
        assert_eq!(max_age, Some(1));
        assert!(!engine.read(&value, later).is_empty());
        assert!(engine.read(&value, NOW.plus_seconds(100)).is_empty());
    }

    #[test]
    fn a_session_that_browsers_would_drop_is_an_error() {
        let noise = |length| {
            crate::random::text(b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH", length).unwrap()
        };
        let mut session = SessionState::new();
        session.set("a", &noise(2_000)).unwrap();
        assert!(matches!(written(&mut session), WrittenCookie::Saved { .. }));
        session.set("a", &noise(5_000)).unwrap();
        assert!(
            engine()
                .write(&mut session, "sessionid", false, NOW)
                .unwrap_err()
                .size
                > 4096
        );
    }

    #[test]
    fn debug_shows_no_cookie_and_the_error_what_to_do() {
        let shown = format!("{:?}", written(&mut with_a_value()));
        assert_eq!(shown, "Saved(..)");
        let error = CookieTooLarge { size: 5_000 }.to_string();
        assert!(error.contains("takes 5000 bytes") && error.contains("keep less in it"));
    }

    #[test]
    fn a_cookie_fits_by_its_name_and_value_to_the_byte() {
        let WrittenCookie::Saved { value, .. } = written(&mut with_a_value()) else {
            panic!()
        };
        let name = "n".repeat(SignedCookieEngine::LARGEST_COOKIE - "=".len() - value.len());
        let write = |name: &str| engine().write(&mut with_a_value(), name, false, NOW);
        assert!(write(&name).is_ok());
        let error = write(&format!("{name}n")).unwrap_err();
        assert_eq!(error, CookieTooLarge { size: 4_097 });
    }

    #[test]
    fn a_session_that_is_only_looked_at_is_saved_where_every_request_saves() {
        let value = "eyJhIjoxfQ:1r31eq:6mwj5pYsRWu2HYm-3TofBVIQ2_LcO4Ydsr-XpZwZ_fM";
        let every = |state: &mut SessionState| engine().write(state, "sessionid", true, NOW);
        let saved = every(&mut engine().read(value, NOW)).unwrap();
        assert!(matches!(saved, WrittenCookie::Saved { .. }));
        let nothing = every(&mut SessionState::new()).unwrap();
        assert!(nothing == WrittenCookie::Untouched);
    }

    #[test]
    fn what_was_saved_early_is_in_the_response_s_cookie() {
        let mut session = with_a_value();
        let early = written(&mut session);
        assert!(matches!(early, WrittenCookie::Saved { .. }) && session.was_saved());
        assert!(written(&mut session) == early);
    }
}
