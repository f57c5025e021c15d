//! Protection against requests that another site's page makes in a user's name.
//!
//! Two questions in this order: do the headers say that the request comes from a page we trust
//! ([`check_headers`]), and does it prove that its page could read our cookie ([`check_token`])? The
//! second needs the body, the first decides before one is read. The rules are those of
//! `django.middleware.csrf`; what is added only ever refuses more.

mod bound;
mod cookie;
mod field;
mod form;
mod in_session;
mod multipart;
mod origin;
mod reason;
mod token;
mod urlencoded;

pub use bound::{SecretBinding, SecretOwner};
pub use cookie::CsrfCookie;
pub use field::hidden_input;
pub use form::FormFault;
pub use multipart::{MultipartBoundary, MultipartScan};
pub use origin::{OriginError, TrustedOrigins};
pub use reason::Reason;
pub use token::{CsrfSecret, TokenFault};
pub use urlencoded::UrlencodedScan;

use origin::Domain;

use crate::url::SplitUrl;

/// The name under which a session keeps the secret, where it is not in a cookie (`CSRF_USE_SESSIONS`).
pub const SESSION_NAME: &str = "_csrftoken";

/// The name of the form field that holds the token.
pub const FORM_FIELD: &str = "csrfmiddlewaretoken";

/// What a site trusts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CsrfRules {
    /// `CSRF_TRUSTED_ORIGINS`.
    pub trusted_origins: TrustedOrigins,
    /// `CSRF_COOKIE_DOMAIN`, or `SESSION_COOKIE_DOMAIN` where the session keeps the secret: whoever shares
    /// the cookie may be the referer.
    pub cookie_domain: Option<String>,
    /// Whether the browser's own word on where a request comes from may refuse it.
    pub veto: Veto,
    /// `CSRF_HEADER_NAME`.
    pub header: TokenHeader,
}

impl CsrfRules {
    /// Nobody else is trusted, no cookie domain, the header `X-CSRFToken`.
    #[must_use]
    pub fn new(veto: Veto) -> Self {
        Self {
            trusted_origins: TrustedOrigins::default(),
            cookie_domain: None,
            veto,
            header: TokenHeader::default(),
        }
    }
}

/// What the header `Sec-Fetch-Site` may refuse. An `Origin` among the trusted origins lifts it.
///
/// Django does not look at this header. It tells what the token cannot: that a page which planted its own
/// cookie here, from a sister domain or over http, is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the levels")]
pub enum Veto {
    /// Nothing, as in Django.
    None,
    /// What a page of another site sends, and values that no specification knows yet.
    CrossSite,
    /// That, and what a page of another subdomain sends.
    CrossAndSameSite,
}

impl Veto {
    fn refuses(self, fetch_site: &str) -> bool {
        // An empty value says as little as an absent one.
        let ours = matches!(fetch_site, "" | "same-origin" | "none");
        match self {
            Self::None => false,
            Self::CrossSite => !ours && fetch_site != "same-site",
            Self::CrossAndSameSite => !ours,
        }
    }
}

/// The header that may hold the token instead of a form field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHeader(String);

impl TokenHeader {
    /// Reads `CSRF_HEADER_NAME`, which Django writes as WSGI does: `HTTP_X_CSRFTOKEN`.
    ///
    /// `None` for a text that names no header in that way.
    #[must_use]
    pub fn from_setting(text: &str) -> Option<Self> {
        let name = text.strip_prefix("HTTP_")?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (!name.is_empty() && name.bytes().all(allowed))
            .then(|| Self(name.replace('_', "-").to_ascii_lowercase()))
    }

    /// The header's name in lower case: `x-csrftoken`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As Python's `str.title` writes it: `X-Csrftoken`.
    fn title(&self) -> String {
        let mut in_word = false;
        let title = self.0.chars().map(|character| {
            let begins = character.is_ascii_alphabetic() && !in_word;
            in_word = character.is_ascii_alphabetic();
            if begins {
                character.to_ascii_uppercase()
            } else {
                character
            }
        });
        title.collect()
    }
}

impl Default for TokenHeader {
    fn default() -> Self {
        Self("x-csrftoken".to_owned())
    }
}

/// The parts of a request's head that decide.
///
/// Header text that is not ASCII may be given in any lossy form, but never left out: a header that is there
/// and matches nothing is refused, one that is absent is not.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever translates a request must name every part"
)]
pub struct CsrfRequest<'a> {
    /// The method as it was sent. Methods are case-sensitive: Django takes `get` for `GET`, we do not.
    pub method: &'a str,
    /// Whether it came over https, by the connection or by the word of a trusted proxy.
    pub secure: bool,
    /// The host as the client wrote it, port included; `None` if it is not one of the allowed hosts.
    pub host: Option<&'a str>,
    /// The port that the server listens on, or the one that a trusted proxy names.
    pub port: u16,
    /// The header `Origin`. An empty one is not an absent one.
    pub origin: Option<&'a str>,
    /// The header `Referer`.
    pub referer: Option<&'a str>,
    /// The header `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
}

impl CsrfRequest<'_> {
    /// Whether `origin` is this site's own, byte for byte.
    fn is_own_origin(&self, origin: &str) -> bool {
        let scheme = if self.secure { "https" } else { "http" };
        self.is_own_host_with(origin, scheme)
    }

    fn is_own_host_with(&self, origin: &str, scheme: &str) -> bool {
        origin
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix("://"))
            .is_some_and(|host| self.host == Some(host))
    }
}

/// What the head of a request, if nothing is wrong with it, leaves to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "these are all the outcomes")]
pub enum Verdict {
    /// The method changes nothing, so the request needs no token.
    Accept,
    /// The request needs a token: see [`check_token`].
    NeedsToken,
}

/// Decides all that can be decided before a body is read.
///
/// # Errors
/// The request comes from a page that is not trusted, or hides where it comes from though it is secure.
pub fn check_headers(rules: &CsrfRules, request: &CsrfRequest<'_>) -> Result<Verdict, Reason> {
    if matches!(request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE") {
        return Ok(Verdict::Accept);
    }
    if let Some(origin) = request.origin {
        check_origin(rules, request, origin)?;
    } else if request.secure {
        check_referer(rules, request)?;
    }
    check_fetch_site(rules, request)?;
    Ok(Verdict::NeedsToken)
}

/// Decides on a request for a WebSocket that carries a session cookie: HTTP/1.1's `Upgrade` or HTTP/2's
/// `CONNECT`.
///
/// Such a request is a `GET` or has no method that a form knows, cannot carry a token, and browsers make
/// it for any page without asking. But every browser says whose page it was, so the origin rule is the
/// protection, and a request without an origin is refused: a program that is no browser can name the
/// site's own, or identify itself by something else than a cookie.
///
/// # Errors
/// The request does not name an origin, or one that is not trusted.
pub fn check_upgrade(rules: &CsrfRules, request: &CsrfRequest<'_>) -> Result<(), Reason> {
    let origin = request.origin.ok_or(Reason::UpgradeWithoutOrigin)?;
    check_origin(rules, request, origin)?;
    check_fetch_site(rules, request)
}

/// Decides whether a request's token proves the stored secret.
///
/// `form` is the last field called [`FORM_FIELD`] of a `POST`'s form, and absent for other methods: only
/// `POST` may carry the token in its body. If it is not empty the header does not count, right or wrong.
///
/// # Errors
/// There is no secret or no token, one of them is malformed, or they do not fit.
pub fn check_token(
    stored: StoredSecret<'_>,
    form: Option<&str>,
    header: Option<&str>,
    header_name: &TokenHeader,
) -> Result<(), Reason> {
    let secret = match stored {
        StoredSecret::Absent => return Err(Reason::NoCookie),
        // Not "absent": a cookie that cannot be read must never switch the check off.
        StoredSecret::Faulty(fault) => return Err(Reason::BadCookie(fault)),
        StoredSecret::Foreign => return Err(Reason::ForeignCookie),
        StoredSecret::Secret(secret) => secret,
    };
    if let Some(token) = form.filter(|token| !token.is_empty()) {
        return secret.verify(token).map_err(Reason::BadFormToken);
    }
    let token = header.ok_or(Reason::NoToken)?;
    secret
        .verify(token)
        .map_err(|fault| Reason::BadHeaderToken {
            header: header_name.title(),
            fault,
        })
}

/// What the cookie or the session held when the request came.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "these are all the cases")]
pub enum StoredSecret<'a> {
    /// There was none.
    Absent,
    /// There was something that [`CsrfSecret::from_stored`] refused.
    Faulty(TokenFault),
    /// There was one that belongs to another login ([`SecretBinding`]).
    Foreign,
    /// There was this one.
    Secret(&'a CsrfSecret),
}

fn check_origin(rules: &CsrfRules, request: &CsrfRequest<'_>, origin: &str) -> Result<(), Reason> {
    if request.is_own_origin(origin) || rules.trusted_origins.contains(origin) {
        return Ok(());
    }
    Err(Reason::BadOrigin {
        origin: origin.to_owned(),
        only_the_scheme_differs: !request.secure && request.is_own_host_with(origin, "https"),
    })
}

/// Without an `Origin`, whoever sits on the wire could send a form from a page that it made up over http.
/// Over https a request must therefore say which https page it comes from.
fn check_referer(rules: &CsrfRules, request: &CsrfRequest<'_>) -> Result<(), Reason> {
    let referer = request.referer.ok_or(Reason::NoReferer)?;
    let referer = SplitUrl::parse(referer).ok_or(Reason::MalformedReferer)?;
    if referer.scheme.is_empty() || referer.netloc.is_empty() {
        return Err(Reason::MalformedReferer);
    }
    if referer.scheme != "https" {
        return Err(Reason::InsecureReferer);
    }
    if rules.trusted_origins.has_host(&referer.netloc) {
        return Ok(());
    }
    let good = match (&rules.cookie_domain, request.host) {
        (Some(domain), _) if matches!(request.port, 443 | 80) => Some(Domain::new(domain)),
        (Some(domain), _) => Some(Domain::new(&format!("{domain}:{}", request.port))),
        (None, host) => host.map(Domain::new),
    };
    if good.is_some_and(|good| good.covers(&referer.netloc)) {
        Ok(())
    } else {
        Err(Reason::BadReferer(referer.unsplit()))
    }
}

fn check_fetch_site(rules: &CsrfRules, request: &CsrfRequest<'_>) -> Result<(), Reason> {
    let refused = request
        .fetch_site
        .is_some_and(|fetch_site| rules.veto.refuses(fetch_site));
    let lifted = || {
        request
            .origin
            .is_some_and(|origin| rules.trusted_origins.contains(origin))
    };
    if refused && !lifted() {
        Err(Reason::ForeignSite)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
