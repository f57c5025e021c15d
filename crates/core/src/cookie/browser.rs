//! What browsers refuse without telling anybody (RFC 6265bis, sections 4.1.3 and 5.6).

use std::fmt;

use super::name::has_prefix;
use super::response::end;
use super::same_site::SameSite;
use super::set_cookie::SetCookie;
use crate::time::Timestamp;

/// Why browsers would drop a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Name and value have more than [`SetCookie::LARGEST`] bytes together.
    TooLarge,
    /// The path or the domain has more than [`SetCookie::LARGEST_ATTRIBUTE`] bytes.
    AttributeTooLarge,
    /// It is to be kept for longer than [`SetCookie::LONGEST_AGE`].
    TooLong,
    /// The name begins with `__Secure-` and the cookie is not `Secure`.
    SecurePrefix,
    /// The name begins with `__Host-`, and the cookie is not `Secure`, has a domain, or a path other than `/`.
    HostPrefix,
    /// `SameSite=None` without `Secure`.
    NoneWithoutSecure,
    /// `Partitioned` without `Secure`.
    PartitionedWithoutSecure,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLarge => "browsers drop cookies of more than 4096 bytes",
            Self::AttributeTooLarge => {
                "browsers take no notice of a path or domain of more than 1024 bytes"
            }
            Self::TooLong => "browsers keep no cookie for more than 400 days (34560000 seconds)",
            Self::SecurePrefix => "browsers take a cookie named __Secure-… only with Secure",
            Self::HostPrefix => {
                "browsers take a cookie named __Host-… only with Secure, the path / and no domain"
            }
            Self::NoneWithoutSecure => "browsers take SameSite=None only with Secure",
            Self::PartitionedWithoutSecure => "browsers take Partitioned only with Secure",
        })
    }
}

impl std::error::Error for Refusal {}

pub(super) fn refusal(cookie: &SetCookie, now: Timestamp) -> Option<Refusal> {
    let secure = cookie.writes_secure();
    let domain = cookie.domain.as_deref().unwrap_or_default();
    let path = cookie.path.as_deref().unwrap_or_default();
    let whole_host = domain.is_empty() && path == "/";
    let age = end(cookie.lifetime, now).map_or(0, |(age, _)| age);
    if cookie.name.len() + cookie.coded_value.len() > SetCookie::LARGEST {
        Some(Refusal::TooLarge)
    } else if path.len().max(domain.len()) > SetCookie::LARGEST_ATTRIBUTE {
        Some(Refusal::AttributeTooLarge)
    } else if age > SetCookie::LONGEST_AGE {
        Some(Refusal::TooLong)
    } else if has_prefix(&cookie.name, "__Host-") && !(secure && whole_host) {
        Some(Refusal::HostPrefix)
    } else if has_prefix(&cookie.name, "__Secure-") && !secure {
        Some(Refusal::SecurePrefix)
    } else if cookie.same_site == Some(SameSite::None) && !secure {
        Some(Refusal::NoneWithoutSecure)
    } else if cookie.partitioned && !secure {
        Some(Refusal::PartitionedWithoutSecure)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn cookie(name: &str) -> SetCookie {
        SetCookie::new(name, "v").unwrap()
    }

    /// C3.
    #[test]
    fn the_size_counts_the_name_and_what_stands_on_the_wire() {
        let of = |value: &str| SetCookie::new("n", value).unwrap().refusal(NOW);
        assert_eq!(of(&"v".repeat(4095)), None);
        assert_eq!(of(&"v".repeat(4096)), Some(Refusal::TooLarge));
        assert_eq!(of(&",".repeat(1023)), None);
        assert_eq!(of(&",".repeat(1024)), Some(Refusal::TooLarge));
    }

    /// C3.
    #[test]
    fn attributes_have_at_most_1024_bytes() {
        let path = |length: usize| format!("/{}", "p".repeat(length - 1));
        let of_path = |length| cookie("n").path(&path(length)).unwrap().refusal(NOW);
        let of_domain = |length| cookie("n").domain(&path(length)).unwrap().refusal(NOW);
        for refusal in [of_path(1024), of_domain(1024)] {
            assert_eq!(refusal, None);
        }
        for refusal in [of_path(1025), of_domain(1025)] {
            assert_eq!(refusal, Some(Refusal::AttributeTooLarge));
        }
    }

    /// C4.
    #[test]
    fn nothing_is_kept_for_more_than_400_days() {
        const LONGEST: i64 = 34_560_000;
        let kept = [
            cookie("n").max_age(LONGEST),
            cookie("n").max_age_f64(34_560_000.9),
            // As in Django, a second is added to a moment.
            cookie("n").expires_at(NOW.plus_seconds(LONGEST - 1)),
            cookie("n").max_age(-1),
            cookie("n").max_age(31_449_600),
        ];
        for cookie in kept {
            assert_eq!(cookie.refusal(NOW), None, "{}", cookie.header_value(NOW));
        }
        let cut = [
            cookie("n").max_age(LONGEST + 1),
            cookie("n").max_age_f64(f64::INFINITY),
            cookie("n").expires_at(NOW.plus_seconds(LONGEST)),
        ];
        for cookie in cut {
            assert_eq!(cookie.refusal(NOW), Some(Refusal::TooLong));
        }
    }

    /// C2.
    #[test]
    fn prefixes_bind_whatever_their_case() {
        for name in ["__Host-x", "__host-x", "__HOST-"] {
            assert_eq!(
                cookie(name).refusal(NOW),
                Some(Refusal::HostPrefix),
                "{name}"
            );
            assert_eq!(cookie(name).secure(true).refusal(NOW), None, "{name}");
            let elsewhere = [
                cookie(name).secure(true).path("/p").unwrap(),
                cookie(name).secure(true).unsaid_path(),
                cookie(name).secure(true).domain("example.com").unwrap(),
            ];
            for cookie in elsewhere {
                assert_eq!(cookie.refusal(NOW), Some(Refusal::HostPrefix), "{name}");
            }
        }
        assert_eq!(
            cookie("__sEcure-x").refusal(NOW),
            Some(Refusal::SecurePrefix)
        );
        let elsewhere = cookie("__Secure-x").secure(true).path("/p").unwrap();
        assert_eq!(elsewhere.refusal(NOW), None);
        assert_eq!(cookie("x__Host-").refusal(NOW), None);
        assert_eq!(SetCookie::delete("__Host-x").unwrap().refusal(NOW), None);
    }

    #[test]
    fn what_other_sites_see_must_be_secure() {
        let none = || cookie("n").same_site(SameSite::None);
        assert_eq!(none().refusal(NOW), Some(Refusal::NoneWithoutSecure));
        assert_eq!(none().secure(true).refusal(NOW), None);
        assert_eq!(
            cookie("n").partitioned(true).refusal(NOW),
            Some(Refusal::PartitionedWithoutSecure)
        );
    }

    #[test]
    fn a_refusal_says_what_browsers_want() {
        let refusals = [
            (Refusal::TooLarge, "4096 bytes"),
            (Refusal::AttributeTooLarge, "1024 bytes"),
            (Refusal::TooLong, "400 days (34560000 seconds)"),
            (Refusal::SecurePrefix, "__Secure-… only with Secure"),
            (
                Refusal::HostPrefix,
                "only with Secure, the path / and no domain",
            ),
            (Refusal::NoneWithoutSecure, "SameSite=None only with Secure"),
            (
                Refusal::PartitionedWithoutSecure,
                "Partitioned only with Secure",
            ),
        ];
        for (refusal, part) in refusals {
            assert!(refusal.to_string().ends_with(part), "{refusal}");
        }
    }
}
