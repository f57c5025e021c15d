//! `bcrypt_sha256$$2b$12$…` and `bcrypt$$2b$12$…`.
//!
//! bcrypt itself reads 72 bytes and repeats the password behind a NUL, so a longer one would match with any other
//! end, and `a` with `a`, NUL, `a`. Django's `bcrypt_sha256` hashes the hexadecimal SHA-256 of the password and has
//! neither fault. The plain one here refuses such passwords, to hash and to verify.

use std::hint::black_box;

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::random::{self, RandomError};

/// The rounds, as a logarithm, that bcrypt has.
pub(super) const ROUNDS: std::ops::RangeInclusive<u32> = 4..=31;

/// What is given to bcrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// The password itself.
    Plain,
    /// Its SHA-256 in hexadecimal.
    Sha256,
}

/// All of such a text but the hash.
pub(super) struct Recipe<'a> {
    input: Input,
    /// `2b`, or what older libraries wrote: it stands for mended bugs and changes nothing here.
    version: &'a str,
    pub(super) rounds: u32,
    salt: [u8; 16],
}

impl Recipe<'static> {
    /// `None` unless the salt is 22 characters of bcrypt's own base64.
    pub(super) fn new(input: Input, rounds: u32, salt: &str) -> Option<Self> {
        Some(Self {
            input,
            version: "2b",
            rounds,
            salt: decode(salt)?,
        })
    }
}

impl<'a> Recipe<'a> {
    /// From what stands behind the algorithm's name.
    pub(super) fn parse(input: Input, rest: &'a str) -> Option<Self> {
        let (version, rest) = rest.strip_prefix('$')?.split_once('$')?;
        let (rounds, rest) = rest.split_once('$')?;
        let version = ["2a", "2b", "2x", "2y"]
            .into_iter()
            .find(|known| *known == version)?;
        // Two digits: text with any other number of them is written again in two, and never verifies.
        let two = rounds.len() == 2 && rounds.bytes().all(|byte| byte.is_ascii_digit());
        let rounds = rounds.parse().ok().filter(|_| two)?;
        let salt = decode(rest.get(..22)?)?;
        ROUNDS.contains(&rounds).then_some(Self {
            input,
            version,
            rounds,
            salt,
        })
    }

    /// `None` if bcrypt would not read the whole password.
    pub(super) fn encode(&self, password: &[u8]) -> Option<String> {
        let input = self.input(password)?;
        let hash = Zeroizing::new(::bcrypt::bcrypt(self.rounds, self.salt, &input));
        let name = match self.input {
            Input::Plain => "bcrypt",
            Input::Sha256 => "bcrypt_sha256",
        };
        let Self {
            version, rounds, ..
        } = self;
        let mut encoded = format!("{name}$${version}${rounds:02}$");
        BASE64.encode_string(self.salt, &mut encoded);
        // The last byte is left out, as everywhere.
        BASE64.encode_string(&hash[..23], &mut encoded);
        Some(encoded)
    }

    /// Spends what `wanted` rounds cost more than these.
    pub(super) fn harden(&self, password: &[u8], wanted: u32) {
        let times = wanted.checked_sub(self.rounds);
        for _ in 1..times.map_or(1, |times| 1_u64 << times) {
            black_box(self.encode(password));
        }
    }

    /// What bcrypt reads: the text and a NUL, unless the text has all 72 bytes.
    fn input(&self, password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut input = Zeroizing::new(Vec::with_capacity(LONGEST));
        match self.input {
            Input::Plain if is_unfit(password) => return None,
            Input::Plain => input.extend_from_slice(password),
            Input::Sha256 => {
                for byte in Sha256::digest(password) {
                    let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
                    input.extend([digit(byte >> 4), digit(byte & 15)]);
                }
            }
        }
        if input.len() < LONGEST {
            input.push(0);
        }
        Some(input)
    }
}

/// Whether plain bcrypt would take this password for another one.
pub(super) fn is_unfit(password: &[u8]) -> bool {
    password.len() > LONGEST || password.contains(&0)
}

/// 128 bits in bcrypt's own base64: the last of 22 characters has but two of them.
pub(super) fn random_salt() -> Result<String, RandomError> {
    let alphabet = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut salt = random::text(alphabet, 21)?;
    salt.push_str(&random::text(b".Oeu", 1)?);
    Ok(salt)
}

fn decode(salt: &str) -> Option<[u8; 16]> {
    BASE64.decode(salt).ok()?.try_into().ok()
}

const LONGEST: usize = 72;
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);
/// A salt for hashes that are made to spend time.
pub(super) const ANY_SALT: &str = "abcdefghijklmnopqrstuu";
