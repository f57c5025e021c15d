//! The extractor for the request's cookies and the response's.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use cloakroom_core::cookie::{self, SetCookie};
use cloakroom_core::signing::SigningError;
use http::header::{COOKIE, HeaderValue};
use http::request::Parts;

use crate::config::Secure;
use crate::error::Error;
use crate::visit::Visit;

/// The cookies that the browser sent, and those the response will set.
///
/// ```
/// use cloakroom::{Cookies, Error, cookie::SetCookie};
///
/// async fn theme(cookies: Cookies) -> Result<String, Error> {
///     let theme = cookies.get("theme").unwrap_or_else(|| "light".into());
///     cookies.set(&SetCookie::new("theme", &theme)?.max_age(31_536_000))?;
///     Ok(theme)
/// }
/// ```
#[derive(Clone)]
pub struct Cookies {
    visit: Visit,
    sent: Arc<[HeaderValue]>,
}

impl Cookies {
    /// The value of a cookie that the browser sent; of several with one name the last.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let mut headers = self.sent.iter().rev();
        headers
            .find_map(|header| cookie::find_last(header.as_bytes(), name))
            .map(Cow::into_owned)
    }

    /// True if the browser sent a cookie of this name, whatever its value.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values: each name once, where it came first, with the last of its values, as in Django's
    /// `request.COOKIES`.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        cookie::map(self.sent.iter().map(HeaderValue::as_bytes)).into_iter()
    }

    /// The value of a cookie that [`set_signed`](Self::set_signed) or Django's `set_signed_cookie` made for
    /// this name and salt, if it is at most `max_age` old. `None` if the browser sent no such cookie.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use cloakroom::{Cookies, Error, signing::SigningError};
    ///
    /// async fn discount(cookies: Cookies) -> Result<String, Error> {
    ///     let week = Duration::from_secs(7 * 86_400);
    ///     Ok(match cookies.get_signed("discount", "shop", Some(week)) {
    ///         Ok(Some(percent)) => format!("{percent} % off"),
    ///         Ok(None) => "no discount".into(),
    ///         Err(SigningError::Expired) => "your discount has ended".into(),
    ///         // Somebody made it up, or the key is another one.
    ///         Err(_) => "no discount".into(),
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// The cookie is there and was not signed for this purpose, or is too old ([`SigningError::Expired`]).
    pub fn get_signed(
        &self,
        name: &str,
        salt: &str,
        max_age: Option<Duration>,
    ) -> Result<Option<String>, SigningError> {
        let Some(signed) = self.get(name) else {
            return Ok(None);
        };
        let signer = self.visit.site().signed_cookies.signer(name, salt);
        let value = match max_age {
            None => signer.unsign(&signed)?,
            Some(max_age) => signer.unsign_within(&signed, max_age, self.visit.site().now())?,
        };
        Ok(Some(value.to_owned()))
    }

    /// The text to set as a cookie's value, signed for this name and salt.
    #[must_use]
    pub fn sign(&self, name: &str, value: &str, salt: &str) -> String {
        self.visit
            .site()
            .signed_cookies
            .signer(name, salt)
            .sign(value, self.visit.site().now())
    }

    /// Has the response set a cookie. As in Django, setting one again keeps the attributes that the second
    /// call does not name. A response with status 500 and above sets none, and the log names those that it would have
    /// set.
    ///
    /// # Errors
    /// Browsers would drop the cookie or cut its life without a word ([`Refusal`](cookie::Refusal)), or the response
    /// is made.
    pub fn set(&self, cookie: &SetCookie) -> Result<(), Error> {
        let now = self.visit.site().now();
        if let Some(refusal) = cookie.refusal(now) {
            return Err(Error::refused_cookie(cookie.name(), refusal));
        }
        let mut state = self.visit.state();
        if state.sealed {
            return Err(Error::closed());
        }
        state.cookies.set(cookie, now);
        state.cookie_names.push(cookie.name().to_owned());
        Ok(())
    }

    /// Signs a value for a cookie's name and a salt, and has the response set it. `with` adds what the cookie is to
    /// have besides.
    ///
    /// # Errors
    /// The name cannot stand in a header, and as [`set`](Self::set).
    pub fn set_signed(
        &self,
        name: &str,
        value: &str,
        salt: &str,
        with: impl FnOnce(SetCookie) -> SetCookie,
    ) -> Result<(), Error> {
        self.set(&with(SetCookie::new(name, &self.sign(name, value, salt))?))
    }

    /// What `Secure` is to be for a cookie that only https should carry: true, but over plain http on a loopback name
    /// without a proxy in front, where some browsers would not keep it
    /// ([`Secure::UnlessLocal`](crate::Secure::UnlessLocal)).
    ///
    /// ```
    /// use cloakroom::{Cookies, Error, cookie::SetCookie};
    ///
    /// async fn remember(cookies: Cookies) -> Result<(), Error> {
    ///     let cookie = SetCookie::new("theme", "dark")?.secure(cookies.secure());
    ///     cookies.set(&cookie)
    /// }
    /// ```
    #[must_use]
    pub fn secure(&self) -> bool {
        self.visit.secure(Secure::UnlessLocal)
    }

    /// Has the response delete the cookie of this name with path `/` and no domain. Browsers know a cookie by its path
    /// and domain too: one that was set with others is deleted by `cookies.set(&it.deletion())`
    /// ([`SetCookie::deletion`]).
    ///
    /// # Errors
    /// The name cannot stand in a header, or the response is made.
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        self.set(&SetCookie::delete(name)?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Cookies {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let visit = Visit::of(parts)?.clone();
        visit.state().reads_cookies = true;
        let sent = parts.headers.get_all(COOKIE).iter().cloned().collect();
        Ok(Self { visit, sent })
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Cookies(..)")
    }
}
