//! A hasher: an algorithm and what its hashes cost.

use std::fmt;
use std::num::NonZeroU32;

use super::{Algorithm, argon2, bcrypt, scrypt};
use crate::version::DjangoVersion;

/// An algorithm, and what new hashes of it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hasher {
    pub(super) algorithm: Algorithm,
    pub(super) cost: Cost,
}

/// By what hashes of one algorithm may differ in cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    Pbkdf2 {
        iterations: NonZeroU32,
    },
    Argon2(argon2::Cost),
    Bcrypt {
        rounds: u32,
    },
    Scrypt(scrypt::Cost),
    /// MD5 and SHA-1, once.
    Nothing,
}

impl Hasher {
    /// Argon2id with 19 MiB of memory gone through twice: what OWASP's cheat sheet puts first and ASVS 5.0
    /// (appendix C) asks for at least.
    ///
    /// Django's own Argon2 takes 100 MiB, which is a harder nut for whoever steals the hashes, and a gigabyte for
    /// ten logins at once. With 19 MiB a small server answers a rush of logins and still costs the thief more than
    /// PBKDF2 does at Django's cost.
    pub const ARGON2ID: Self = Self {
        algorithm: Algorithm::Argon2,
        cost: Cost::Argon2(argon2::Cost {
            time_cost: 2,
            memory_cost: 19_456,
            parallelism: 1,
        }),
    };

    /// At the cost which this release of Django writes.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn new(algorithm: Algorithm, version: DjangoVersion) -> Self {
        let cost = match algorithm {
            Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 => Cost::Pbkdf2 {
                iterations: NonZeroU32::new(version.pbkdf2_iterations())
                    .expect("no release of Django hashes in zero rounds"),
            },
            Algorithm::Argon2 => Cost::Argon2(argon2::Cost {
                time_cost: 2,
                memory_cost: 102_400,
                parallelism: 8,
            }),
            Algorithm::BcryptSha256 | Algorithm::Bcrypt => Cost::Bcrypt { rounds: 12 },
            Algorithm::Scrypt => Cost::Scrypt(scrypt::Cost {
                work_factor: 1 << 14,
                block_size: 8,
                parallelism: version.scrypt_parallelism(),
            }),
            Algorithm::Md5 | Algorithm::Sha1 | Algorithm::UnsaltedMd5 | Algorithm::UnsaltedSha1 => {
                Cost::Nothing
            }
        };
        Self { algorithm, cost }
    }

    /// The same at another cost. The names are those of the attributes of Django's class, which a site overrides
    /// there: `iterations`; `time_cost`, `memory_cost` (in KiB) and `parallelism` for Argon2; `rounds` (a
    /// logarithm) for bcrypt; `work_factor`, `block_size` and `parallelism` for scrypt.
    ///
    /// ```
    /// use cloakroom_core::password::{Algorithm, Hasher};
    /// use cloakroom_core::version::DjangoVersion;
    ///
    /// let django = Hasher::new(Algorithm::Argon2, DjangoVersion::LATEST);
    /// let options = [("memory_cost", 19_456), ("parallelism", 1)];
    /// assert_eq!(django.with_options(options), Ok(Hasher::ARGON2ID));
    /// assert!(django.with_options([("rounds", 12)]).is_err());
    /// ```
    ///
    /// # Errors
    /// The algorithm has no such option, or not with these values.
    pub fn with_options<'a>(
        mut self,
        options: impl IntoIterator<Item = (&'a str, u32)>,
    ) -> Result<Self, BadOption> {
        for (name, value) in options {
            let option = match (&mut self.cost, name) {
                (Cost::Pbkdf2 { iterations }, "iterations") => {
                    *iterations = NonZeroU32::new(value).ok_or(BadOption(self.algorithm))?;
                    continue;
                }
                (Cost::Argon2(cost), "time_cost") => &mut cost.time_cost,
                (Cost::Argon2(cost), "memory_cost") => &mut cost.memory_cost,
                (Cost::Argon2(cost), "parallelism") => &mut cost.parallelism,
                (Cost::Bcrypt { rounds }, "rounds") => rounds,
                (Cost::Scrypt(cost), "work_factor") => &mut cost.work_factor,
                (Cost::Scrypt(cost), "block_size") => &mut cost.block_size,
                (Cost::Scrypt(cost), "parallelism") => &mut cost.parallelism,
                _ => return Err(BadOption(self.algorithm)),
            };
            *option = value;
        }
        let exists = match self.cost {
            Cost::Pbkdf2 { .. } | Cost::Nothing => true,
            Cost::Argon2(cost) => cost.params(32).is_some(),
            Cost::Bcrypt { rounds } => bcrypt::ROUNDS.contains(&rounds),
            Cost::Scrypt(cost) => cost.params().is_some(),
        };
        if exists {
            Ok(self)
        } else {
            Err(BadOption(self.algorithm))
        }
    }

    /// Whose hashes it makes and reads.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// A hasher has no such option, or not with this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOption(Algorithm);

impl fmt::Display for BadOption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = match self.0 {
            Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 => "iterations (1 or more)",
            Algorithm::Argon2 => {
                "time_cost (1 or more), memory_cost (KiB, at least 8 times parallelism) and parallelism"
            }
            Algorithm::BcryptSha256 | Algorithm::Bcrypt => "rounds (4 to 31)",
            Algorithm::Scrypt => {
                "work_factor (a power of 2 above 1), block_size and parallelism (1 or more, their product below 2^30)"
            }
            Algorithm::Md5 | Algorithm::Sha1 | Algorithm::UnsaltedMd5 | Algorithm::UnsaltedSha1 => {
                "no option"
            }
        };
        write!(formatter, "{} takes {wanted}", self.0.name())
    }
}

impl std::error::Error for BadOption {}
