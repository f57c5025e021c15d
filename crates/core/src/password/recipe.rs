//! All of a stored hash but the hash itself: how to make it again.

use super::argon2::memory::Memory;
use super::hasher::{Cost, Hasher};
use super::{Algorithm, argon2, bcrypt, digest, pbkdf2, salt, scrypt};

pub(super) enum Recipe<'a> {
    Pbkdf2(pbkdf2::Recipe<'a>),
    Argon2(argon2::Recipe),
    Bcrypt(bcrypt::Recipe<'a>),
    Scrypt(scrypt::Recipe<'a>),
    Digest(digest::Recipe<'a>),
}

impl<'a> Recipe<'a> {
    /// How this hasher makes a new hash; `None` if it takes no such salt.
    pub(super) fn new(hasher: Hasher, salt: &'a str) -> Option<Self> {
        let some = |salt| salt::checked(salt);
        Some(match (hasher.algorithm, hasher.cost) {
            (Algorithm::UnsaltedMd5, _) if salt.is_empty() => {
                Self::Digest(digest::Recipe::unsalted(digest::Digest::Md5))
            }
            (Algorithm::UnsaltedSha1, _) if salt.is_empty() => {
                Self::Digest(digest::Recipe::unsalted(digest::Digest::Sha1))
            }
            (Algorithm::Md5, _) => {
                Self::Digest(digest::Recipe::salted(digest::Digest::Md5, some(salt)?))
            }
            (Algorithm::Sha1, _) => {
                Self::Digest(digest::Recipe::salted(digest::Digest::Sha1, some(salt)?))
            }
            (algorithm, Cost::Pbkdf2 { iterations }) => Self::Pbkdf2(pbkdf2::Recipe {
                digest: pbkdf2_digest(algorithm),
                iterations,
                salt: some(salt)?,
            }),
            (_, Cost::Argon2(cost)) => Self::Argon2(argon2::Recipe::new(cost, salt)),
            (algorithm, Cost::Bcrypt { rounds }) => {
                Self::Bcrypt(bcrypt::Recipe::new(bcrypt_input(algorithm), rounds, salt)?)
            }
            (_, Cost::Scrypt(cost)) => Self::Scrypt(scrypt::Recipe {
                cost,
                salt: some(salt)?,
            }),
            (_, Cost::Nothing) => return None,
        })
    }

    /// `None` for text that verifies no password.
    pub(super) fn parse(algorithm: Algorithm, encoded: &'a str) -> Option<Self> {
        let rest = || encoded.split_once('$').map(|(_, rest)| rest);
        Some(match algorithm {
            Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 => {
                Self::Pbkdf2(pbkdf2::Recipe::parse(pbkdf2_digest(algorithm), rest()?)?)
            }
            Algorithm::Argon2 => Self::Argon2(argon2::Recipe::parse(rest()?)?),
            Algorithm::BcryptSha256 | Algorithm::Bcrypt => {
                Self::Bcrypt(bcrypt::Recipe::parse(bcrypt_input(algorithm), rest()?)?)
            }
            Algorithm::Scrypt => Self::Scrypt(scrypt::Recipe::parse(rest()?)?),
            Algorithm::Md5 => Self::Digest(digest::Recipe::parse(digest::Digest::Md5, rest()?)?),
            Algorithm::Sha1 => Self::Digest(digest::Recipe::parse(digest::Digest::Sha1, rest()?)?),
            Algorithm::UnsaltedMd5 => Self::Digest(digest::Recipe::unsalted(digest::Digest::Md5)),
            Algorithm::UnsaltedSha1 => Self::Digest(digest::Recipe::unsalted(digest::Digest::Sha1)),
        })
    }

    pub(super) fn cost(&self) -> Cost {
        match self {
            Self::Pbkdf2(recipe) => Cost::Pbkdf2 {
                iterations: recipe.iterations,
            },
            Self::Argon2(recipe) => Cost::Argon2(recipe.cost),
            Self::Bcrypt(recipe) => Cost::Bcrypt {
                rounds: recipe.rounds,
            },
            Self::Scrypt(recipe) => Cost::Scrypt(recipe.cost),
            Self::Digest(_) => Cost::Nothing,
        }
    }

    /// Django's `must_update` for a hash of the preferred algorithm. scrypt and bcrypt do not look at the salt.
    pub(super) fn must_update(&self, preferred: Cost) -> bool {
        let form = match self {
            Self::Pbkdf2(recipe) => salt::is_weak(recipe.salt.chars().count()),
            Self::Argon2(recipe) => recipe.salt_is_weak() || !recipe.is_current(),
            Self::Bcrypt(_) | Self::Scrypt(_) => false,
            Self::Digest(recipe) => recipe.salt_is_weak(),
        };
        form || self.cost() != preferred
    }

    /// `None` where the algorithm hashes no such password, or not at this cost.
    pub(super) fn encode(&self, password: &[u8], memory: &Memory) -> Option<String> {
        match self {
            Self::Pbkdf2(recipe) => Some(recipe.encode(password)),
            Self::Argon2(recipe) => recipe.encode(password, memory),
            Self::Bcrypt(recipe) => recipe.encode(password),
            Self::Scrypt(recipe) => recipe.encode(password),
            Self::Digest(recipe) => Some(recipe.encode(password)),
        }
    }

    /// Django's `harden_runtime`: spends what the preferred cost of the same algorithm is above this one. What
    /// Argon2 and scrypt cost cannot be made up for.
    pub(super) fn harden(&self, password: &[u8], preferred: Cost) {
        match (self, preferred) {
            (Self::Pbkdf2(recipe), Cost::Pbkdf2 { iterations }) => {
                recipe.harden(password, iterations);
            }
            (Self::Bcrypt(recipe), Cost::Bcrypt { rounds }) => recipe.harden(password, rounds),
            _ => {}
        }
    }
}

fn pbkdf2_digest(algorithm: Algorithm) -> pbkdf2::Digest {
    match algorithm {
        Algorithm::Pbkdf2Sha1 => pbkdf2::Digest::Sha1,
        _ => pbkdf2::Digest::Sha256,
    }
}

fn bcrypt_input(algorithm: Algorithm) -> bcrypt::Input {
    match algorithm {
        Algorithm::Bcrypt => bcrypt::Input::Plain,
        _ => bcrypt::Input::Sha256,
    }
}
