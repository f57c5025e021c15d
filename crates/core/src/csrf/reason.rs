//! Why a request was refused, in Django's words.

use std::fmt;

use super::form::FormFault;
use super::token::TokenFault;
use crate::url::SplitUrl;

/// Why a request was refused. `Display` is the text that Django logs; [`for_log`](Self::for_log) has no foreign secrets in it.
///
/// It is for the log alone, which must escape it: it may repeat what the client sent. A client learns no
/// more than that the request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The `Origin` header names neither this site nor a trusted origin.
    BadOrigin {
        /// What it names.
        origin: String,
        /// It is this site, but over https while the request seems to have come over http.
        only_the_scheme_differs: bool,
    },
    /// A secure request has neither an `Origin` nor a `Referer` header.
    NoReferer,
    /// The `Referer` header is no URL with a scheme and a host.
    MalformedReferer,
    /// A page that came over http sent a request over https.
    InsecureReferer,
    /// The `Referer` header names neither this site nor a trusted origin.
    BadReferer(String),
    /// Nothing says which secret the token should prove.
    NoCookie,
    /// The stored secret is malformed.
    BadCookie(TokenFault),
    /// The stored secret belongs to another login. Django's belong to nobody.
    ForeignCookie,
    /// Neither the form nor the headers hold a token.
    NoToken,
    /// The form's token does not prove the secret.
    BadFormToken(TokenFault),
    /// The header's token does not prove the secret.
    BadHeaderToken {
        /// The header's name as Django shows it: `X-Csrftoken`.
        header: String,
        /// What is wrong with the token.
        fault: TokenFault,
    },
    /// The form has a token twice. Django takes the last one.
    SecondToken,
    /// Behind its token the form cannot be read in one way only.
    MalformedForm,
    /// The browser says that another site's page sent this. Django does not ask.
    ForeignSite,
    /// A request for a WebSocket does not say whose page made it. Django has no such rule.
    UpgradeWithoutOrigin,
}

impl Reason {
    /// What whoever runs the site may have to change, for the log.
    #[must_use]
    pub const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::BadOrigin {
                only_the_scheme_differs: true,
                ..
            } => Some(
                "the origin is this site over https: if a proxy speaks TLS for it, set \
                 SECURE_PROXY_SSL_HEADER and TRUSTED_PROXIES",
            ),
            Self::BadOrigin { .. } | Self::BadReferer(_) => Some(
                "if this is another name of the site, the proxy in front must pass the Host header \
                 on; if it is a site to trust, add it to CSRF_TRUSTED_ORIGINS",
            ),
            Self::NoReferer => Some(
                "a page with the header Referrer-Policy: no-referrer cannot send forms over https \
                 from browsers that send no Origin header; same-origin is enough",
            ),
            _ => None,
        }
    }

    /// Django's words, but of a foreign page the site alone: its address may have somebody's secrets in it, such as the
    /// token of a link.
    #[must_use]
    pub fn for_log(&self) -> String {
        let Self::BadReferer(referer) = self else {
            return self.to_string();
        };
        let site = SplitUrl::parse(referer).map(|url| {
            let host = url.netloc.rsplit('@').next().unwrap_or_default();
            format!("{}://{host}", url.scheme)
        });
        Self::BadReferer(site.unwrap_or_default()).to_string()
    }
}

impl From<FormFault> for Reason {
    fn from(fault: FormFault) -> Self {
        match fault {
            FormFault::SecondToken => Self::SecondToken,
            FormFault::Malformed => Self::MalformedForm,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadOrigin { origin, .. } => write!(
                formatter,
                "Origin checking failed - {origin} does not match any trusted origins."
            ),
            Self::NoReferer => formatter.write_str("Referer checking failed - no Referer."),
            Self::MalformedReferer => {
                formatter.write_str("Referer checking failed - Referer is malformed.")
            }
            Self::InsecureReferer => formatter
                .write_str("Referer checking failed - Referer is insecure while host is secure."),
            Self::BadReferer(referer) => write!(
                formatter,
                "Referer checking failed - {referer} does not match any trusted origins."
            ),
            Self::NoCookie => formatter.write_str("CSRF cookie not set."),
            Self::BadCookie(fault) => write!(formatter, "CSRF cookie {fault}."),
            Self::ForeignCookie => formatter.write_str("CSRF cookie belongs to another login."),
            Self::NoToken => formatter.write_str("CSRF token missing."),
            Self::BadFormToken(fault) => write!(formatter, "CSRF token from POST {fault}."),
            Self::BadHeaderToken { header, fault } => write!(
                formatter,
                "CSRF token from the '{header}' HTTP header {fault}."
            ),
            Self::SecondToken => formatter.write_str("CSRF token from POST is there twice."),
            Self::MalformedForm => {
                formatter.write_str("CSRF token from POST stands in a malformed form.")
            }
            Self::ForeignSite => {
                formatter.write_str("Sec-Fetch-Site checking failed - not from this site.")
            }
            Self::UpgradeWithoutOrigin => {
                formatter.write_str("Origin checking failed - no Origin in a WebSocket request.")
            }
        }
    }
}

impl std::error::Error for Reason {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_of_a_foreign_page_its_site_alone() {
        for referer in [
            "https://evil.example:8443/reset/MQ/c0ffee-token/?q=secret#part",
            "https://ann:secret@evil.example:8443/",
        ] {
            assert_eq!(
                Reason::BadReferer(referer.to_owned()).for_log(),
                "Referer checking failed - https://evil.example:8443 does not match any trusted origins."
            );
        }
        assert_eq!(Reason::NoCookie.for_log(), Reason::NoCookie.to_string());
    }
}
