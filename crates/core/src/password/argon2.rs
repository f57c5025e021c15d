//! `argon2$argon2id$v=19$m=102400,t=2,p=8$salt$hash`.

pub(super) mod memory;

use ::argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use self::memory::Memory;
use super::{number, salt};

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// t: how often the memory is gone through.
    pub(super) time_cost: u32,
    /// m: KiB of memory.
    pub(super) memory_cost: u32,
    /// p: lanes that could be computed at once. Here it is done one after the other.
    pub(super) parallelism: u32,
}

impl Cost {
    /// Bytes of memory while it is computed.
    pub(super) const fn memory(self) -> u64 {
        self.memory_cost as u64 * 1024
    }

    /// KiB that are written.
    pub(super) const fn work(self) -> u64 {
        self.time_cost as u64 * self.memory_cost as u64
    }

    /// The library's form of it, if Argon2 has such a cost.
    pub(super) fn params(self, length: usize) -> Option<Params> {
        Params::new(
            self.memory_cost,
            self.time_cost,
            self.parallelism,
            Some(length),
        )
        .ok()
    }
}

/// All of such a text but the hash, and the hash's length.
pub(super) struct Recipe {
    kind: Algorithm,
    version: Version,
    /// The oldest texts, of version 1.0, do not say so.
    names_version: bool,
    pub(super) cost: Cost,
    /// As it goes into the hash: in the text it is base64 once more.
    salt: Vec<u8>,
    length: usize,
}

impl Recipe {
    pub(super) fn new(cost: Cost, salt: &str) -> Self {
        Self {
            kind: Algorithm::Argon2id,
            version: Version::V0x13,
            names_version: true,
            cost,
            salt: salt.as_bytes().to_vec(),
            length: LENGTH,
        }
    }

    /// From what stands behind the algorithm's name.
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (kind, rest) = rest.split_once('$')?;
        let kind = match kind {
            "argon2d" => Algorithm::Argon2d,
            "argon2i" => Algorithm::Argon2i,
            "argon2id" => Algorithm::Argon2id,
            _ => return None,
        };
        let (names_version, version, rest) = match rest.strip_prefix("v=") {
            None => (false, Version::V0x10, rest),
            Some(rest) => match rest.split_once('$')? {
                ("16", rest) => (true, Version::V0x10, rest),
                ("19", rest) => (true, Version::V0x13, rest),
                _ => return None,
            },
        };
        let (cost, rest) = rest.split_once('$')?;
        let (salt, hash) = rest.split_once('$')?;
        let (memory_cost, cost) = cost.strip_prefix("m=")?.split_once(",t=")?;
        let (time_cost, parallelism) = cost.split_once(",p=")?;
        let length = STANDARD_NO_PAD.decode(hash).ok()?.len();
        Some(Self {
            kind,
            version,
            names_version,
            cost: Cost {
                time_cost: number(time_cost)?,
                memory_cost: number(memory_cost)?,
                parallelism: number(parallelism)?,
            },
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            length,
        })
    }

    /// Whether new hashes have this form too, whatever they cost.
    pub(super) fn is_current(&self) -> bool {
        self.kind == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.names_version
            && self.length == LENGTH
    }

    pub(super) fn salt_is_weak(&self) -> bool {
        salt::is_weak(self.salt.len())
    }

    /// `None` if Argon2 has no such cost, no such salt (of fewer than 8 bytes) or no such hash.
    pub(super) fn encode(&self, password: &[u8], memory: &Memory) -> Option<String> {
        let argon2 = Argon2::new(self.kind, self.version, self.cost.params(self.length)?);
        let mut hash = Zeroizing::new(vec![0; self.length]);
        let blocks = argon2.params().block_count();
        memory
            .with(blocks, |blocks| {
                argon2.hash_password_into_with_memory(password, &self.salt, &mut hash, blocks)
            })
            .ok()?;
        let mut encoded = format!("argon2${}$", self.kind);
        if self.names_version {
            encoded.push_str(&format!("v={}$", u32::from(self.version)));
        }
        let Cost {
            time_cost,
            memory_cost,
            parallelism,
        } = self.cost;
        encoded.push_str(&format!("m={memory_cost},t={time_cost},p={parallelism}$"));
        STANDARD_NO_PAD.encode_string(&self.salt, &mut encoded);
        encoded.push('$');
        STANDARD_NO_PAD.encode_string(&*hash, &mut encoded);
        Some(encoded)
    }
}

/// Bytes of a new hash.
const LENGTH: usize = 32;
