//! Cookies on the wire.

use cloakroom_core::cookie::{self, CookieError, ResponseCookies, SetCookie, SignedCookies};
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
        let pairs: Vec<_> = cookie::parse(self.header.as_bytes()).collect();
        Ok(json!(pairs))
    }
}

/// The same of any bytes, and what a search for one name finds.
#[derive(Deserialize)]
pub(crate) struct ReadCookies {
    /// In hexadecimal.
    header: String,
    name: String,
}

impl Ask for ReadCookies {
    fn answer(self) -> Answer {
        let header = unhex(&self.header).ok_or_else(|| Fault::new("header", "not hexadecimal"))?;
        let pairs: Vec<_> = cookie::parse(&header).collect();
        Ok(json!({
            "pairs": pairs,
            "last": cookie::find_last(&header, &self.name),
            "all": cookie::find_all(&header, &self.name).collect::<Vec<_>>(),
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
            let cookie = call.cookie().map_err(|error| {
                let kind = match error {
                    CookieError::Name | CookieError::ReservedName => "name",
                    CookieError::Value => "value",
                    CookieError::SameSite => "same_site",
                    _ => "attribute",
                };
                Fault::new(kind, error)
            })?;
            cookies.set(&cookie, call.now.timestamp());
        }
        Ok(json!(cookies.header_values().collect::<Vec<_>>()))
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
