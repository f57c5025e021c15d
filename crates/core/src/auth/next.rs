//! The way to the login page and back: the `next` parameter.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::url::SplitUrl;

/// The usual name of the parameter (`REDIRECT_FIELD_NAME`).
pub const REDIRECT_FIELD_NAME: &str = "next";

/// Which texts may be followed after a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the rules")]
pub enum NextRule {
    /// Django's rule, which also lets through other URLs of the allowed hosts and paths relative to the
    /// login page.
    Django,
    /// Django's rule, and only paths of this site: exactly one `/` in front.
    PathOnly,
}

/// Whether a browser that is sent to `url` stays on one of `hosts` (`url_has_allowed_host_and_scheme`).
///
/// One thing is refused that Django lets through: three slashes with tabs or line ends between them.
///
/// `hosts` are compared as written, port included. With `require_https`, which is to be set when the request
/// came over https, a URL with a scheme must have that one. Whoever redirects there must escape the text with
/// [`iri_to_uri`].
#[must_use]
pub fn is_safe_next(url: &str, hosts: &[&str], require_https: bool, rule: NextRule) -> bool {
    if rule == NextRule::PathOnly && !has_one_leading_slash(url) {
        return false;
    }
    let url = url.trim_matches(is_python_space);
    if url.is_empty() {
        return false;
    }
    // Browsers take `\` for `/` in paths, but not where a user's name or password stands: ask for both.
    stays(url, hosts, require_https)
        && (!url.contains('\\') || stays(&url.replace('\\', "/"), hosts, require_https))
}

/// The path and query of a request as Django writes them in `next` (`get_full_path`).
///
/// `path` and `query` are the request line's, still percent-encoded.
#[must_use]
pub fn full_path(path: &str, query: Option<&str>) -> String {
    let mut full = utf8_percent_encode(path, &PATH_ESCAPES).to_string();
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        full.push('?');
        full.extend(utf8_percent_encode(query, &IRI_ESCAPES));
    }
    full
}

/// What `next` should say of a request: its path if the login page is on the same site, otherwise its whole
/// URL.
///
/// `scheme` and `host` are the request's, `full_path` is what [`full_path`] makes.
#[must_use]
pub fn next_of_request<'a>(
    login_url: &str,
    scheme: &str,
    host: &str,
    full_path: &'a str,
) -> Cow<'a, str> {
    let same_site = SplitUrl::parse(login_url).is_none_or(|login| {
        (login.scheme.is_empty() || login.scheme == scheme)
            && (login.netloc.is_empty() || login.netloc == host)
    });
    if same_site {
        full_path.into()
    } else {
        format!("{scheme}://{host}{full_path}").into()
    }
}

/// The `Location` that sends a browser to the login page and tells it where to come back to
/// (`redirect_to_login`).
///
/// The parameter called `field` is set to `next`, in the place of those of that name; an empty name sets none.
#[must_use]
pub fn login_redirect(login_url: &str, next: &str, field: &str) -> String {
    let Some(mut url) = SplitUrl::parse(login_url) else {
        return iri_to_uri(login_url);
    };
    if !field.is_empty() {
        url.query = with_parameter(&url.query, field, next);
    }
    iri_to_uri(&url.unsplit())
}

/// Escapes what may not stand in a header or a URL, and leaves escapes that are there alone.
#[must_use]
pub fn iri_to_uri(iri: &str) -> String {
    utf8_percent_encode(iri, &IRI_ESCAPES).to_string()
}

fn stays(url: &str, hosts: &[&str], require_https: bool) -> bool {
    // Three slashes are an absolute URL to a browser, which drops tabs and line ends first. Django looks before
    // it drops them, and relies on the escaping of its redirects.
    let mut seen = url.chars().filter(|character| !is_dropped(*character));
    if [seen.next(), seen.next(), seen.next()] == [Some('/'); 3] {
        return false;
    }
    // The bound keeps normalisation cheap.
    if url.chars().nth(LONGEST).is_some() {
        return false;
    }
    let Some(parts) = SplitUrl::parse(url) else {
        return false;
    };
    // `http:///evil.example` has no host here, and has one in a browser.
    if parts.netloc.is_empty() && !parts.scheme.is_empty() {
        return false;
    }
    // Browsers skip some of these at the front, and what follows may be `//`.
    let first = url.chars().next();
    if first.is_some_and(|first| first.general_category_group() == GeneralCategoryGroup::Other) {
        return false;
    }
    let host_is_ours = parts.netloc.is_empty() || hosts.contains(&parts.netloc.as_str());
    let scheme_is_fine = match parts.scheme.as_str() {
        // Without a host there is no scheme to leave; with one it could be http.
        "" => parts.netloc.is_empty() || !require_https,
        "http" => !require_https,
        scheme => scheme == "https",
    };
    host_is_ours && scheme_is_fine
}

/// Also of what a browser makes of it, which drops tabs and line ends and takes `\` for `/`.
fn has_one_leading_slash(url: &str) -> bool {
    let mut characters = url.chars().filter(|character| !is_dropped(*character));
    url.starts_with('/')
        && characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
}

/// What browsers drop wherever it stands in a URL.
const fn is_dropped(character: char) -> bool {
    matches!(character, '\t' | '\r' | '\n')
}

/// What Python's `str.strip` strips: Unicode's white space and four separators of ASCII.
pub(super) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// A query with one parameter set, written as Django's `QueryDict.urlencode` writes it: values of one name
/// stand together where its first one stood.
fn with_parameter(query: &str, field: &str, value: &str) -> String {
    let mut parameters: Vec<(Cow<'_, str>, Vec<Cow<'_, str>>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => parameters.push((name, vec![value])),
        }
    }
    match parameters.iter_mut().find(|(name, _)| name == field) {
        Some((_, values)) => *values = vec![value.into()],
        None => parameters.push((field.into(), vec![value.into()])),
    }
    let mut query = String::new();
    for (name, values) in parameters {
        for value in values {
            if !query.is_empty() {
                query.push('&');
            }
            query.extend(utf8_percent_encode(&name, &VALUE_ESCAPES));
            query.push('=');
            query.extend(utf8_percent_encode(&value, &VALUE_ESCAPES));
        }
    }
    query
}

/// The most code points of a URL that is looked at (`MAX_URL_LENGTH`).
const LONGEST: usize = 2048;

/// Everything but RFC 3986's unreserved characters and `/`.
const VALUE_ESCAPES: AsciiSet = NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'/');

/// The path of a request is escaped already: its `%` stays.
const PATH_ESCAPES: AsciiSet = VALUE_ESCAPES
    .remove(b'%')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

const IRI_ESCAPES: AsciiSet = PATH_ESCAPES
    .remove(b'#')
    .remove(b'[')
    .remove(b']')
    .remove(b'=')
    .remove(b';')
    .remove(b'?');

#[cfg(test)]
mod tests;
