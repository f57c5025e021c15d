//! The cookies that a site writes by its settings: the session's and the CSRF cookie.

use super::same_site::SameSite;
use super::set_cookie::{CookieError, SetCookie};

/// The attributes of one of the cookies that the site's settings describe (`SESSION_COOKIE_…`, `CSRF_COOKIE_…`).
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made whole by the configuration")]
pub struct SiteCookie<'a> {
    /// `…_COOKIE_NAME`.
    pub name: &'a str,
    /// `…_COOKIE_DOMAIN`; `None` for this host only.
    pub domain: Option<&'a str>,
    /// `…_COOKIE_PATH`.
    pub path: &'a str,
    /// `…_COOKIE_SECURE`.
    pub secure: bool,
    /// `…_COOKIE_HTTPONLY`: scripts cannot read it.
    pub http_only: bool,
    /// `…_COOKIE_SAMESITE`; `None` leaves it to the browser.
    pub same_site: Option<SameSite>,
}

impl SiteCookie<'_> {
    /// This cookie with a value, kept for `max_age` seconds or until the browser closes.
    ///
    /// # Errors
    /// The name, the value or an attribute cannot stand in a header.
    pub fn cookie(&self, value: &str, max_age: Option<i64>) -> Result<SetCookie, CookieError> {
        let cookie = SetCookie::new(self.name, value)?
            .secure(self.secure)
            .http_only(self.http_only);
        let cookie = self.placed(cookie)?;
        Ok(match max_age {
            Some(seconds) => cookie.max_age(seconds),
            None => cookie,
        })
    }

    /// What makes the browser drop this cookie.
    ///
    /// # Errors
    /// The name or an attribute cannot stand in a header.
    pub fn deletion(&self) -> Result<SetCookie, CookieError> {
        self.placed(SetCookie::delete(self.name)?)
    }

    /// Browsers know a cookie by its name, path and domain.
    fn placed(&self, cookie: SetCookie) -> Result<SetCookie, CookieError> {
        let mut cookie = cookie.path(self.path)?;
        if let Some(domain) = self.domain {
            cookie = cookie.domain(domain)?;
        }
        if let Some(same_site) = self.same_site {
            cookie = cookie.same_site(same_site);
        }
        Ok(cookie)
    }
}
