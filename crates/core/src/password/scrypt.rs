//! `scrypt$16384$salt$8$5$hash`.

use ::scrypt::Params;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{number, salt};

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// N: a power of 2.
    pub(super) work_factor: u32,
    /// r, of 128 bytes each.
    pub(super) block_size: u32,
    /// p: how often it is done, one after the other.
    pub(super) parallelism: u32,
}

impl Cost {
    /// Bytes of memory while it is computed.
    pub(super) const fn memory(self) -> u64 {
        let blocks = self.work_factor as u64 + self.parallelism as u64 + 1;
        (128 * self.block_size as u64).saturating_mul(blocks)
    }

    /// Blocks that are mixed.
    pub(super) const fn work(self) -> u64 {
        let blocks = self.work_factor as u64 * self.block_size as u64;
        blocks.saturating_mul(self.parallelism as u64)
    }

    /// The library's form of it, if scrypt has such a cost.
    pub(super) fn params(self) -> Option<Params> {
        let Self {
            work_factor,
            block_size,
            parallelism,
        } = self;
        // The library multiplies these two without looking.
        block_size.checked_mul(parallelism)?;
        if work_factor < 2 || !work_factor.is_power_of_two() {
            return None;
        }
        let log = u8::try_from(work_factor.ilog2()).ok()?;
        Params::new(log, block_size, parallelism).ok()
    }
}

/// All of such a text but the hash.
pub(super) struct Recipe<'a> {
    pub(super) cost: Cost,
    pub(super) salt: &'a str,
}

impl<'a> Recipe<'a> {
    /// From what stands behind the algorithm's name.
    pub(super) fn parse(rest: &'a str) -> Option<Self> {
        let mut parts = rest.split('$');
        let mut next = || parts.next();
        let (work_factor, salt) = (number(next()?)?, salt::checked(next()?)?);
        let (block_size, parallelism) = (number(next()?)?, number(next()?)?);
        let cost = Cost {
            work_factor,
            block_size,
            parallelism,
        };
        Some(Self { cost, salt })
    }

    /// `None` if scrypt has no such cost.
    pub(super) fn encode(&self, password: &[u8]) -> Option<String> {
        let params = self.cost.params()?;
        let mut hash = Zeroizing::new([0; 64]);
        ::scrypt::scrypt(password, self.salt.as_bytes(), &params, &mut *hash).ok()?;
        let Cost {
            work_factor,
            block_size,
            parallelism,
        } = self.cost;
        let salt = self.salt;
        let mut encoded = format!("scrypt${work_factor}${salt}${block_size}${parallelism}$");
        STANDARD.encode_string(*hash, &mut encoded);
        Some(encoded)
    }
}
