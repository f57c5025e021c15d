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
    /// `…_COOKIE_HTTPONLY`: scripts cannot read it.
    pub http_only: bool,
    /// `…_COOKIE_SAMESITE`; `None` leaves it to the browser.
    pub same_site: Option<SameSite>,
}

impl SiteCookie<'_> {
    /// All of the cookie that is the same in every response.
    ///
    /// # Errors
    /// The name or an attribute cannot stand in a header.
    pub fn prepared(&self) -> Result<PreparedCookie, CookieError> {
        let cookie = SetCookie::new(self.name, "")?.http_only(self.http_only);
        let mut cookie = cookie.path(self.path)?;
        if let Some(domain) = self.domain {
            cookie = cookie.domain(domain)?;
        }
        if let Some(same_site) = self.same_site {
            cookie = cookie.same_site(same_site);
        }
        Ok(PreparedCookie(cookie))
    }
}

/// One of the site's cookies, without the value that each response gives it.
#[derive(Clone, Debug)]
pub struct PreparedCookie(SetCookie);

impl PreparedCookie {
    /// This cookie with a value, kept for `max_age` seconds or until the browser closes, and for https only if
    /// `secure` (`…_COOKIE_SECURE`).
    ///
    /// # Errors
    /// The value cannot stand in a header.
    pub fn cookie(
        &self,
        value: &str,
        max_age: Option<i64>,
        secure: bool,
    ) -> Result<SetCookie, CookieError> {
        let cookie = self.0.with_value(value)?.secure(secure);
        Ok(match max_age {
            Some(seconds) => cookie.max_age(seconds),
            None => cookie,
        })
    }

    /// What makes the browser drop this cookie.
    #[must_use]
    pub fn deletion(&self) -> SetCookie {
        self.0.deletion()
    }
}
