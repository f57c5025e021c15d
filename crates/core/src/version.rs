//! Which Django the site's other servers run: decides what is written where releases differ.

use std::fmt;
use std::str::FromStr;

/// A Django release from 4.2 on, such as `5.2.15`.
///
/// Where releases differ we read every form and write the one that this release reads. With several
/// releases in a fleet it is the oldest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DjangoVersion {
    major: u8,
    minor: u8,
    patch: u8,
}

impl DjangoVersion {
    /// The release whose defaults are ours.
    pub const LATEST: Self = Self {
        major: 6,
        minor: 1,
        patch: 0,
    };

    /// True if this release reads signed cookies under the salt of CVE-2026-6873's fix ("v2").
    #[must_use]
    pub fn reads_v2_signed_cookies(self) -> bool {
        match (self.major, self.minor) {
            (5, 2) => self.patch >= 15,
            (6, 0) => self.patch >= 6,
            (major, _) => major >= 6,
        }
    }

    /// True if this release by default still accepts signed cookies under the older salt.
    #[must_use]
    pub fn accepts_legacy_signed_cookies(self) -> bool {
        (self.major, self.minor) < (6, 1)
    }

    /// This release's default number of PBKDF2 rounds.
    #[must_use]
    pub fn pbkdf2_iterations(self) -> u32 {
        match (self.major, self.minor) {
            (..=4, _) => 600_000,
            (5, 0) => 720_000,
            (5, 1) => 870_000,
            (5, _) => 1_000_000,
            (6, 0) => 1_200_000,
            _ => 1_500_000,
        }
    }

    /// How often this release's scrypt is done for one hash by default.
    #[must_use]
    pub fn scrypt_parallelism(self) -> u32 {
        if (self.major, self.minor) < (5, 1) {
            1
        } else {
            5
        }
    }
}

impl FromStr for DjangoVersion {
    type Err = UnknownVersion;

    /// Reads `6.1` (its first release) and `6.1.3`, from 4.2 on.
    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let mut parts = text.split('.').map(str::parse);
        let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
            return Err(UnknownVersion);
        };
        let patch = parts.next().unwrap_or(Ok(0)).map_err(|_| UnknownVersion)?;
        let version = Self {
            major,
            minor,
            patch,
        };
        let old = version
            < Self {
                major: 4,
                minor: 2,
                patch: 0,
            };
        if old || parts.next().is_some() {
            Err(UnknownVersion)
        } else {
            Ok(version)
        }
    }
}

impl fmt::Display for DjangoVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The text names no Django release from 4.2 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownVersion;

impl fmt::Display for UnknownVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a Django release from 4.2 on; write it as 6.1 or 6.1.3")
    }
}

impl std::error::Error for UnknownVersion {}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> DjangoVersion {
        text.parse().unwrap()
    }

    #[test]
    fn v2_is_written_only_where_it_is_read() {
        for old in ["4.2.30", "5.0.14", "5.1.15", "5.2", "5.2.14", "6.0.5"] {
            assert!(!version(old).reads_v2_signed_cookies(), "{old}");
        }
        for new in ["5.2.15", "6.0.6", "6.1", "6.1.3", "7.0"] {
            assert!(version(new).reads_v2_signed_cookies(), "{new}");
        }
        assert!(version("6.0.6").accepts_legacy_signed_cookies());
        assert!(!version("6.1").accepts_legacy_signed_cookies());
    }

    #[test]
    fn work_factors_follow_the_release() {
        let iterations = ["4.2.30", "5.0", "5.1", "5.2", "6.0", "6.1", "7.0"]
            .map(|text| version(text).pbkdf2_iterations());
        assert_eq!(
            iterations,
            [
                600_000, 720_000, 870_000, 1_000_000, 1_200_000, 1_500_000, 1_500_000
            ]
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "6", "4.1", "3.2.1", "six.one", "6.1.3.4", "6.1rc1", "-6.1", "6.300",
        ] {
            assert_eq!(text.parse::<DjangoVersion>(), Err(UnknownVersion), "{text}");
        }
    }
}
