//! Which pages may send requests, and which tokens prove that they do.

use cloakroom_core::csrf::{
    CsrfRequest, CsrfRules, CsrfSecret, TokenFault, TrustedOrigins, Verdict, Veto, check_headers,
    check_upgrade,
};
use url::{Origin, Url};

use crate::parts::Parts;

/// A stored text and a request's.
pub fn csrf_token(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (stored, token) = (parts.text(), parts.text());
    let (secret, proven) = (unmasked(&stored), unmasked(&token));
    let read = CsrfSecret::from_stored(&stored);
    assert_eq!(read.as_ref().map(CsrfSecret::as_str), secret.as_deref());
    let Ok(read) = read else { return };
    let expected = match &proven {
        Ok(proven) if *proven == read.as_str() => Ok(()),
        Ok(_) => Err(TokenFault::Incorrect),
        Err(fault) => Err(*fault),
    };
    assert_eq!(read.verify(&token), expected);
    let masked = read.masked().expect("the generator answers");
    assert_eq!(unmasked(&masked).as_deref(), Ok(read.as_str()));
    assert_eq!(read.verify(&masked), Ok(()));
    assert_eq!(
        CsrfSecret::from_stored(&masked).unwrap().as_str(),
        read.as_str()
    );
}

/// Django's rule with the alphabet searched for each character.
fn unmasked(text: &str) -> Result<String, TokenFault> {
    const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let length = text.chars().count();
    if ![32, 64].contains(&length) {
        return Err(TokenFault::IncorrectLength);
    }
    let places: Option<Vec<usize>> = text
        .chars()
        .map(|character| ALPHABET.find(character))
        .collect();
    let places = places.ok_or(TokenFault::InvalidCharacters)?;
    let (mask, cipher) = if length == 32 {
        (&[0; 32][..], &places[..])
    } else {
        places.split_at(32)
    };
    let pairs = cipher.iter().zip(mask);
    let secret =
        pairs.map(|(cipher, mask)| char::from(ALPHABET.as_bytes()[(62 + cipher - mask) % 62]));
    Ok(secret.collect())
}

/// Flags, this site's host, its cookie domain, a trusted origin, and the URL of a page that sends a request here,
/// with what a browser says of it: such a request passes only if the page is ours or trusted.
pub fn csrf_page(input: &[u8]) {
    let mut parts = Parts::of(input);
    let flags = parts.flags();
    let (host, domain) = (parts.text(), parts.maybe_text());
    let (entry, page) = (parts.maybe_text(), parts.text());
    let Ok(mut page) = Url::parse(&page) else {
        return;
    };
    let _ = page.set_username("");
    let _ = page.set_password(None);
    page.set_fragment(None);
    let secure = flags.has(b's');
    let scheme = if secure { "https" } else { "http" };
    // Only hosts as browsers write them: the others are no site's.
    let Some(own) = canonical(&format!("{scheme}://{host}")) else {
        return;
    };
    let mut rules = CsrfRules::new(if flags.has(b'v') {
        Veto::CrossSite
    } else {
        Veto::None
    });
    let mut trusted = None;
    if let Some(entry) = &entry {
        let wildcard = entry.replacen("://*.", "://", 1);
        let Some(origin) = canonical(&wildcard) else {
            return;
        };
        trusted = Some((wildcard != **entry, origin));
        rules.trusted_origins =
            TrustedOrigins::new([&**entry]).expect("it has a scheme and a host");
    }
    if let Some(domain) = &domain {
        if canonical(&format!(
            "https://{}",
            domain.strip_prefix('.').unwrap_or(domain)
        ))
        .is_none()
        {
            return;
        }
        rules.cookie_domain = Some(domain.to_string());
    }
    let origin = page.origin().ascii_serialization();
    let port = if flags.has(b'8') { 8443 } else { 443 };
    let ask = |origin: Option<&str>, referer: Option<&str>, method: &str| {
        let request = CsrfRequest {
            method,
            secure,
            host: Some(&host),
            port,
            origin,
            referer,
            fetch_site: None,
        };
        let upgrade = check_upgrade(&rules, &request).is_ok();
        let answer = check_headers(&rules, &request);
        if matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE") {
            assert_eq!(answer, Ok(Verdict::Accept));
        } else {
            assert_ne!(answer, Ok(Verdict::Accept));
            assert!(!upgrade || answer.is_ok());
        }
        answer.is_ok()
    };
    ask(Some(&origin), Some(page.as_str()), "GET");

    let is_trusted = trusted
        .as_ref()
        .is_some_and(|(wildcard, trusted)| is_under(&page.origin(), trusted, *wildcard));
    let good_origin = page.origin() == own || is_trusted;
    for referer in [None, Some(page.as_str())] {
        assert_eq!(ask(Some(&origin), referer, "POST"), good_origin, "{origin}");
    }
    assert_eq!(ask(None, None, "POST"), !secure);
    let sends_a_referer = ["http", "https"].contains(&page.scheme());
    if secure && sends_a_referer {
        // A referer is compared with the hosts alone, whatever a trusted origin's scheme, but must be https.
        let netloc = netloc(&page);
        let under = |domain: &str, wildcard: bool| {
            netloc == domain
                || (wildcard
                    && netloc
                        .strip_suffix(domain)
                        .is_some_and(|rest| rest.ends_with('.')))
        };
        let of_trusted = entry.as_ref().is_some_and(|entry| {
            let domain = entry.split_once("://").expect("it has a scheme").1;
            under(
                domain.trim_start_matches("*.").trim_end_matches('/'),
                domain.starts_with('*'),
            )
        });
        let shares = match &domain {
            Some(domain) => {
                let port = if port == 443 {
                    String::new()
                } else {
                    format!(":{port}")
                };
                let bare = format!("{}{port}", domain.strip_prefix('.').unwrap_or(domain));
                under(&bare, domain.starts_with('.'))
            }
            None => under(&host, false),
        };
        let passes = ask(None, Some(page.as_str()), "POST");
        if passes {
            assert!(page.scheme() == "https" && (of_trusted || shares), "{page}");
        }
        if page.scheme() == "https" && (of_trusted || shares) {
            assert!(passes, "{page} is ours");
        }
    }
}

/// The origin of a text that is one, as browsers write it, of a host that a site may have.
fn canonical(text: &str) -> Option<Origin> {
    let (_, host) = text.split_once("://")?;
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if host.starts_with('.') || !host.bytes().all(usual) {
        return None;
    }
    let origin = Url::parse(text).ok()?.origin();
    (origin.is_tuple() && origin.ascii_serialization() == text).then_some(origin)
}

fn is_under(page: &Origin, trusted: &Origin, wildcard: bool) -> bool {
    match (page, trusted) {
        (Origin::Tuple(scheme, host, port), Origin::Tuple(its_scheme, its_host, its_port)) => {
            let (host, its_host) = (host.to_string(), its_host.to_string());
            let inside = || {
                host.strip_suffix(&its_host)
                    .is_some_and(|rest| rest.ends_with('.'))
            };
            scheme == its_scheme && port == its_port && (host == its_host || (wildcard && inside()))
        }
        _ => false,
    }
}

fn netloc(page: &Url) -> String {
    let host = page.host_str().unwrap_or_default();
    page.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// An entry of the trusted origins and a header, as anybody may write them.
pub fn trusted_origin(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (entry, origin) = (parts.text(), parts.text());
    let referer = parts.text();
    let Ok(trusted) = TrustedOrigins::new([&*entry]) else {
        // A scheme and a host by the letters that no parser stumbles over.
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let parts = entry.split_once("://");
        assert!(!parts.is_some_and(|(scheme, host)| plain(scheme) && plain(host)));
        return;
    };
    let mut rules = CsrfRules::new(Veto::None);
    rules.trusted_origins = trusted;
    let mut request = CsrfRequest {
        method: "POST",
        secure: true,
        host: None,
        port: 443,
        origin: Some(&origin),
        referer: None,
        fetch_site: None,
    };
    let accepted = check_headers(&rules, &request).is_ok();
    assert_eq!(accepted, check_upgrade(&rules, &request).is_ok());
    let without_dropped = |text: &str| {
        let text = text.trim_start_matches(|character| character <= ' ');
        text.replace(['\t', '\r', '\n'], "")
    };
    if !entry.contains('*') {
        assert_eq!(accepted, *origin == *entry);
    } else if let Some((scheme, domain)) = plain_pattern(&entry) {
        let origin = without_dropped(&origin);
        let host = origin
            .split_once("://")
            .filter(|(its, _)| its.eq_ignore_ascii_case(scheme));
        let host = host.map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let inside = host.is_some_and(|host| {
            let end = host.len().checked_sub(domain.len());
            let end = end.and_then(|end| host.split_at_checked(end));
            end.is_some_and(|(rest, end)| {
                end.eq_ignore_ascii_case(domain) && (rest.is_empty() || rest.ends_with('.'))
            })
        });
        assert!(inside || !accepted, "{origin} is not under {entry}");
    }
    request.origin = None;
    request.referer = Some(&referer);
    if check_headers(&rules, &request).is_ok() {
        let scheme: String = without_dropped(&referer).chars().take(8).collect();
        assert!(scheme.eq_ignore_ascii_case("https://"), "{referer:?}");
    }
}

/// Scheme and domain of an entry such as `https://*.example.com`.
fn plain_pattern(entry: &str) -> Option<(&str, &str)> {
    let (scheme, domain) = entry.split_once("://*.")?;
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    let all_usual =
        scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) && domain.bytes().all(usual);
    (all_usual && !scheme.is_empty() && !domain.is_empty()).then_some((scheme, domain))
}
