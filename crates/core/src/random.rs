//! Random text from the operating system's generator.

use std::fmt;

/// The operating system's random generator did not answer.
#[derive(Debug)]
pub struct RandomError(getrandom::Error);

impl fmt::Display for RandomError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the operating system's random generator does not answer")
    }
}

impl std::error::Error for RandomError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// `length` characters, each drawn uniformly from `alphabet` (2 to 128 ASCII characters).
///
/// Bytes that would favour some characters are drawn again, so that every one is equally likely.
///
/// # Errors
/// The generator does not answer.
pub(crate) fn text<const CHARACTERS: usize>(
    alphabet: &[u8; CHARACTERS],
    length: usize,
) -> Result<String, RandomError> {
    let fair = 256 - 256 % CHARACTERS;
    let mut text = String::with_capacity(length);
    let mut pool = [0; 64];
    while text.len() < length {
        getrandom::fill(&mut pool).map_err(RandomError)?;
        let fair_bytes = pool.iter().filter(|byte| usize::from(**byte) < fair);
        for byte in fair_bytes.take(length - text.len()) {
            text.push(char::from(alphabet[usize::from(*byte) % CHARACTERS]));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S1.
    #[test]
    fn every_character_is_equally_likely_in_every_place() {
        // 36 symbols in 32 places; chi-squared with 35 degrees of freedom exceeds 90 once in a million.
        let alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let draws = 20_000;
        let mut counts = [[0_u32; 36]; 32];
        for _ in 0..draws {
            for (place, character) in text(alphabet, 32).unwrap().bytes().enumerate() {
                let symbol = alphabet
                    .iter()
                    .position(|symbol| *symbol == character)
                    .unwrap();
                counts[place][symbol] += 1;
            }
        }
        let expected = f64::from(draws) / 36.0;
        for place in counts {
            let chi_squared: f64 = place
                .iter()
                .map(|count| (f64::from(*count) - expected).powi(2) / expected)
                .sum();
            assert!(chi_squared < 90.0, "{chi_squared}");
        }
    }

    #[test]
    fn lengths_are_kept() {
        for length in [0, 1, 63, 64, 65, 1000] {
            assert_eq!(text(b"ab", length).unwrap().len(), length);
        }
    }
}
