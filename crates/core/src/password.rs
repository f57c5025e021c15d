//! Password hashes as Django keeps them in `auth_user`.

mod algorithm;
mod argon2;
mod bcrypt;
mod digest;
mod hasher;
mod pbkdf2;
mod policy;
mod recipe;
mod salt;
mod scrypt;
mod validation;

use std::fmt;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;

use zeroize::Zeroizing;

pub use self::algorithm::{Algorithm, UnknownHasher};
use self::argon2::memory::Memory;
use self::hasher::Cost;
pub use self::hasher::{BadOption, Hasher};
pub use self::policy::Policy;
use self::recipe::Recipe;
pub use self::validation::{Attribute, BadValidators, Problem, Validators};
use crate::random::{self, RandomError};
use crate::secret::same;
use crate::version::DjangoVersion;

/// How passwords are hashed and which hashes are believed (`PASSWORD_HASHERS`).
///
/// New hashes are of the first hasher; those of the others verify, and are outdated.
///
/// Passwords are bytes: of any length and any value, never cut and never normalised. (PBKDF2 itself does
/// not count NULs at the end of up to 64 bytes; it does not in Django either.) The calls take a tenth of a
/// second and more on purpose, and up to [`memory`](Self::memory) bytes; keep them off the threads that serve
/// requests, and bound how many run at once. Clones share the memory that is kept from one call to the next.
#[derive(Clone, Debug)]
pub struct Hashers {
    preferred: Hasher,
    others: Arc<[Hasher]>,
    /// Wide enough for the costs of all of them.
    policy: Policy,
    kept_memory: Arc<Memory>,
}

impl Hashers {
    /// Django's default list, at the costs which this release of Django writes: PBKDF2 with SHA-256 for new hashes;
    /// PBKDF2 with SHA-1, Argon2, `bcrypt_sha256` and scrypt verify.
    ///
    /// All servers of a site should agree on list and costs: two that differ rewrite a user's hash at every other
    /// login, and each rewriting ends that user's other sessions.
    #[must_use]
    pub fn new(version: DjangoVersion) -> Self {
        let [preferred, others @ ..] =
            Algorithm::DJANGO.map(|algorithm| Hasher::new(algorithm, version));
        Self::listed(preferred, others)
    }

    /// These hashers, in this order. Of two with the same algorithm the first counts.
    #[must_use]
    pub fn listed(preferred: Hasher, others: impl IntoIterator<Item = Hasher>) -> Self {
        let mut known = vec![preferred.algorithm];
        let others = others.into_iter().filter(|hasher| {
            let new = !known.contains(&hasher.algorithm);
            known.push(hasher.algorithm);
            new
        });
        let others: Arc<[Hasher]> = others.collect();
        let all = [preferred].into_iter().chain(others.iter().copied());
        let policy = all.fold(Policy::DEFAULT, |policy, hasher| policy.paying(hasher.cost));
        Self {
            preferred,
            others,
            policy,
            kept_memory: Arc::new(Memory::for_hashes_of(preferred)),
        }
    }

    /// The same with this hasher first. One of the same algorithm that was in the list is no more.
    #[must_use]
    pub fn preferring(self, hasher: Hasher) -> Self {
        let policy = self.policy;
        let others: Vec<Hasher> = self.all().collect();
        Self::listed(hasher, others).with_policy(policy)
    }

    /// The same with this hasher last, unless there is one of its algorithm already.
    ///
    /// # Security
    /// Whoever steals the table tries billions of passwords a second against hashes of MD5 and SHA-1. If a site still
    /// holds such, give those users who do not sign in any more an unusable password, and take the hasher away again.
    #[must_use]
    pub fn accepting(self, hasher: Hasher) -> Self {
        let policy = self.policy;
        let others: Vec<Hasher> = self.others.iter().copied().chain([hasher]).collect();
        Self::listed(self.preferred, others).with_policy(policy)
    }

    /// The same with PBKDF2 and SHA-256 first, at so many rounds.
    ///
    /// # Security
    /// Every round fewer is a round fewer for whoever steals the database; OWASP asks for 600,000.
    #[must_use]
    pub fn with_iterations(self, iterations: NonZeroU32) -> Self {
        self.preferring(Hasher {
            algorithm: Algorithm::Pbkdf2Sha256,
            cost: Cost::Pbkdf2 { iterations },
        })
    }

    /// The same with another bound on what stored hashes may ask for. What new hashes cost is always within.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = self
            .all()
            .fold(policy, |policy, hasher| policy.paying(hasher.cost));
        self
    }

    /// The most bytes that one call takes while it computes.
    ///
    /// A gate that lets so many calls in at once as this goes into its memory never takes more.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let hungry = |hasher: Hasher| matches!(hasher.cost, Cost::Argon2(_) | Cost::Scrypt(_));
        if self.all().any(hungry) {
            self.policy.memory
        } else {
            FRUGAL
        }
    }

    /// Gives the memory that is kept for the next hashes back to the system: for each call that ran at the same
    /// time what one Argon2 hash needs, and nothing where Argon2 is not preferred.
    ///
    /// The next hashes take longer by half. Call it when none has been made for a while.
    pub fn release_memory(&self) {
        self.kept_memory.release();
    }

    /// The text to keep for this password, under a new salt.
    ///
    /// # Errors
    /// The operating system's generator does not answer, or plain bcrypt is preferred and would not read all of
    /// the password.
    pub fn make(&self, password: &[u8]) -> Result<String, MakeError> {
        let salt = match self.preferred.algorithm {
            Algorithm::Bcrypt | Algorithm::BcryptSha256 => bcrypt::random_salt(),
            Algorithm::UnsaltedMd5 | Algorithm::UnsaltedSha1 => Ok(String::new()),
            _ => salt::random(),
        };
        self.make_with_salt(password, &salt.map_err(MakeError::Random)?)
    }

    /// The same under a salt that is given, to reproduce a known hash. For bcrypt it is 22 characters of bcrypt's own
    /// base64.
    ///
    /// # Security
    /// Two users with one salt are attacked for the price of one: this is for tests and test vectors.
    ///
    /// # Errors
    /// The salt is empty or has a dollar sign in it, or the algorithm takes no such salt; or plain bcrypt would not
    /// read all of the password.
    pub fn make_with_salt(&self, password: &[u8], salt: &str) -> Result<String, MakeError> {
        if self.preferred.algorithm == Algorithm::Bcrypt && bcrypt::is_unfit(password) {
            return Err(MakeError::UnfitForBcrypt);
        }
        let recipe = Recipe::new(self.preferred, salt).ok_or(MakeError::BadSalt)?;
        recipe
            .encode(password, &self.kept_memory)
            .ok_or(MakeError::BadSalt)
    }

    /// Whether this is the password whose text was kept.
    ///
    /// Text that can verify no password costs what a wrong one costs: unusable passwords, algorithms that are not
    /// listed, malformed text, and costs beyond the policy. A hash of the preferred algorithm that cost less than new
    /// ones do is made up for, as in Django, so that time does not tell which users have not signed in for long.
    pub fn verify(&self, password: &[u8], encoded: &str) -> Verification {
        let algorithm = Some(encoded)
            .filter(|encoded| is_password_usable(encoded))
            .and_then(Algorithm::identify)
            .filter(|algorithm| self.all().any(|hasher| hasher.algorithm == *algorithm));
        let recipe = algorithm
            .and_then(|algorithm| Recipe::parse(algorithm, encoded))
            .filter(|recipe| self.policy.pays(recipe.cost()));
        let (Some(algorithm), Some(recipe)) = (algorithm, recipe) else {
            self.spend(password);
            return Verification::Wrong;
        };
        let changed = algorithm != self.preferred.algorithm;
        let outdated = changed || recipe.must_update(self.preferred.cost);
        let Some(again) = recipe.encode(password, &self.kept_memory) else {
            self.spend(password);
            return Verification::Wrong;
        };
        let stored = match algorithm {
            Algorithm::UnsaltedMd5 => encoded.strip_prefix("md5$$").unwrap_or(encoded),
            _ => encoded,
        };
        if same(Zeroizing::new(again).as_bytes(), stored.as_bytes()) {
            return if outdated {
                Verification::CorrectButOutdated
            } else {
                Verification::Correct
            };
        }
        if changed && recipe.cost() == Cost::Nothing {
            // Django lets such a hash be told by the clock.
            self.spend(password);
        } else if !changed && outdated {
            recipe.harden(password, self.preferred.cost);
        }
        Verification::Wrong
    }

    /// Takes the time that a wrong password takes, for a user who does not exist.
    ///
    /// Without it, whoever tries names learns from the clock which of them have an account.
    pub fn spend(&self, password: &[u8]) {
        let (salt, password) = match self.preferred.algorithm {
            // It would refuse others before any work.
            Algorithm::Bcrypt => (bcrypt::ANY_SALT, b"password".as_slice()),
            Algorithm::BcryptSha256 => (bcrypt::ANY_SALT, password),
            Algorithm::UnsaltedMd5 | Algorithm::UnsaltedSha1 => ("", password),
            _ => (salt::ANY, password),
        };
        let made = self.make_with_salt(password, salt);
        debug_assert!(made.is_ok(), "nothing was spent");
        let _ = black_box(made.map(Zeroizing::new));
    }

    fn all(&self) -> impl Iterator<Item = Hasher> {
        [self.preferred]
            .into_iter()
            .chain(self.others.iter().copied())
    }
}

impl PartialEq for Hashers {
    /// Whatever memory is kept at the moment.
    fn eq(&self, other: &Self) -> bool {
        self.policy == other.policy && self.all().eq(other.all())
    }
}

impl Eq for Hashers {}

/// What [`Hashers::verify`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "these are all the outcomes")]
pub enum Verification {
    /// This is not the password, or the text verifies none.
    Wrong,
    /// This is the password.
    Correct,
    /// This is the password, and the text is not as new ones are: keep a new one if the site's hashers and
    /// costs are its own choice.
    CorrectButOutdated,
}

/// A text for the password column that verifies no password: `!` and 40 random characters.
///
/// They are random because the password column goes into session hashes and reset tokens.
///
/// # Errors
/// The operating system's generator does not answer.
pub fn unusable_password() -> Result<String, RandomError> {
    let mut encoded = random::text(salt::ALPHABET, 40)?;
    encoded.insert(0, UNUSABLE);
    Ok(encoded)
}

/// False for what [`unusable_password`] makes. The empty text counts as usable, as in Django, and verifies
/// nothing all the same.
#[must_use]
pub fn is_password_usable(encoded: &str) -> bool {
    !encoded.starts_with(UNUSABLE)
}

/// There is no hash for this password.
#[derive(Debug)]
#[non_exhaustive]
pub enum MakeError {
    /// The operating system's generator does not answer.
    Random(RandomError),
    /// Such a salt is no salt, or would move the parts of the text.
    BadSalt,
    /// Plain bcrypt reads 72 bytes, and takes what follows a NUL for the beginning: another password would fit too.
    UnfitForBcrypt,
}

impl fmt::Display for MakeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(error) => error.fmt(formatter),
            Self::BadSalt => formatter.write_str("the algorithm takes no such salt"),
            Self::UnfitForBcrypt => {
                formatter.write_str("bcrypt hashes at most 72 bytes, and no NULs")
            }
        }
    }
}

impl std::error::Error for MakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Random(error) => error.source(),
            _ => None,
        }
    }
}

/// A whole number as Python writes it. Django renders the number again and compares the whole text, so another
/// spelling (`010`, `+10`, `0` for the default) costs a hash there and never verifies. Ours costs the same.
fn number(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| canonical)
}

const UNUSABLE: char = '!';
/// No call takes more where no algorithm is hungry on purpose: bcrypt's tables, and some texts.
const FRUGAL: u64 = 16 << 10;

#[cfg(test)]
mod tests;
