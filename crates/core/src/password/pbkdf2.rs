//! `pbkdf2_sha256$1500000$salt$hash` and `pbkdf2_sha1$…`.

mod sha256;

use std::hint::black_box;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::salt;

/// What is hashed in every round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha1,
}

/// All of such a text but the hash.
pub(super) struct Recipe<'a> {
    pub(super) digest: Digest,
    pub(super) iterations: NonZeroU32,
    pub(super) salt: &'a str,
}

impl<'a> Recipe<'a> {
    /// From what stands behind the algorithm's name. The hash is not looked at: it is compared as text.
    pub(super) fn parse(digest: Digest, rest: &'a str) -> Option<Self> {
        let (iterations, rest) = rest.split_once('$')?;
        let (salt, _) = rest.split_once('$')?;
        Some(Self {
            digest,
            iterations: super::number(iterations).and_then(NonZeroU32::new)?,
            salt: salt::checked(salt)?,
        })
    }

    pub(super) fn encode(&self, password: &[u8]) -> String {
        let (name, hash) = match self.digest {
            Digest::Sha256 => ("pbkdf2_sha256", self.sha256(password).to_vec()),
            Digest::Sha1 => ("pbkdf2_sha1", self.sha1(password).to_vec()),
        };
        let Self {
            iterations, salt, ..
        } = self;
        let mut encoded = format!("{name}${iterations}${salt}$");
        STANDARD.encode_string(&*Zeroizing::new(hash), &mut encoded);
        encoded
    }

    /// Spends the rounds that `wanted` has more than this, so that time does not tell which users have not
    /// signed in for long.
    pub(super) fn harden(&self, password: &[u8], wanted: NonZeroU32) {
        let missing = wanted.get().saturating_sub(self.iterations.get());
        if let Some(iterations) = NonZeroU32::new(missing) {
            black_box(
                Self {
                    iterations,
                    ..*self
                }
                .encode(password),
            );
        }
    }

    fn sha256(&self, password: &[u8]) -> Zeroizing<[u8; 32]> {
        sha256::derive(password, self.salt.as_bytes(), self.iterations)
    }

    fn sha1(&self, password: &[u8]) -> Zeroizing<[u8; 20]> {
        let (salt, iterations) = (self.salt.as_bytes(), self.iterations.get());
        Zeroizing::new(::pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(
            password, salt, iterations,
        ))
    }
}
