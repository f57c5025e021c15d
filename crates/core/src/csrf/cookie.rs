//! The CSRF cookie of one request and its response: when a secret is made, and when the cookie is set.

use super::StoredSecret;
use super::bound::SecretOwner;
use super::token::{CsrfSecret, TokenFault};
use crate::random::RandomError;

/// What one request knows of its CSRF secret, and whether its response is to set the cookie: what Django keeps in
/// `META` as `CSRF_COOKIE` and `CSRF_COOKIE_NEEDS_UPDATE`.
///
/// ```
/// use cloakroom_core::csrf::CsrfCookie;
///
/// let mut cookie = CsrfCookie::default();
/// cookie.process_request(None)?;
/// assert!(cookie.process_response().is_none());
/// let token = cookie.token()?;
/// let secret = cookie.process_response().expect("a page shows its token");
/// assert!(secret.verify(&token).is_ok());
/// # Ok::<(), cloakroom_core::random::RandomError>(())
/// ```
#[derive(Debug, Default)]
pub struct CsrfCookie {
    sent: Sent,
    /// What forms are to prove from now on.
    secret: Option<CsrfSecret>,
    needs_update: bool,
    /// Where secrets belong to logins: whose they are now.
    owner: Option<Box<SecretOwner>>,
}

/// What the browser's cookie held.
#[derive(Debug, Default)]
enum Sent {
    #[default]
    Unread,
    Absent,
    Faulty(TokenFault),
    Foreign,
    Secret(CsrfSecret),
}

impl CsrfCookie {
    /// From now on only this login's secrets are taken and made; one of another login's is replaced when a token is
    /// asked for.
    pub fn set_owner(&mut self, owner: SecretOwner) {
        self.owner = Some(Box::new(owner));
    }

    /// Whether [`process_request`](Self::process_request) was told what the browser sent.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        !matches!(self.sent, Sent::Unread)
    }

    /// Takes up what the browser sent, the first time that it is called. What is no secret is replaced at once.
    ///
    /// # Errors
    /// The operating system's random generator does not answer.
    pub fn process_request(&mut self, sent: Option<&str>) -> Result<(), RandomError> {
        if self.is_read() {
            return Ok(());
        }
        self.sent = match sent.map(CsrfSecret::from_stored) {
            None => Sent::Absent,
            Some(Ok(secret)) if !self.owns(&secret) => Sent::Foreign,
            // A login may have made a new secret before anybody asked for the cookie: that one stays.
            Some(Ok(secret)) => {
                self.secret.get_or_insert_with(|| secret.clone());
                Sent::Secret(secret)
            }
            Some(Err(fault)) => {
                if self.secret.is_none() {
                    self.rotate_token()?;
                }
                Sent::Faulty(fault)
            }
        };
        Ok(())
    }

    /// Makes a new secret: whoever knew the old one before a login knows nothing after it.
    ///
    /// # Errors
    /// The operating system's random generator does not answer.
    pub fn rotate_token(&mut self) -> Result<(), RandomError> {
        self.secret = Some(self.generate()?);
        self.needs_update = true;
        Ok(())
    }

    fn generate(&self) -> Result<CsrfSecret, RandomError> {
        let owner = self.owner.as_deref();
        owner.map_or_else(CsrfSecret::generate, SecretOwner::generate)
    }

    fn owns(&self, secret: &CsrfSecret) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner.owns(secret))
    }

    /// A token for a page's form, under a fresh mask (`get_token`). The page's cookie is dated anew.
    ///
    /// # Errors
    /// The operating system's random generator does not answer.
    pub fn token(&mut self) -> Result<String, RandomError> {
        let known = self.secret.take().filter(|secret| self.owns(secret));
        let secret = match known {
            Some(secret) => secret,
            None => self.generate()?,
        };
        self.needs_update = true;
        self.secret.insert(secret).masked()
    }

    /// What forms are to prove from now on.
    #[must_use]
    pub const fn secret(&self) -> Option<&CsrfSecret> {
        self.secret.as_ref()
    }

    /// What this request's own form is to prove.
    #[must_use]
    pub const fn stored(&self) -> StoredSecret<'_> {
        match &self.sent {
            Sent::Unread | Sent::Absent => StoredSecret::Absent,
            Sent::Faulty(fault) => StoredSecret::Faulty(*fault),
            Sent::Foreign => StoredSecret::Foreign,
            Sent::Secret(secret) => StoredSecret::Secret(secret),
        }
    }

    /// The value of the cookie that the response sets, whatever its status: the page may be an error page with a
    /// form. Such a response says `Vary: Cookie`.
    #[inline]
    #[must_use]
    pub const fn process_response(&self) -> Option<&CsrfSecret> {
        match &self.secret {
            Some(secret) if self.needs_update => Some(secret),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "lcccccccX2kcccccccY2jcccccccssIC";

    fn asked(sent: Option<&str>) -> CsrfCookie {
        let mut cookie = CsrfCookie::default();
        cookie.process_request(sent).unwrap();
        cookie
    }

    /// The cookie that is set.
    fn set(cookie: &CsrfCookie) -> Option<&str> {
        cookie.process_response().map(CsrfSecret::as_str)
    }

    #[test]
    fn a_page_without_a_token_sets_no_cookie() {
        assert_eq!(set(&CsrfCookie::default()), None);
        assert_eq!(set(&asked(None)), None);
        assert_eq!(set(&asked(Some(SECRET))), None);
    }

    #[test]
    fn a_page_with_a_token_sets_the_cookie_that_was_sent_anew() {
        let mut cookie = asked(Some(SECRET));
        let token = cookie.token().unwrap();
        assert_eq!(cookie.secret().unwrap().verify(&token), Ok(()));
        assert_eq!(set(&cookie), Some(SECRET));
    }

    #[test]
    fn whoever_sent_none_gets_one_secret_for_all_tokens() {
        let mut cookie = asked(None);
        let tokens = [cookie.token().unwrap(), cookie.token().unwrap()];
        let secret = cookie.process_response().unwrap();
        assert!(tokens.iter().all(|token| secret.verify(token).is_ok()));
        assert!(matches!(cookie.stored(), StoredSecret::Absent));
    }

    #[test]
    fn what_is_no_secret_is_replaced_at_once_and_never_proven() {
        for (sent, fault) in [
            ("", TokenFault::IncorrectLength),
            (&"*".repeat(32), TokenFault::InvalidCharacters),
        ] {
            let cookie = asked(Some(sent));
            assert!(set(&cookie).is_some_and(|set| set.len() == 32));
            assert!(matches!(cookie.stored(), StoredSecret::Faulty(found) if found == fault));
        }
    }

    #[test]
    fn a_masked_secret_is_set_without_its_mask_when_it_is_due() {
        let masked = CsrfSecret::from_stored(SECRET).unwrap().masked().unwrap();
        let mut cookie = asked(Some(&masked));
        assert_eq!(set(&cookie), None);
        let _ = cookie.token().unwrap();
        assert_eq!(set(&cookie), Some(SECRET));
    }

    #[test]
    fn a_rotation_stays_whenever_the_cookie_is_read() {
        for sent in [None, Some(SECRET), Some("garbage")] {
            let mut before = asked(sent);
            before.rotate_token().unwrap();
            let mut after = CsrfCookie::default();
            after.rotate_token().unwrap();
            let made = after.secret().unwrap().as_str().to_owned();
            after.process_request(sent).unwrap();
            assert_eq!(set(&after), Some(made.as_str()));
            assert!(set(&before).is_some_and(|set| set != SECRET));
            // The form that this request brings was made before the rotation.
            let proven =
                matches!(after.stored(), StoredSecret::Secret(secret) if secret.as_str() == SECRET);
            assert_eq!(proven, sent == Some(SECRET));
        }
    }

    #[test]
    fn another_login_s_secret_is_taken_from_nobody_and_replaced_when_a_token_is_asked_for() {
        use crate::secret::{SecretKey, Secrets};
        let key = SecretKey::insecure_new("key").unwrap();
        let binding = super::super::SecretBinding::new(&Secrets::new(key));
        let of = |login: &str, sent: &str| {
            let mut cookie = CsrfCookie::default();
            cookie.set_owner(binding.owner(login));
            cookie.process_request(Some(sent)).unwrap();
            cookie
        };
        let mut first = of("7", SECRET);
        assert!(matches!(first.stored(), StoredSecret::Foreign));
        assert_eq!(set(&first), None, "nobody asked");
        let token = first.token().unwrap();
        let made = first.process_response().unwrap().clone();
        assert_eq!(made.verify(&token), Ok(()));

        let mut second = of("7", made.as_str());
        assert!(matches!(second.stored(), StoredSecret::Secret(_)));
        let _ = second.token().unwrap();
        assert_eq!(set(&second), Some(made.as_str()));
        // A logout on the way.
        second.set_owner(binding.owner(""));
        let token = second.token().unwrap();
        let after = second.process_response().unwrap().clone();
        assert!(after.as_str() != made.as_str() && after.verify(&token).is_ok());
        assert!(matches!(
            of("7", after.as_str()).stored(),
            StoredSecret::Foreign
        ));
        assert!(matches!(
            of("", after.as_str()).stored(),
            StoredSecret::Secret(_)
        ));
        // A login.
        second.set_owner(binding.owner("8"));
        second.rotate_token().unwrap();
        assert!(matches!(
            of("8", set(&second).unwrap()).stored(),
            StoredSecret::Secret(_)
        ));
    }

    #[test]
    fn the_cookie_is_read_once() {
        let mut cookie = asked(Some(SECRET));
        cookie.process_request(Some("garbage")).unwrap();
        assert!(cookie.is_read());
        assert_eq!(cookie.secret().unwrap().as_str(), SECRET);
        assert_eq!(set(&cookie), None);
    }
}
