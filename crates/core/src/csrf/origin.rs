//! Whose pages may send requests: this site's own, and those of the trusted origins.

use std::fmt;

use crate::url::SplitUrl;

/// `CSRF_TRUSTED_ORIGINS`, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedOrigins {
    /// Entries without a wildcard, compared as they are written.
    exact: Vec<String>,
    /// Scheme and domain of the entries with one.
    subdomains: Vec<(String, Domain)>,
    /// The domain of every entry: a referer is compared with these, whatever the entry's scheme.
    hosts: Vec<Domain>,
}

impl TrustedOrigins {
    /// Each entry has a scheme: `https://example.com`, `https://example.com:8443`, `https://*.example.com`.
    ///
    /// A wildcard stands for any subdomain and for the domain itself, never for another port.
    ///
    /// # Errors
    /// An entry has no scheme, or is no URL.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginError> {
        let mut origins = Self::default();
        for entry in entries {
            if !entry.contains("://") {
                return Err(OriginError::NoScheme(entry.to_owned()));
            }
            let url = SplitUrl::parse(entry).ok_or_else(|| OriginError::NoUrl(entry.to_owned()))?;
            let domain = Domain::new(url.netloc.trim_start_matches('*'));
            if entry.contains('*') {
                origins.subdomains.push((url.scheme, domain.clone()));
            } else {
                origins.exact.push(entry.to_owned());
            }
            origins.hosts.push(domain);
        }
        Ok(origins)
    }

    /// Whether the text of an `Origin` header names one of them, scheme and port included.
    pub(super) fn contains(&self, origin: &str) -> bool {
        if self.exact.iter().any(|entry| entry == origin) {
            return true;
        }
        if self.subdomains.is_empty() {
            return false;
        }
        SplitUrl::parse(origin).is_some_and(|origin| {
            self.subdomains
                .iter()
                .any(|(scheme, domain)| *scheme == origin.scheme && domain.covers(&origin.netloc))
        })
    }

    /// Whether a referer's host and port are one's.
    pub(super) fn has_host(&self, netloc: &str) -> bool {
        self.hosts.iter().any(|domain| domain.covers(netloc))
    }
}

/// A host with its port, if it has one; with a leading dot also its subdomains (`is_same_domain` in
/// `django.utils.http`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Domain(String);

impl Domain {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.to_lowercase())
    }

    /// The empty pattern covers nothing.
    pub(super) fn covers(&self, netloc: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let bare = self.0.strip_prefix('.');
        *netloc == self.0 || bare.is_some_and(|bare| netloc.ends_with(&self.0) || netloc == bare)
    }
}

/// An entry of `CSRF_TRUSTED_ORIGINS` that cannot mean anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginError {
    /// The entry does not begin with a scheme.
    NoScheme(String),
    /// The entry is no URL.
    NoUrl(String),
}

impl fmt::Display for OriginError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScheme(entry) => write!(
                formatter,
                "the trusted origin {entry:?} must begin with a scheme, usually http:// or https://"
            ),
            Self::NoUrl(entry) => write!(formatter, "the trusted origin {entry:?} is no URL"),
        }
    }
}

impl std::error::Error for OriginError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(entry: &str) -> TrustedOrigins {
        TrustedOrigins::new([entry]).unwrap()
    }

    #[test]
    fn origins_are_trusted_as_in_django() {
        let rows = [
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example/", false),
            ("https://a.example", "https://A.example", false),
            ("https://a.example", "https://b.a.example", false),
            ("https://a.example:8443", "https://a.example:8443", true),
            ("https://a.example:8443", "https://a.example", false),
            ("https://*.example.com", "https://foo.example.com", true),
            ("https://*.example.com", "https://example.com", true),
            ("https://*.example.com", "https://a.b.example.com", true),
            ("https://*.example.com", "https://u@foo.example.com", true),
            ("https://*.example.com", "HTTPS://foo.example.com", true),
            ("https://*.example.com", "https://foo.EXAMPLE.com", false),
            ("https://*.EXAMPLE.com", "https://foo.example.com", true),
            (
                "https://*.example.com",
                "https://foo.example.com:8443",
                false,
            ),
            ("https://*.example.com", "http://foo.example.com", false),
            ("https://*.example.com", "https://evilexample.com", false),
            ("https://*.example.com", "https://[.example.com", false),
            ("https://*.example.com", "null", false),
            ("https://*.example.com", "", false),
            (
                "https://*.example.com:8443",
                "https://a.example.com:8443",
                true,
            ),
            ("https://*.example.com:8443", "https://a.example.com", false),
            ("https://*", "https://anything.example", false),
            ("https://*", "https://", false),
            ("https://a*.x.com", "https://a*.x.com", true),
            ("https://a*.x.com", "https://ab.x.com", false),
        ];
        for (entry, origin, expected) in rows {
            assert_eq!(
                trusted(entry).contains(origin),
                expected,
                "{entry} {origin}"
            );
        }
    }

    #[test]
    fn an_entry_without_a_scheme_is_an_error() {
        for entry in ["example.com", "*.example.com", "//example.com", ""] {
            assert_eq!(
                TrustedOrigins::new(["https://fine.example", entry]),
                Err(OriginError::NoScheme(entry.to_owned()))
            );
        }
        assert_eq!(
            TrustedOrigins::new(["https://[oops"]),
            Err(OriginError::NoUrl("https://[oops".to_owned()))
        );
    }

    #[test]
    fn an_error_names_the_entry() {
        let text = |entry: &str| TrustedOrigins::new([entry]).unwrap_err().to_string();
        assert_eq!(
            text("example.com"),
            r#"the trusted origin "example.com" must begin with a scheme, usually http:// or https://"#
        );
        assert_eq!(
            text("https://[oops"),
            r#"the trusted origin "https://[oops" is no URL"#
        );
    }
}
