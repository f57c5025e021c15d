//! What a response does with its request's session (`SessionMiddleware.process_response`).

use super::USER_ID_NAME;
use super::commit::Committed;
use super::signed_cookie::WrittenCookie;
use super::state::{Fate, Origin, SessionState};
use crate::cookie::{CookieError, PreparedCookie, SetCookie};

/// Whether a response with this status says that its request failed: then nothing of it is kept, and no cookie is sent.
#[must_use]
pub const fn failed(status: u16) -> bool {
    status >= 500
}

/// What a response finds of its request's session: Django's `accessed`, `modified` and `is_empty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the cases")]
pub enum Found {
    /// Nobody asked for it, so it was never loaded.
    Unaccessed,
    /// There is neither a record nor data.
    Empty,
    /// It was only looked at.
    Unmodified,
    /// Something was done to it that its cookie is to tell of, even if it is saved already.
    Modified,
}

/// The site's rules for what becomes of a session when its response is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made whole by the configuration")]
pub struct ResponseRules {
    /// `SESSION_SAVE_EVERY_REQUEST`: a session that is only looked at is saved too.
    pub save_every_request: bool,
    /// Whether the browser's cookie is deleted when it opens nothing, as by Django.
    pub deletes_dead_cookie: bool,
}

impl ResponseRules {
    /// What a response with this `status` is to do. `sent_cookie` says that the browser sent a session cookie,
    /// whatever it opens.
    ///
    /// Of a request that failed nothing is carried out; Django still deletes the cookie of an empty session.
    #[inline]
    pub const fn process_response(
        &self,
        found: Found,
        sent_cookie: bool,
        status: u16,
    ) -> AtResponse {
        let due = match found {
            _ if failed(status) => Due::Nothing,
            Found::Empty if sent_cookie && self.deletes_dead_cookie => Due::CookieDeletion,
            Found::Modified => Due::Save,
            Found::Unmodified if self.save_every_request => Due::Save,
            Found::Unaccessed | Found::Empty | Found::Unmodified => Due::Nothing,
        };
        AtResponse {
            due,
            // Whatever sets or deletes the cookie has looked at the session before.
            varies_by_cookie: !matches!(found, Found::Unaccessed),
        }
    }
}

/// What a response is to do for its request's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct AtResponse {
    /// What is due.
    pub due: Due,
    /// The response depends on the request's cookies: `Vary: Cookie`.
    pub varies_by_cookie: bool,
}

/// What is due to a session and its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the response must handle every case"
)]
pub enum Due {
    /// Nothing is written and no cookie sent.
    Nothing,
    /// The browser's cookie opens nothing, and is to go.
    CookieDeletion,
    /// The session is to be carried out; the cookie follows from what came of it.
    Save,
}

impl SessionState {
    /// What a response finds of this session.
    #[must_use]
    pub fn found(&self) -> Found {
        if self.opens_nothing() {
            // Clearing it changes nothing.
            Found::Empty
        } else if self.is_modified() || self.was_saved() {
            Found::Modified
        } else {
            Found::Unmodified
        }
    }

    /// True if carrying it out begins a session that nobody is signed in to, where there was none.
    #[must_use]
    pub fn begins_anonymously(&self) -> bool {
        let from_nothing = matches!(
            (&self.origin, self.fate),
            (
                Origin::Nothing | Origin::Unreadable(_),
                Fate::Stay | Fate::Renew
            )
        );
        from_nothing && self.is_modified() && !self.is_empty() && !self.contains(USER_ID_NAME)
    }
}

impl Committed {
    /// The session cookie that the response sets, for https only if `secure`, or deletes.
    ///
    /// # Errors
    /// The value cannot stand in a header.
    pub fn cookie(
        &self,
        site: &PreparedCookie,
        secure: bool,
    ) -> Result<Option<SetCookie>, CookieError> {
        match self {
            Self::Untouched => Ok(None),
            Self::Deleted => Ok(Some(site.deletion())),
            Self::Saved(cookie) => site
                .cookie(cookie.key.as_str(), cookie.max_age, secure)
                .map(Some),
        }
    }
}

impl WrittenCookie {
    /// The session cookie that the response sets, for https only if `secure`, or deletes.
    ///
    /// # Errors
    /// The value cannot stand in a header.
    pub fn cookie(
        &self,
        site: &PreparedCookie,
        secure: bool,
    ) -> Result<Option<SetCookie>, CookieError> {
        match self {
            Self::Untouched => Ok(None),
            Self::Deleted => Ok(Some(site.deletion())),
            Self::Saved { value, max_age } => site.cookie(value, *max_age, secure).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec::Codec;
    use super::super::commit::CookieValue;
    use super::super::key::SessionKey;
    use super::super::store::Stored;
    use super::*;
    use crate::cookie::{SameSite, SiteCookie};
    use crate::secret::{SecretKey, Secrets};
    use crate::signing::Compression;
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    const DJANGO: ResponseRules = ResponseRules {
        save_every_request: false,
        deletes_dead_cookie: true,
    };
    const EVERY_REQUEST: ResponseRules = ResponseRules {
        save_every_request: true,
        ..DJANGO
    };
    const KEEPING: ResponseRules = ResponseRules {
        deletes_dead_cookie: false,
        ..DJANGO
    };

    #[test]
    fn what_is_due_follows_from_what_is_found() {
        use Due::{CookieDeletion, Nothing, Save};
        // Rules, and what is due if nobody asked, if it is empty, only looked at, and changed.
        let rows = [
            (DJANGO, true, [Nothing, CookieDeletion, Nothing, Save]),
            (DJANGO, false, [Nothing, Nothing, Nothing, Save]),
            (EVERY_REQUEST, true, [Nothing, CookieDeletion, Save, Save]),
            (EVERY_REQUEST, false, [Nothing, Nothing, Save, Save]),
            (KEEPING, true, [Nothing, Nothing, Nothing, Save]),
        ];
        for (rules, sent_cookie, due) in rows {
            let found = [
                Found::Unaccessed,
                Found::Empty,
                Found::Unmodified,
                Found::Modified,
            ];
            let at =
                |status| found.map(|found| rules.process_response(found, sent_cookie, status).due);
            assert_eq!(at(200), due, "{rules:?}, {sent_cookie}");
            assert_eq!(at(499), due, "{rules:?}, {sent_cookie}");
            assert_eq!(at(500), [Nothing; 4], "{rules:?}, {sent_cookie}");
        }
    }

    #[test]
    fn whoever_looks_at_the_session_varies_by_cookie() {
        for found in [Found::Empty, Found::Unmodified, Found::Modified] {
            for status in [200, 500] {
                let at = DJANGO.process_response(found, false, status);
                assert!(at.varies_by_cookie, "{found:?}");
            }
        }
        let at = EVERY_REQUEST.process_response(Found::Unaccessed, true, 200);
        assert!(!at.varies_by_cookie);
    }

    #[test]
    fn a_session_that_ends_is_modified_and_one_that_never_was_is_empty() {
        let mut session = SessionState::new();
        assert_eq!(session.found(), Found::Empty);
        session.flush();
        assert_eq!(session.found(), Found::Empty);
        session.clear();
        assert_eq!(session.found(), Found::Empty);
        session.set("a", &1).unwrap();
        assert_eq!(session.found(), Found::Modified);
        session.flush();
        assert_eq!(session.found(), Found::Empty);
    }

    #[test]
    fn what_is_kept_is_not_empty_even_if_it_cannot_be_read() {
        let kept = |text: &str| {
            let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
            let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
            let text = text.replace("{}", &codec.encode("{}", NOW));
            let key = SessionKey::parse("abcdefgh").unwrap();
            SessionState::from_stored(key, Stored::signed(text, NOW), &codec)
        };
        for text in ["{}", "garbage"] {
            let mut session = kept(text);
            assert_eq!(session.found(), Found::Unmodified, "{text}");
            session.flush();
            assert_eq!(session.found(), Found::Modified, "{text}");
        }
        let mut session = kept("{}");
        session.origin = Origin::Lost;
        assert_eq!(session.found(), Found::Unmodified);
    }

    #[test]
    fn the_cookie_says_what_came_of_the_session() {
        let site = SiteCookie {
            name: "sessionid",
            domain: Some("example.org"),
            path: "/a/",
            http_only: true,
            same_site: Some(SameSite::Lax),
        };
        let site = site.prepared().unwrap();
        let written = |cookie: Result<Option<SetCookie>, CookieError>| {
            cookie.unwrap().map(|cookie| cookie.header_value(NOW))
        };
        let saved = |max_age| {
            Committed::Saved(CookieValue {
                key: SessionKey::parse("abcdefgh").unwrap(),
                max_age,
            })
        };
        assert_eq!(written(Committed::Untouched.cookie(&site, true)), None);
        assert_eq!(
            written(saved(Some(10)).cookie(&site, true)).unwrap(),
            "sessionid=abcdefgh; Domain=example.org; expires=Tue, 14 Nov 2023 22:13:30 GMT; HttpOnly; Max-Age=10; \
             Path=/a/; SameSite=Lax; Secure"
        );
        assert_eq!(
            written(saved(None).cookie(&site, true)).unwrap(),
            "sessionid=abcdefgh; Domain=example.org; HttpOnly; Path=/a/; SameSite=Lax; Secure"
        );
        let gone = "sessionid=\"\"; Domain=example.org; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/a/; \
                    SameSite=Lax";
        assert_eq!(
            written(Committed::Deleted.cookie(&site, true)).unwrap(),
            gone
        );

        assert_eq!(written(WrittenCookie::Untouched.cookie(&site, true)), None);
        assert_eq!(
            written(WrittenCookie::Deleted.cookie(&site, true)).unwrap(),
            gone
        );
        let whole = WrittenCookie::Saved {
            value: "abcdefgh".into(),
            max_age: None,
        };
        assert_eq!(
            written(whole.cookie(&site, true)),
            written(saved(None).cookie(&site, true))
        );
    }

    #[test]
    fn a_session_begins_anonymously_where_there_was_none_and_nobody_signs_in() {
        let key = || SessionKey::parse("abcdefgh").unwrap();
        let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
        let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
        let kept = || {
            let text = codec.encode(r#"{"a": 1}"#, NOW);
            SessionState::from_stored(key(), Stored::signed(text, NOW), &codec)
        };
        let unreadable =
            || SessionState::from_stored(key(), Stored::signed("garbage", NOW), &codec);
        let set = |mut session: SessionState, name: &str| {
            session.set(name, &1).unwrap();
            session
        };
        let done = |mut session: SessionState, action: fn(&mut SessionState)| {
            action(&mut session);
            session
        };
        let rows = [
            ("nothing done", SessionState::new(), false),
            ("a value", set(SessionState::new(), "a"), true),
            (
                "a login",
                set(set(SessionState::new(), "a"), USER_ID_NAME),
                false,
            ),
            (
                "touched",
                done(SessionState::new(), SessionState::touch),
                false,
            ),
            (
                "flushed",
                done(SessionState::new(), SessionState::flush),
                false,
            ),
            (
                "a new key",
                done(SessionState::new(), SessionState::cycle_key),
                true,
            ),
            (
                "set and flushed",
                done(set(SessionState::new(), "a"), SessionState::flush),
                false,
            ),
            ("kept", kept(), false),
            ("kept, a value", set(kept(), "b"), false),
            (
                "kept, a new key",
                done(kept(), SessionState::cycle_key),
                false,
            ),
            (
                "kept, another one",
                set(done(kept(), SessionState::flush), "b"),
                false,
            ),
            ("unreadable", unreadable(), false),
            ("unreadable, a value", set(unreadable(), "a"), true),
            (
                "unreadable, flushed",
                done(unreadable(), SessionState::flush),
                false,
            ),
        ];
        for (what, session, expected) in rows {
            assert_eq!(session.begins_anonymously(), expected, "{what}");
        }
    }
}
