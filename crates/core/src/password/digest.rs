//! `md5$salt$hash` and `sha1$salt$hash`, and what the oldest sites keep without a salt: a hundred million times
//! quicker to try than the others.

use md5::{Digest as _, Md5};
use sha1::Sha1;

use super::salt;

/// The hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Md5,
    Sha1,
}

/// All of such a text but the hash.
pub(super) struct Recipe<'a> {
    digest: Digest,
    /// `None` in the forms without one.
    salt: Option<&'a str>,
}

impl<'a> Recipe<'a> {
    pub(super) fn salted(digest: Digest, salt: &'a str) -> Self {
        Self {
            digest,
            salt: Some(salt),
        }
    }

    pub(super) const fn unsalted(digest: Digest) -> Self {
        Self { digest, salt: None }
    }

    /// From what stands behind the algorithm's name.
    pub(super) fn parse(digest: Digest, rest: &'a str) -> Option<Self> {
        let (salt, _) = rest.split_once('$')?;
        Some(Self::salted(digest, salt::checked(salt)?))
    }

    pub(super) fn salt_is_weak(&self) -> bool {
        self.salt
            .is_some_and(|salt| salt::is_weak(salt.chars().count()))
    }

    /// Django writes MD5 without a salt bare, and SHA-1 without one behind `sha1$$`.
    pub(super) fn encode(&self, password: &[u8]) -> String {
        let salt = self.salt.unwrap_or_default();
        let (name, hash) = match self.digest {
            Digest::Md5 => (
                "md5",
                hex(&Md5::new()
                    .chain_update(salt)
                    .chain_update(password)
                    .finalize()),
            ),
            Digest::Sha1 => (
                "sha1",
                hex(&Sha1::new()
                    .chain_update(salt)
                    .chain_update(password)
                    .finalize()),
            ),
        };
        match (self.salt, self.digest) {
            (None, Digest::Md5) => hash,
            _ => format!("{name}${salt}${hash}"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
