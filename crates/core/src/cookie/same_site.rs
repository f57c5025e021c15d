//! The `SameSite` attribute.

use std::str::FromStr;

use super::CookieError;

/// Which requests of other sites carry a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the attribute has these values")]
pub enum SameSite {
    /// None of them.
    Strict,
    /// A visitor's following of a link.
    Lax,
    /// All of them; browsers insist on `Secure`.
    None,
}

impl SameSite {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl FromStr for SameSite {
    type Err = CookieError;

    /// Reads Django's setting, in upper or lower case. Django writes the setting's own case, we the usual.
    fn from_str(text: &str) -> Result<Self, CookieError> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|value| value.as_str().eq_ignore_ascii_case(text))
            .ok_or(CookieError::SameSite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_site_is_read_in_any_case() {
        assert_eq!("lAX".parse(), Ok(SameSite::Lax));
        assert_eq!("none".parse(), Ok(SameSite::None));
        assert_eq!("Strict".parse(), Ok(SameSite::Strict));
        assert_eq!("".parse::<SameSite>(), Err(CookieError::SameSite));
    }
}
