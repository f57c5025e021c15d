//! Comparison that takes as long whatever differs.

use subtle::ConstantTimeEq as _;

/// Whether two texts are the same. Only their lengths show in the time.
///
/// All bits that differ are collected, eight bytes at a time, and one question at the end asks whether there are any.
/// `subtle` asks for each byte and hides each answer from the compiler, which for a signature takes about as long as the HMAC
/// that it is compared with.
#[must_use]
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    let words = left.iter().zip(right).fold(0, |differing, (left, right)| {
        differing | (u64::from_ne_bytes(*left) ^ u64::from_ne_bytes(*right))
    });
    let rest = left_rest.iter().zip(right_rest);
    let differing = rest.fold(words, |differing, (left, right)| {
        differing | u64::from(left ^ right)
    });
    differing.ct_eq(&0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RUSTSEC-2022-0018.
    #[test]
    fn every_byte_counts() {
        for length in 0..=48 {
            let text: Vec<u8> = (0..length).collect();
            assert!(same(&text, &text.clone()));
            for place in 0..text.len() {
                for flipped in [1, 0x80] {
                    let mut other = text.clone();
                    other[place] ^= flipped;
                    assert!(!same(&text, &other), "{length} {place}");
                }
            }
        }
    }

    /// RUSTSEC-2022-0018.
    #[test]
    fn differences_do_not_cancel_each_other_out() {
        let text = [0; 24 + 6];
        for places in [[0, 8], [8, 16], [24, 25], [0, 24]] {
            let mut other = text;
            for place in places {
                other[place] = 1;
            }
            assert!(!same(&text, &other), "{places:?}");
        }
    }

    #[test]
    fn a_beginning_is_not_the_whole() {
        for length in 1..=48 {
            let text = vec![0; length];
            assert!(!same(&text, &text[1..]) && !same(&text[1..], &text));
        }
        assert!(same(b"", b""));
    }
}
