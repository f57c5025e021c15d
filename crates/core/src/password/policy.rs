//! What a stored hash may ask for.

use super::hasher::Cost;

/// The most that is paid for a stored hash.
///
/// Whoever can write to the table of users must not be able to keep a processor busy for minutes, or to take all
/// memory, by a row that asks for it. A hash beyond the policy verifies no password, and nothing is computed or
/// allocated for it. The configured hashers' own costs are always within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// PBKDF2's rounds.
    pub iterations: u32,
    /// Bytes of memory, for Argon2 and scrypt.
    pub memory: u64,
    /// KiB that Argon2 writes: its memory times how often it goes through it.
    pub argon2_work: u64,
    /// Blocks that scrypt mixes: N times r times p.
    pub scrypt_work: u64,
    /// bcrypt's rounds, as a logarithm.
    pub bcrypt_rounds: u32,
}

impl Policy {
    /// About a second's work of each, and 132 MiB: five times and more what the newest Django writes, and enough for
    /// scrypt as OWASP wants it (128 MiB).
    pub const DEFAULT: Self = Self {
        iterations: 10_000_000,
        memory: 132 << 20,
        argon2_work: 1 << 20,
        scrypt_work: 1 << 22,
        bcrypt_rounds: 14,
    };

    pub(super) fn pays(&self, cost: Cost) -> bool {
        match cost {
            Cost::Pbkdf2 { iterations } => iterations.get() <= self.iterations,
            Cost::Argon2(cost) => cost.memory() <= self.memory && cost.work() <= self.argon2_work,
            Cost::Bcrypt { rounds } => rounds <= self.bcrypt_rounds,
            Cost::Scrypt(cost) => cost.memory() <= self.memory && cost.work() <= self.scrypt_work,
            Cost::Nothing => true,
        }
    }

    /// The same, wide enough for this.
    pub(super) fn paying(mut self, cost: Cost) -> Self {
        match cost {
            Cost::Pbkdf2 { iterations } => self.iterations = self.iterations.max(iterations.get()),
            Cost::Argon2(cost) => {
                self.memory = self.memory.max(cost.memory());
                self.argon2_work = self.argon2_work.max(cost.work());
            }
            Cost::Bcrypt { rounds } => self.bcrypt_rounds = self.bcrypt_rounds.max(rounds),
            Cost::Scrypt(cost) => {
                self.memory = self.memory.max(cost.memory());
                self.scrypt_work = self.scrypt_work.max(cost.work());
            }
            Cost::Nothing => {}
        }
        self
    }
}
