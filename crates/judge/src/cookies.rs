//! Cookies on the wire.

use std::borrow::Cow;

use cloakroom_core::cookie::{
    self, CookieError, Refusal, ResponseCookies, SetCookie, SignedCookies,
};
use cloakroom_core::version::DjangoVersion;
use serde::Deserialize;
use serde_json::json;

use crate::question::{Answer, Ask, Fault};
use crate::signing::{Keys, Now, age, fault, unhex};

#[derive(Deserialize)]
pub(crate) struct ParseCookies {
    header: String,
}

impl Ask for ParseCookies {
    fn answer(self) -> Answer {
        Ok(json!(cookie::map([self.header.as_bytes()])))
    }
}

/// The same of all the headers of a request, of any bytes, and what a search for one name finds.
#[derive(Deserialize)]
pub(crate) struct ReadCookies {
    headers: CookieHeaders,
    name: String,
}

/// A request's `Cookie` headers, in hexadecimal.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct CookieHeaders(Vec<String>);

impl CookieHeaders {
    pub(crate) fn bytes(&self) -> Result<Vec<Vec<u8>>, Fault> {
        let bytes =
            |text: &String| unhex(text).ok_or_else(|| Fault::new("header", "not hexadecimal"));
        self.0.iter().map(bytes).collect()
    }
}

/// The values of all cookies of this name, the last one first: the last header's come before the others'.
pub(crate) fn find_all<'a>(
    headers: &'a [Vec<u8>],
    name: &str,
) -> impl Iterator<Item = Cow<'a, str>> {
    let headers = headers.iter().rev();
    headers.flat_map(move |header| cookie::find_all(header, name))
}

impl Ask for ReadCookies {
    fn answer(self) -> Answer {
        let headers = self.headers.bytes()?;
        let last = |header: &'_ Vec<u8>| cookie::find_last(header, &self.name).map(Cow::into_owned);
        Ok(json!({
            "cookies": cookie::map(headers.iter().map(Vec::as_slice)),
            "last": headers.iter().rev().find_map(last),
            "all": find_all(&headers, &self.name).collect::<Vec<_>>(),
        }))
    }
}

/// Calls of `set_cookie` and `delete_cookie` on one response, in their order.
#[derive(Deserialize)]
pub(crate) struct SetCookies {
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    name: String,
    value: String,
    deletes: bool,
    max_age: Option<i64>,
    fractional_age: Option<f64>,
    expires_text: Option<String>,
    expires_at: Option<Now>,
    path: Option<String>,
    domain: Option<String>,
    same_site: Option<String>,
    secure: bool,
    http_only: bool,
    now: Now,
}

impl Call {
    fn cookie(&self) -> Result<SetCookie, CookieError> {
        let mut cookie = if self.deletes {
            SetCookie::delete(&self.name)?
        } else {
            SetCookie::new(&self.name, &self.value)?
        };
        if let Some(text) = &self.expires_text {
            cookie = cookie.expires_text(text)?;
        }
        if let Some(moment) = self.expires_at {
            cookie = cookie.expires_at(moment.timestamp());
        }
        if let Some(seconds) = self.max_age {
            cookie = cookie.max_age(seconds);
        }
        if let Some(seconds) = self.fractional_age {
            cookie = cookie.max_age_f64(seconds);
        }
        cookie = match &self.path {
            Some(path) => cookie.path(path)?,
            None => cookie.unsaid_path(),
        };
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(domain)?;
        }
        if let Some(same_site) = &self.same_site {
            cookie = cookie.same_site(same_site.parse()?);
        }
        Ok(cookie.secure(self.secure).http_only(self.http_only))
    }
}

impl Ask for SetCookies {
    fn answer(self) -> Answer {
        let mut cookies = ResponseCookies::default();
        for call in &self.calls {
            let cookie = call.cookie().map_err(unwritable)?;
            cookies.set(&cookie, call.now.timestamp());
        }
        Ok(json!(cookies.header_values().collect::<Vec<_>>()))
    }
}

fn unwritable(error: CookieError) -> Fault {
    let kind = match error {
        CookieError::Name | CookieError::ReservedName => "name",
        CookieError::Value => "value",
        CookieError::SameSite => "same_site",
        _ => "attribute",
    };
    Fault::new(kind, error)
}

/// Why browsers would not keep a cookie as it is written.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct CookieRefusal(Call);

impl Ask for CookieRefusal {
    fn answer(self) -> Answer {
        let cookie = self.0.cookie().map_err(unwritable)?;
        let refusal = cookie.refusal(self.0.now.timestamp());
        let refusal = refusal.map(|refusal| match refusal {
            Refusal::TooLarge => "too large",
            Refusal::AttributeTooLarge => "attribute too large",
            Refusal::TooLong => "too long",
            Refusal::SecurePrefix => "secure prefix",
            Refusal::HostPrefix => "host prefix",
            Refusal::NoneWithoutSecure => "none without secure",
            _ => "another",
        });
        Ok(json!(refusal))
    }
}

#[derive(Deserialize)]
struct Signing {
    keys: Keys,
    version: String,
    /// `SIGNED_COOKIE_LEGACY_SALT_FALLBACK`, if the site sets it.
    legacy: Option<bool>,
}

impl Signing {
    fn cookies(&self) -> Result<SignedCookies, Fault> {
        let version: DjangoVersion = self
            .version
            .parse()
            .map_err(|error| Fault::new("version", error))?;
        let cookies = SignedCookies::new(&self.keys.secrets()?, version);
        Ok(match self.legacy {
            Some(accepts) => cookies.legacy_salt_fallback(accepts),
            None => cookies,
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct SignCookie {
    signing: Signing,
    name: String,
    salt: String,
    value: String,
    now: Now,
}

impl Ask for SignCookie {
    fn answer(self) -> Answer {
        let signer = self.signing.cookies()?.signer(&self.name, &self.salt);
        Ok(json!(signer.sign(&self.value, self.now.timestamp())))
    }
}

#[derive(Deserialize)]
pub(crate) struct UnsignCookie {
    signing: Signing,
    name: String,
    salt: String,
    signed: String,
    max_age: Option<f64>,
    now: Now,
}

impl Ask for UnsignCookie {
    fn answer(self) -> Answer {
        let signer = self.signing.cookies()?.signer(&self.name, &self.salt);
        let value = match self.max_age {
            None => signer.unsign(&self.signed),
            Some(seconds) => {
                signer.unsign_within(&self.signed, age(seconds)?, self.now.timestamp())
            }
        };
        Ok(json!(value.map_err(fault)?))
    }
}
