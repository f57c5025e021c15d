//! The CSRF secret in the session, where the site keeps it there (`CSRF_USE_SESSIONS`).

use std::borrow::Cow;

use super::SESSION_NAME;
use super::cookie::CsrfCookie;
use crate::random::RandomError;
use crate::session::SessionState;

impl CsrfCookie {
    /// [`process_request`](Self::process_request) of what the session keeps instead of a cookie.
    ///
    /// What is no text is no secret either, and is replaced as such. `null` is as good as nothing, as in Django.
    ///
    /// # Errors
    /// The operating system's random generator does not answer.
    pub fn process_request_in_session(
        &mut self,
        session: &SessionState,
    ) -> Result<(), RandomError> {
        let text = |json: Cow<'_, str>| {
            let text = serde_json::from_str::<Option<String>>(&json);
            text.unwrap_or_else(|_| Some(String::new()))
        };
        let sent = session.raw(SESSION_NAME).and_then(text);
        self.process_request(sent.as_deref())
    }

    /// Has the session keep the secret, if it is to be kept ([`process_response`](Self::process_response)) and is not
    /// there yet. True if the session was changed.
    pub fn process_response_in_session(&self, session: &mut SessionState) -> bool {
        let Some(secret) = self.process_response() else {
            return false;
        };
        let kept: Option<String> = session.get(SESSION_NAME).ok().flatten();
        let is_new = kept.as_deref() != Some(secret.as_str());
        if is_new {
            session.set_text(SESSION_NAME, secret.as_str());
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csrf::{CsrfSecret, StoredSecret, TokenFault};

    const SECRET: &str = "lcccccccX2kcccccccY2jcccccccssIC";

    fn keeping(json: &str) -> SessionState {
        let mut session = SessionState::new();
        session.set_raw(SESSION_NAME, json).unwrap();
        session
    }

    fn asked(session: &SessionState) -> CsrfCookie {
        let mut cookie = CsrfCookie::default();
        cookie.process_request_in_session(session).unwrap();
        cookie
    }

    #[test]
    fn a_session_s_secret_is_kept_once_and_only_for_a_page_that_shows_it() {
        let mut session = SessionState::new();
        let mut cookie = asked(&session);
        assert!(!cookie.process_response_in_session(&mut session));
        assert!(!session.contains(SESSION_NAME));
        let token = cookie.token().unwrap();
        assert!(cookie.process_response_in_session(&mut session));
        assert!(!cookie.process_response_in_session(&mut session));

        let mut next = asked(&session);
        let StoredSecret::Secret(secret) = next.stored() else {
            panic!("it was kept");
        };
        assert_eq!(secret.verify(&token), Ok(()));
        let _ = next.token().unwrap();
        assert!(!next.process_response_in_session(&mut session));
    }

    #[test]
    fn a_masked_secret_in_a_session_loses_its_mask_when_it_is_shown() {
        let masked = CsrfSecret::from_stored(SECRET).unwrap().masked().unwrap();
        let mut session = keeping(&format!("{masked:?}"));
        let mut cookie = asked(&session);
        assert!(!cookie.process_response_in_session(&mut session));
        let _ = cookie.token().unwrap();
        assert!(cookie.process_response_in_session(&mut session));
        assert_eq!(session.get(SESSION_NAME).unwrap(), Some(SECRET.to_owned()));
    }

    #[test]
    fn what_is_no_secret_in_a_session_is_never_proven_and_is_replaced() {
        let rows = [
            ("7", TokenFault::IncorrectLength),
            (
                "[\"lcccccccX2kcccccccY2jcccccccssIC\"]",
                TokenFault::IncorrectLength,
            ),
            ("\"\\ud800\"", TokenFault::IncorrectLength),
            ("\"\"", TokenFault::IncorrectLength),
            (
                "\"lcccccccX2kcccccccY2jcccccccssI-\"",
                TokenFault::InvalidCharacters,
            ),
        ];
        for (json, fault) in rows {
            let mut session = keeping(json);
            let cookie = asked(&session);
            assert!(
                matches!(cookie.stored(), StoredSecret::Faulty(found) if found == fault),
                "{json}"
            );
            assert!(cookie.process_response_in_session(&mut session));
            assert!(
                matches!(asked(&session).stored(), StoredSecret::Secret(_)),
                "{json}"
            );
        }
        assert!(matches!(
            asked(&keeping("null")).stored(),
            StoredSecret::Absent
        ));
    }
}
