//! What forms of all kinds have in common.

use std::fmt;

use super::token::CsrfSecret;

/// The name of the field that says where a login leads: `auth::REDIRECT_FIELD_NAME`, which stands behind this module.
pub(super) const NEXT_FIELD: &str = "next";
/// Bytes of the longest value that can be a token.
pub(super) const LONGEST_TOKEN: usize = CsrfSecret::MASKED_LENGTH;
/// Bytes of the longest `next` that is kept: browsers and proxies take no longer addresses for granted.
pub(super) const LONGEST_NEXT: usize = 2048;

/// Why no token of a form counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the cases")]
pub enum FormFault {
    /// There is a second token's field. Django would take the last one, which is not the one that was checked.
    SecondToken,
    /// The body is no form on which all parsers agree.
    Malformed,
}

impl fmt::Display for FormFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SecondToken => "the form has a second CSRF token",
            Self::Malformed => "the form is malformed",
        })
    }
}

impl std::error::Error for FormFault {}

#[cfg(test)]
mod tests {
    use super::FormFault;

    #[test]
    fn each_fault_is_told_from_the_other() {
        let (second, malformed) = (FormFault::SecondToken, FormFault::Malformed);
        assert_eq!(second.to_string(), "the form has a second CSRF token");
        assert_eq!(malformed.to_string(), "the form is malformed");
    }
}
