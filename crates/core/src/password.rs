//! Password hashes as Django keeps them in `auth_user`.

mod md5;
mod pbkdf2;

use std::fmt;
use std::hint::black_box;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::random::{self, RandomError};
use crate::secret::same;
use crate::version::DjangoVersion;

/// How passwords are hashed and which hashes are believed (`PASSWORD_HASHERS`).
///
/// Passwords are bytes: of any length and any value, never cut and never normalised. (PBKDF2 itself does
/// not count NULs at the end of up to 64 bytes; it does not in Django either.) The calls take a tenth of a
/// second and more on purpose; keep them off the threads that serve requests, and bound how many run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashers {
    iterations: NonZeroU32,
    most_iterations: NonZeroU32,
    accepts_md5: bool,
}

impl Hashers {
    /// The most rounds that a stored hash may ask for unless the site says otherwise: about a second's work,
    /// and almost seven times what the newest Django writes.
    pub const MOST_ITERATIONS: NonZeroU32 = NonZeroU32::new(10_000_000).unwrap();

    /// PBKDF2 at the cost which this release of Django writes.
    ///
    /// All servers of a site should agree on the cost: two that differ rewrite a user's hash at every other
    /// login, and each rewriting ends that user's other sessions.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn new(version: DjangoVersion) -> Self {
        let iterations = NonZeroU32::new(version.pbkdf2_iterations())
            .expect("no release of Django hashes in zero rounds");
        Self {
            iterations,
            most_iterations: Self::MOST_ITERATIONS,
            accepts_md5: false,
        }
    }

    /// The same with another number of rounds for new hashes.
    ///
    /// # Security
    /// Every round fewer is a round fewer for whoever steals the database; OWASP asks for 600,000.
    #[must_use]
    pub fn with_iterations(mut self, iterations: NonZeroU32) -> Self {
        self.iterations = iterations;
        self.most_iterations = self.most_iterations.max(iterations);
        self
    }

    /// The same with another bound on the rounds that a stored hash may ask for. It is never below the rounds
    /// of new hashes.
    ///
    /// A hash beyond it verifies no password, so that a row written by somebody else cannot keep a processor
    /// busy for minutes.
    #[must_use]
    pub fn with_most_iterations(mut self, most: NonZeroU32) -> Self {
        self.most_iterations = most.max(self.iterations);
        self
    }

    /// The same for a site that still holds salted MD5 hashes, `md5$salt$hash`, and wants its users to sign in once
    /// more: such a hash is outdated whatever its salt, so that a login can replace it. New ones are never made.
    ///
    /// ```
    /// use cloakroom_core::password::{Hashers, Verification};
    /// use cloakroom_core::version::DjangoVersion;
    ///
    /// let hashers = Hashers::new(DjangoVersion::LATEST).insecure_accepting_md5();
    /// let encoded = "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3";
    /// assert_eq!(hashers.verify("lètmein".as_bytes(), encoded), Verification::CorrectButOutdated);
    /// ```
    ///
    /// # Security
    /// Whoever steals the table tries billions of passwords a second against such a hash. Give those who do not
    /// sign in any more an unusable password, and take this away again.
    #[must_use]
    pub const fn insecure_accepting_md5(mut self) -> Self {
        self.accepts_md5 = true;
        self
    }

    /// The text to keep for this password, under a new salt.
    ///
    /// # Errors
    /// The operating system's generator does not answer.
    pub fn make(&self, password: &[u8]) -> Result<String, RandomError> {
        let salt = random::text(ALPHABET, SALT_LENGTH)?;
        Ok(encode(password, &salt, self.iterations))
    }

    /// The same under a salt that is given, to reproduce a known hash.
    ///
    /// # Security
    /// Two users with one salt are attacked for the price of one: this is for tests and test vectors.
    ///
    /// # Errors
    /// The salt is empty or has a dollar sign in it.
    pub fn make_with_salt(&self, password: &[u8], salt: &str) -> Result<String, BadSalt> {
        if is_salt(salt) {
            Ok(encode(password, salt, self.iterations))
        } else {
            Err(BadSalt)
        }
    }

    /// Whether this is the password whose text was kept.
    ///
    /// Text that can verify no password costs what a wrong one costs: unusable passwords, unknown
    /// algorithms, malformed text, and a number of rounds beyond the bound. So does a hash with fewer
    /// rounds than new ones have, so that time does not tell which users have not signed in for long.
    pub fn verify(&self, password: &[u8], encoded: &str) -> Verification {
        if self.accepts_md5 && md5::verifies(password, encoded) {
            return Verification::CorrectButOutdated;
        }
        let stored =
            Stored::parse(encoded).filter(|stored| stored.iterations <= self.most_iterations);
        let Some(stored) = stored else {
            self.spend(password);
            return Verification::Wrong;
        };
        let outdated = stored.iterations != self.iterations || stored.salt_is_weak();
        let again = Zeroizing::new(encode(password, stored.salt, stored.iterations));
        if same(again.as_bytes(), encoded.as_bytes()) {
            return if outdated {
                Verification::CorrectButOutdated
            } else {
                Verification::Correct
            };
        }
        let missing = self
            .iterations
            .get()
            .saturating_sub(stored.iterations.get());
        if let Some(missing) = NonZeroU32::new(missing) {
            black_box(pbkdf2::sha256(password, stored.salt.as_bytes(), missing));
        }
        Verification::Wrong
    }

    /// Takes the time that a wrong password takes, for a user who does not exist.
    ///
    /// Without it, whoever tries names learns from the clock which of them have an account.
    pub fn spend(&self, password: &[u8]) {
        black_box(pbkdf2::sha256(
            password,
            &ALPHABET[..SALT_LENGTH],
            self.iterations,
        ));
    }
}

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
    let mut encoded = random::text(ALPHABET, 40)?;
    encoded.insert(0, UNUSABLE);
    Ok(encoded)
}

/// False for what [`unusable_password`] makes. The empty text counts as usable, as in Django, and verifies
/// nothing all the same.
#[must_use]
pub fn is_password_usable(encoded: &str) -> bool {
    !encoded.starts_with(UNUSABLE)
}

/// The parts of `pbkdf2_sha256$1500000$salt$hash`.
struct Stored<'a> {
    iterations: NonZeroU32,
    salt: &'a str,
}

impl<'a> Stored<'a> {
    /// `None` for what verifies no password. The hash itself is not looked at: it is compared as text.
    fn parse(encoded: &'a str) -> Option<Self> {
        let rest = encoded.strip_prefix(ALGORITHM)?.strip_prefix('$')?;
        let (iterations, rest) = rest.split_once('$')?;
        let (salt, _) = rest.split_once('$')?;
        // Django renders the number again and compares the whole text, so another spelling (`010`, `+10`, `0`
        // for the default) costs a hash and never verifies. Ours costs the same.
        let canonical =
            iterations.bytes().all(|byte| byte.is_ascii_digit()) && !iterations.starts_with('0');
        let iterations = iterations.parse().ok().filter(|_| canonical)?;
        is_salt(salt).then_some(Self { iterations, salt })
    }

    /// Fewer than 128 bits in characters of which there are 62.
    fn salt_is_weak(&self) -> bool {
        self.salt.chars().count() < SALT_LENGTH
    }
}

/// Such a salt is no salt, or would move the parts of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSalt;

impl fmt::Display for BadSalt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a salt must not be empty or contain a dollar sign")
    }
}

impl std::error::Error for BadSalt {}

fn is_salt(text: &str) -> bool {
    !text.is_empty() && !text.contains('$')
}

fn encode(password: &[u8], salt: &str, iterations: NonZeroU32) -> String {
    let hash = pbkdf2::sha256(password, salt.as_bytes(), iterations);
    let mut encoded = format!("{ALGORITHM}${iterations}${salt}$");
    STANDARD.encode_string(*hash, &mut encoded);
    encoded
}

const ALGORITHM: &str = "pbkdf2_sha256";
const UNUSABLE: char = '!';
/// As many characters of this alphabet as 128 bits need.
const SALT_LENGTH: usize = 22;
const ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

#[cfg(test)]
mod tests;
