//! PBKDF2 with HMAC-SHA-256 (RFC 8018), as fast as SHA-256's block function allows.
//!
//! Whoever guesses stolen hashes uses the fastest code there is, so a slow defender only hurts its users. A
//! round is two blocks: everything around them, the two padded keys and the end of each message, is the same
//! in every round and is made once. A general HMAC takes a third more time.

use std::num::NonZeroU32;

use sha2::block_api::compress256;
use zeroize::{Zeroize as _, Zeroizing};

/// The derived key; its length is that of one SHA-256, which is all that Django asks for.
pub(super) fn derive(password: &[u8], salt: &[u8], rounds: NonZeroU32) -> Zeroizing<[u8; 32]> {
    let key = Key::new(password);
    // The salt is followed by the number of the derived block, from 1.
    let inner = key.inner.after(&[salt, &1_u32.to_be_bytes()]);
    let mut block = Zeroizing::new(LAST_BLOCK);
    inner.write_to(&mut block);
    let mut link = key.outer.clone();
    compress256(&mut link.state, std::slice::from_ref(&block));

    let mut derived = link.clone();
    for _ in 1..rounds.get() {
        link.write_to(&mut block);
        link.state = key.inner.state;
        compress256(&mut link.state, std::slice::from_ref(&block));
        link.write_to(&mut block);
        link.state = key.outer.state;
        compress256(&mut link.state, std::slice::from_ref(&block));
        for (sum, word) in derived.state.iter_mut().zip(link.state) {
            *sum ^= word;
        }
    }
    let mut bytes = Zeroizing::new([0; 64]);
    derived.write_to(&mut bytes);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&bytes[..32]);
    key
}

/// HMAC's two halves, each after the block of its padded key.
struct Key {
    inner: Sha256,
    outer: Sha256,
}

impl Key {
    fn new(password: &[u8]) -> Self {
        let mut pad = Zeroizing::new([0; 64]);
        if let Some(start) = pad.get_mut(..password.len()) {
            start.copy_from_slice(password);
        } else {
            // Hashed once here and not in every round, however long it is.
            Sha256::START.after(&[password]).write_to(&mut pad);
        }
        let mut padded = |byte: u8| {
            pad.iter_mut().for_each(|pad| *pad ^= byte);
            let mut hash = Sha256::START;
            hash.absorb(&pad);
            pad.iter_mut().for_each(|pad| *pad ^= byte);
            hash
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }
}

/// SHA-256 between two blocks. It knows the password, so it is wiped.
#[derive(Clone)]
struct Sha256 {
    state: [u32; 8],
    blocks: u64,
}

impl Sha256 {
    /// FIPS 180-4, section 5.3.3.
    const START: Self = Self {
        state: [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ],
        blocks: 0,
    };

    fn absorb(&mut self, block: &[u8; 64]) {
        compress256(&mut self.state, std::slice::from_ref(block));
        self.blocks += 1;
    }

    /// The hash of what was absorbed and the rest of the message, given in parts.
    fn after(&self, parts: &[&[u8]]) -> Self {
        let mut hash = self.clone();
        let mut block = Zeroizing::new([0; 64]);
        let mut filled = 0;
        for mut part in parts.iter().copied() {
            while !part.is_empty() {
                let (now, later) = part.split_at(part.len().min(64 - filled));
                block[filled..filled + now.len()].copy_from_slice(now);
                filled += now.len();
                part = later;
                if filled == 64 {
                    hash.absorb(&block);
                    filled = 0;
                }
            }
        }
        let bits = (hash.blocks * 64 + filled as u64) * 8;
        block[filled..].fill(0);
        block[filled] = 0x80;
        if filled >= 56 {
            hash.absorb(&block);
            block.fill(0);
        }
        block[56..].copy_from_slice(&bits.to_be_bytes());
        hash.absorb(&block);
        hash
    }

    /// The state as bytes, into the first half of a block.
    fn write_to(&self, block: &mut [u8; 64]) {
        for (bytes, word) in block.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
    }
}

impl Drop for Sha256 {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

/// The last block of a message of 96 bytes: its second half as padding. 64 bytes of padded key came before,
/// 32 of a hash fill the first half.
const LAST_BLOCK: [u8; 64] = {
    let mut block = [0; 64];
    block[32] = 0x80;
    let [.., high, low] = (96_u64 * 8).to_be_bytes();
    block[62] = high;
    block[63] = low;
    block
};

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    fn oracle(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
        ::pbkdf2::pbkdf2_hmac_array::<sha2::Sha256, 32>(password, salt, rounds)
    }

    fn ours(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
        *derive(password, salt, NonZeroU32::new(rounds).unwrap())
    }

    #[test]
    fn every_length_around_a_block_agrees() {
        let text: Vec<u8> = (0..=255).collect();
        for length in (0..=140).chain([255]) {
            let text = &text[..length];
            assert_eq!(ours(text, b"salt", 2), oracle(text, b"salt", 2), "{length}");
            assert_eq!(ours(b"word", text, 2), oracle(b"word", text, 2), "{length}");
            let mut hash = [0; 64];
            Sha256::START.after(&[text]).write_to(&mut hash);
            assert_eq!(hash[..32], sha2::Sha256::digest(text)[..], "{length}");
        }
    }

    #[test]
    fn a_published_vector_agrees() {
        // RFC 7914, section 11, the first half of its 64 bytes.
        assert_eq!(
            ours(b"passwd", b"salt", 1)[..8],
            [0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f]
        );
        assert_eq!(
            ours(b"Password", b"NaCl", 80_000)[..8],
            [0x4d, 0xdc, 0xd8, 0xf6, 0x0b, 0x98, 0xbe, 0x21]
        );
    }

    proptest! {
        #[test]
        fn the_pbkdf2_crate_agrees(
            password in vec(any::<u8>(), 0..300),
            salt in vec(any::<u8>(), 0..200),
            rounds in 1_u32..40,
        ) {
            prop_assert_eq!(
                ours(&password, &salt, rounds),
                oracle(&password, &salt, rounds)
            );
        }
    }
}
