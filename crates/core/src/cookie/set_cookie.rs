//! One cookie for the client: what `HttpResponse.set_cookie` is called with.

use std::fmt;
use std::sync::Arc;

use super::browser::{Refusal, refusal};
use super::name::{check_name, has_prefix};
use super::quoting::{EMPTY, quote};
use super::response::{Attributes, end};
use super::same_site::SameSite;
use crate::time::{Timestamp, ascii};

/// A cookie to be set, with the attributes that the caller names. The path is `/` until another is given.
///
/// ```
/// use cloakroom_core::cookie::{SameSite, SetCookie};
/// use cloakroom_core::time::Timestamp;
///
/// let cookie = SetCookie::new("theme", "a b")?
///     .max_age(10)
///     .same_site(SameSite::Lax);
/// assert_eq!(
///     cookie.header_value(Timestamp::from_unix_seconds(1_700_000_000)),
///     "theme=\"a b\"; expires=Tue, 14 Nov 2023 22:13:30 GMT; Max-Age=10; Path=/; SameSite=Lax"
/// );
/// # Ok::<(), cloakroom_core::cookie::CookieError>(())
/// ```
#[derive(Clone)]
pub struct SetCookie {
    pub(super) name: Arc<str>,
    /// As it stands on the wire.
    pub(super) coded_value: String,
    pub(super) lifetime: Lifetime,
    /// Verbatim; empty if there is none.
    pub(super) expires_text: String,
    /// `None` says nothing, an empty text takes the attribute away.
    pub(super) path: Option<Arc<str>>,
    pub(super) domain: Option<Arc<str>>,
    pub(super) same_site: Option<SameSite>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) partitioned: bool,
    deletes: bool,
}

/// How long the browser keeps a cookie.
#[derive(Clone, Copy)]
pub(super) enum Lifetime {
    /// Says nothing: until the browser closes.
    Unsaid,
    Seconds(i64),
    Fractional(f64),
    Until(Timestamp),
}

impl SetCookie {
    /// The most bytes that browsers keep of name and value together (RFC 6265bis, section 5.6).
    pub const LARGEST: usize = 4096;
    /// The most bytes of a path or a domain; of a longer one browsers take no notice (ibid.).
    pub const LARGEST_ATTRIBUTE: usize = 1024;
    /// The seconds of 400 days: browsers keep no cookie for longer (RFC 6265bis, section 5.5).
    pub const LONGEST_AGE: i64 = 400 * 86_400;

    /// A cookie for the whole site that ends with the browser.
    ///
    /// # Errors
    /// The name is not Python's idea of one: empty, not ASCII letters, digits and `` !#$%&'*+-.^_`|~: ``, or
    /// an attribute's. The value holds control characters, which Python's security releases refuse too,
    /// or code points above 255, for which there is no form on the wire.
    pub fn new(name: &str, value: &str) -> Result<Self, CookieError> {
        check_name(name)?;
        Ok(Self {
            name: name.into(),
            coded_value: quote(value)?,
            lifetime: Lifetime::Unsaid,
            expires_text: String::new(),
            path: Some("/".into()),
            domain: None,
            same_site: None,
            secure: false,
            http_only: false,
            partitioned: false,
            deletes: false,
        })
    }

    /// The cookie that makes browsers forget one (`HttpResponse.delete_cookie`). Path and domain must be the
    /// ones it was set with.
    ///
    /// It carries `Secure` where browsers would ignore it otherwise: with a name that begins with `__Host-`
    /// or `__Secure-`, and with `SameSite=None`. Browsers read those prefixes in either case and so does
    /// this; Django knows only the written one.
    ///
    /// # Errors
    /// The name cannot be a cookie's.
    pub fn delete(name: &str) -> Result<Self, CookieError> {
        check_name(name)?;
        Ok(Self {
            name: name.into(),
            path: Some("/".into()),
            ..Self::nameless_deletion()
        })
    }

    fn nameless_deletion() -> Self {
        Self {
            name: "".into(),
            coded_value: EMPTY.to_owned(),
            lifetime: Lifetime::Seconds(0),
            expires_text: Timestamp::from_unix_seconds(0).http_date(),
            path: None,
            domain: None,
            same_site: None,
            secure: false,
            http_only: false,
            partitioned: false,
            deletes: true,
        }
    }

    /// What makes browsers forget this cookie: the same name, path, domain, `SameSite` and partition, by which they
    /// know it.
    ///
    /// It is `Secure` where this one is partitioned, because browsers look into a partition for nothing else.
    ///
    /// ```
    /// use cloakroom_core::cookie::SetCookie;
    /// use cloakroom_core::time::Timestamp;
    ///
    /// let theme = SetCookie::new("theme", "dark")?.path("/shop/")?.max_age(60);
    /// assert_eq!(
    ///     theme.deletion().header_value(Timestamp::now()),
    ///     "theme=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/shop/"
    /// );
    /// # Ok::<(), cloakroom_core::cookie::CookieError>(())
    /// ```
    #[must_use]
    pub fn deletion(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            path: self.path.clone(),
            domain: self.domain.clone(),
            same_site: self.same_site,
            secure: self.partitioned,
            partitioned: self.partitioned,
            ..Self::nameless_deletion()
        }
    }

    /// The same cookie with another value. Only that is copied, so that a cookie of many responses is prepared once.
    ///
    /// # Errors
    /// The value holds what [`new`](Self::new) refuses.
    pub fn with_value(&self, value: &str) -> Result<Self, CookieError> {
        Ok(Self {
            coded_value: quote(value)?,
            expires_text: self.expires_text.clone(),
            name: Arc::clone(&self.name),
            path: self.path.clone(),
            domain: self.domain.clone(),
            ..*self
        })
    }

    /// Seconds to keep it, instead of [`expires_at`](Self::expires_at): `Max-Age`, and `expires` unless its
    /// text is given.
    #[must_use]
    pub const fn max_age(mut self, seconds: i64) -> Self {
        self.lifetime = Lifetime::Seconds(seconds);
        self
    }

    /// Seconds to keep it with their fraction, which counts for `expires` and is cut off for `Max-Age`.
    /// Not-a-number is 0.
    #[must_use]
    pub const fn max_age_f64(mut self, seconds: f64) -> Self {
        self.lifetime = Lifetime::Fractional(seconds);
        self
    }

    /// The moment it ends, instead of [`max_age`](Self::max_age); both attributes are derived from it.
    #[must_use]
    pub const fn expires_at(mut self, moment: Timestamp) -> Self {
        self.lifetime = Lifetime::Until(moment);
        self
    }

    /// The `expires` attribute word for word.
    ///
    /// # Errors
    /// The text cannot stand in an attribute.
    pub fn expires_text(mut self, text: &str) -> Result<Self, CookieError> {
        self.expires_text = attribute(text)?.to_owned();
        Ok(self)
    }

    /// The path below which browsers send it; an empty one omits the attribute.
    ///
    /// # Errors
    /// The text cannot stand in an attribute: Django would let `/; Domain=…` write an attribute of its own.
    pub fn path(mut self, path: &str) -> Result<Self, CookieError> {
        self.path = Some(attribute(path)?.into());
        Ok(self)
    }

    /// Says nothing about the path (Django's `path=None`): an earlier cookie of this name keeps its own.
    #[must_use]
    pub fn unsaid_path(mut self) -> Self {
        self.path = None;
        self
    }

    /// The domain with whose hosts browsers share it; an empty one omits the attribute.
    ///
    /// # Errors
    /// The text cannot stand in an attribute.
    pub fn domain(mut self, domain: &str) -> Result<Self, CookieError> {
        self.domain = Some(attribute(domain)?.into());
        Ok(self)
    }

    /// To be sent over https only, if true. False says nothing, as in Django.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Hidden from scripts, if true. False says nothing, as in Django.
    #[must_use]
    pub const fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Which requests of other sites carry it.
    #[must_use]
    pub const fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// Kept apart for each site that embeds this one, if true (CHIPS). Django has no word for it.
    #[must_use]
    pub const fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// The cookie's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the `Set-Cookie` header: ASCII without control characters.
    #[must_use]
    pub fn header_value(&self, now: Timestamp) -> String {
        let end = end(self.lifetime, now);
        let date;
        let expires = match end {
            Some((_, end)) if self.expires_text.is_empty() => {
                date = end.http_date_bytes();
                ascii(&date)
            }
            _ => &self.expires_text,
        };
        Attributes {
            name: &self.name,
            coded_value: &self.coded_value,
            domain: self.domain.as_deref().unwrap_or_default(),
            expires,
            http_only: self.http_only,
            max_age: end.map(|(age, _)| age),
            partitioned: self.partitioned,
            path: self.path.as_deref().unwrap_or_default(),
            same_site: self.same_site,
            secure: self.writes_secure(),
        }
        .header_value()
    }

    /// Why browsers would drop this cookie, or change it, without a word, if they would. A date is counted from `now`.
    #[must_use]
    pub fn refusal(&self, now: Timestamp) -> Option<Refusal> {
        refusal(self, now)
    }

    /// Deletions are `Secure` only where browsers insist.
    pub(super) fn writes_secure(&self) -> bool {
        let insisted = || {
            has_prefix(&self.name, "__Secure-")
                || has_prefix(&self.name, "__Host-")
                || self.same_site == Some(SameSite::None)
        };
        self.secure || (self.deletes && insisted())
    }
}

/// Shows the name: the value may be a ticket.
impl fmt::Debug for SetCookie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SetCookie({}=..)", self.name)
    }
}

/// Why a cookie cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieError {
    /// The name is empty or has a character that no name may have.
    Name,
    /// The name is an attribute's.
    ReservedName,
    /// The value has a control character or a code point above 255.
    Value,
    /// An attribute has a control character, a semicolon, or something that is not ASCII.
    Attribute,
    /// Neither Lax nor None nor Strict.
    SameSite,
}

impl fmt::Display for CookieError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Name => "a cookie's name is empty or has a character that it may not have",
            Self::ReservedName => "a cookie is named as an attribute",
            Self::Value => "a cookie's value has a control character or a code point above 255",
            Self::Attribute => {
                "a cookie's attribute has a semicolon, a control character or one that is not ASCII"
            }
            Self::SameSite => "SameSite must be Lax, None or Strict",
        })
    }
}

impl std::error::Error for CookieError {}

fn attribute(text: &str) -> Result<&str, CookieError> {
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b';')
    {
        Ok(text)
    } else {
        Err(CookieError::Attribute)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::find_last;
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_700_000_000_750_000);

    fn cookie() -> SetCookie {
        SetCookie::new("n", "v").unwrap()
    }

    fn written(cookie: &SetCookie) -> String {
        cookie.header_value(NOW)
    }

    #[test]
    fn attributes_stand_in_django_s_order() {
        let cookie = cookie()
            .secure(true)
            .same_site(SameSite::Lax)
            .partitioned(true)
            .max_age(5)
            .http_only(true)
            .domain("example.com")
            .and_then(|cookie| cookie.path("/p"));
        assert_eq!(
            cookie
                .unwrap()
                .header_value(Timestamp::from_unix_seconds(1_700_000_000)),
            "n=v; Domain=example.com; expires=Tue, 14 Nov 2023 22:13:25 GMT; HttpOnly; Max-Age=5; \
             Partitioned; Path=/p; SameSite=Lax; Secure"
        );
        let bare = self::cookie().path("").unwrap().domain("").unwrap();
        assert_eq!(written(&bare), "n=v");
        assert_eq!(written(&self::cookie().unsaid_path()), "n=v");
    }

    #[test]
    fn ends_are_django_s() {
        let row = |cookie: SetCookie, date: &str, age: &str| {
            assert_eq!(
                written(&cookie),
                format!("n=v; expires={date}; Max-Age={age}; Path=/")
            );
        };
        let of_day = |time: &str| format!("Tue, 14 Nov 2023 {time} GMT");
        row(cookie().max_age(10), &of_day("22:13:30"), "10");
        row(cookie().max_age_f64(10.9), &of_day("22:13:31"), "10");
        row(cookie().max_age_f64(-5.5), &of_day("22:13:15"), "-5");
        row(cookie().max_age(-5), &of_day("22:13:15"), "-5");
        row(cookie().max_age(0), &of_day("22:13:20"), "0");
        // A second is added to a moment, so that the date comes out as it was given.
        let at =
            |micros| cookie().expires_at(Timestamp::from_unix_micros(NOW.unix_micros() + micros));
        row(at(10_000_000), &of_day("22:13:31"), "11");
        row(at(9_250_000), &of_day("22:13:30"), "10");
        row(at(-10_000_000), &of_day("22:13:20"), "0");
        row(
            cookie().max_age(10).expires_text("x, y").unwrap(),
            "x, y",
            "10",
        );
        assert_eq!(
            written(&cookie().expires_text("soon").unwrap()),
            "n=v; expires=soon; Path=/"
        );
    }

    #[test]
    fn ages_out_of_range_overflow_nothing() {
        for cookie in [
            cookie().max_age(i64::MAX),
            cookie().max_age(i64::MIN),
            cookie().max_age_f64(f64::INFINITY),
            cookie().max_age_f64(1.8e19),
            cookie().max_age_f64(f64::NAN),
            cookie().expires_at(Timestamp::MAX),
            cookie().expires_at(Timestamp::MIN),
        ] {
            assert!(written(&cookie).contains(" GMT; Max-Age="));
        }
    }

    #[test]
    fn a_deletion_is_django_s() {
        let deleted = "=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/";
        let row = |name: &str, rest: &str| {
            let cookie = SetCookie::delete(name).unwrap();
            assert_eq!(written(&cookie), format!("{name}{deleted}{rest}"));
        };
        row("c", "");
        row("__Secure-c", "; Secure");
        row("__Host-c", "; Secure");
        row("__hOST-c", "; Secure");
        let none = |same_site| written(&SetCookie::delete("c").unwrap().same_site(same_site));
        assert_eq!(none(SameSite::Lax), format!("c{deleted}; SameSite=Lax"));
        assert_eq!(
            none(SameSite::None),
            format!("c{deleted}; SameSite=None; Secure")
        );
    }

    #[test]
    fn a_cookie_s_own_deletion_is_where_the_cookie_is() {
        let placed = cookie()
            .domain("example.com")
            .and_then(|cookie| cookie.path("/p"))
            .unwrap()
            .same_site(SameSite::Strict)
            .max_age(60)
            .http_only(true)
            .secure(true);
        let gone = "n=\"\"; Domain=example.com; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/p; SameSite=Strict";
        assert_eq!(written(&placed.deletion()), gone);
        let gone = "n=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
        let partitioned = placed.unsaid_path().domain("").unwrap().partitioned(true);
        assert_eq!(
            written(&partitioned.deletion()),
            format!("{gone}; Partitioned; SameSite=Strict; Secure")
        );
        for name in ["c", "__Secure-c", "__Host-c"] {
            let set = SetCookie::new(name, "v").unwrap().secure(true);
            let deletion = SetCookie::delete(name).unwrap();
            assert_eq!(written(&set.deletion()), written(&deletion));
        }
    }

    /// C5.
    #[test]
    fn control_characters_are_refused_everywhere() {
        for control in (0..=31).chain([127]).map(char::from) {
            let text = format!("a{control}b");
            assert_eq!(SetCookie::new(&text, "v").unwrap_err(), CookieError::Name);
            assert_eq!(SetCookie::new("n", &text).unwrap_err(), CookieError::Value);
            assert_eq!(cookie().path(&text).unwrap_err(), CookieError::Attribute);
            assert_eq!(cookie().domain(&text).unwrap_err(), CookieError::Attribute);
            assert_eq!(
                cookie().expires_text(&text).unwrap_err(),
                CookieError::Attribute
            );
        }
        for text in ["\u{100}", "’", "😀"] {
            assert_eq!(SetCookie::new("n", text).unwrap_err(), CookieError::Value);
        }
        for text in ["/; Domain=x", "/é"] {
            assert_eq!(cookie().path(text).unwrap_err(), CookieError::Attribute);
        }
    }

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(cookie().name(), "n");
        assert_eq!(format!("{:?}", cookie()), "SetCookie(n=..)");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in "[ -~\u{80}-\u{FF}]{0,30}") {
            let header = SetCookie::new("n", &value).unwrap().path("").unwrap().header_value(NOW);
            prop_assert!(header.is_ascii());
            prop_assert_eq!(find_last(header.as_bytes(), "n").unwrap(), value);
        }

        /// C5.
        #[test]
        fn no_text_splits_a_header(name in any::<String>(), value in any::<String>(), path in any::<String>()) {
            let Ok(cookie) = SetCookie::new(&name, &value).and_then(|cookie| cookie.path(&path)) else {
                return Ok(());
            };
            let header = written(&cookie);
            prop_assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert!(header.matches(';').count() <= 1);
        }
    }
}
