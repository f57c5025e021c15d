//! The extractor for the request's cookies and the response's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use cloakroom_core::cookie::{self, SetCookie};
use cloakroom_core::signing::SigningError;
use cloakroom_core::time::Timestamp;
use http::header::{COOKIE, HeaderValue};
use http::request::Parts;

use crate::error::Error;
use crate::visit::Visit;

/// The cookies that the browser sent, and those the response will set.
///
/// ```
/// use cloakroom::{Cookies, Error, cookie::SetCookie};
///
/// async fn theme(cookies: Cookies) -> Result<String, Error> {
///     let theme = cookies.get("theme").unwrap_or_else(|| "light".into());
///     cookies.set(&SetCookie::new("theme", &theme)?.max_age(31_536_000));
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
            .map(std::borrow::Cow::into_owned)
    }

    /// Names and values in the order in which the browser sent them, duplicates included.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
        self.sent
            .iter()
            .flat_map(|header| cookie::parse(header.as_bytes()))
    }

    /// The value of a cookie that [`set_signed`](Self::set_signed) or Django's `set_signed_cookie` made for
    /// this name and salt, if it is at most `max_age` old.
    ///
    /// # Errors
    /// The cookie is there and was not signed for this purpose, or is too old.
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
            Some(max_age) => signer.unsign_within(&signed, max_age, Timestamp::now())?,
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
            .sign(value, Timestamp::now())
    }

    /// Has the response set a cookie. As in Django, setting one again keeps the attributes that the second
    /// call does not name. A response with status 500 and above sets none.
    pub fn set(&self, cookie: &SetCookie) {
        let mut state = self.visit.state();
        if let Some(refusal) = cookie.refusal() {
            tracing::warn!(cookie = cookie.name(), %refusal, "browsers will drop a cookie");
        }
        state.cookies.set(cookie, Timestamp::now());
        state.cookie_names.push(cookie.name().to_owned());
    }

    /// Signs `cookie`'s value for its name and a salt, and has the response set it.
    ///
    /// # Errors
    /// The name cannot stand in a header.
    pub fn set_signed(
        &self,
        name: &str,
        value: &str,
        salt: &str,
        with: impl FnOnce(SetCookie) -> SetCookie,
    ) -> Result<(), Error> {
        self.set(&with(SetCookie::new(name, &self.sign(name, value, salt))?));
        Ok(())
    }

    /// Has the response delete the cookie of this name with path `/` and no domain.
    ///
    /// # Errors
    /// The name cannot stand in a header.
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        self.set(&SetCookie::delete(name)?);
        Ok(())
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
