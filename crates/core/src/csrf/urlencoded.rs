//! A second token's field in an urlencoded body, noticed while the body goes by.

use super::FORM_FIELD;
use super::form::FormFault;

/// Reads what comes behind the token in an urlencoded body, piece by piece.
///
/// ```
/// use cloakroom_core::csrf::{FormFault, UrlencodedScan};
///
/// let mut scan = UrlencodedScan::new();
/// scan.push(b"a=1&csrfmiddle")?;
/// assert_eq!(scan.push(b"waretoken=x"), Err(FormFault::SecondToken));
/// # Ok::<(), FormFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct UrlencodedScan {
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// In a name that so far is the beginning of the token's.
    Name { matched: usize, escape: Escape },
    /// Where nothing counts but the next field.
    Elsewhere,
    /// A second token has been seen.
    Second,
}

#[derive(Clone, Copy, Debug)]
enum Escape {
    None,
    Percent,
    /// The first of two digits.
    Digit(u8),
}

const FIELD: Place = Place::Name {
    matched: 0,
    escape: Escape::None,
};

impl UrlencodedScan {
    /// At the beginning of a field.
    #[must_use]
    pub const fn new() -> Self {
        Self { place: FIELD }
    }

    /// Goes on with the next bytes of the body.
    ///
    /// # Errors
    /// A token's field has begun.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FormFault> {
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            match self.place {
                Place::Second => return Err(FormFault::SecondToken),
                Place::Elsewhere => match memchr::memchr(b'&', rest) {
                    None => return Ok(()),
                    Some(at) => {
                        self.place = FIELD;
                        rest = &rest[at..];
                    }
                },
                Place::Name { matched, escape } => {
                    self.place = self.name(byte, matched, escape);
                    // What ends a name that is another's may begin the next field.
                    if !matches!(self.place, Place::Elsewhere) {
                        rest = behind;
                    }
                }
            }
        }
        self.fault()
    }

    /// At the end of the body.
    ///
    /// # Errors
    /// The last field is the token's, by its name alone.
    pub fn finish(&mut self) -> Result<(), FormFault> {
        self.push(b"&")
    }

    fn fault(&self) -> Result<(), FormFault> {
        match self.place {
            Place::Second => Err(FormFault::SecondToken),
            _ => Ok(()),
        }
    }

    fn name(&self, byte: u8, matched: usize, escape: Escape) -> Place {
        let name = FORM_FIELD.as_bytes();
        let plain = match (escape, byte) {
            (Escape::None, b'&' | b'=') if matched == name.len() => return Place::Second,
            (Escape::None, b'&') => return FIELD,
            (Escape::None, b'%') => {
                return Place::Name {
                    matched,
                    escape: Escape::Percent,
                };
            }
            (Escape::None, byte) => Some(byte),
            (Escape::Percent, byte) => match digit(byte) {
                None => None,
                Some(high) => {
                    return Place::Name {
                        matched,
                        escape: Escape::Digit(high),
                    };
                }
            },
            (Escape::Digit(high), byte) => digit(byte).map(|low| high * 16 + low),
        };
        match plain {
            Some(byte) if name.get(matched) == Some(&byte) => Place::Name {
                matched: matched + 1,
                escape: Escape::None,
            },
            _ => Place::Elsewhere,
        }
    }
}

impl Default for UrlencodedScan {
    fn default() -> Self {
        Self::new()
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str, size: usize) -> bool {
        let mut scan = UrlencodedScan::new();
        let pushed = text
            .as_bytes()
            .chunks(size)
            .try_for_each(|piece| scan.push(piece));
        pushed.and_then(|()| scan.finish()).is_err()
    }

    #[test]
    fn a_field_of_the_token_s_is_found_however_it_is_written() {
        let rows = [
            ("csrfmiddlewaretoken=x", true),
            ("csrfmiddlewaretoken", true),
            ("a=1&csrfmiddlewaretoken", true),
            ("a=1&csrfmiddlewaretoken=&b=2", true),
            ("&&=&%63srfmiddleware%74oken=x", true),
            ("%&csrfmiddlewaretoken=x", true),
            ("%6&csrfmiddlewaretoken=x", true),
            ("csrf&csrfmiddlewaretoken=x", true),
            (
                "%63%73%72%66%6D%69%64%64%6c%65%77%61%72%65%74%6f%6b%65%6e=x",
                true,
            ),
            ("csrfmiddlewaretoken%3Dx", false),
            ("csrfmiddlewaretoken%", false),
            ("csrfmiddlewaretoken+=x", false),
            ("a=csrfmiddlewaretoken", false),
            ("a=1;csrfmiddlewaretoken=x", false),
            ("csrfmiddlewaretokens=x&xcsrfmiddlewaretoken=x", false),
            ("Csrfmiddlewaretoken=x&csrf=middlewaretoken", false),
            ("", false),
        ];
        for (text, expected) in rows {
            for size in 1..=text.len().max(1) {
                assert_eq!(second(text, size), expected, "{text} by {size}");
            }
            let found = form_urlencoded::parse(text.as_bytes()).any(|(name, _)| name == FORM_FIELD);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn it_agrees_with_whoever_reads_the_whole_form() {
        let field = "[a%&=+]{0,3}(%63|c)?(csrfmiddlewaretoken|srfmiddlewaretoken|srf%6diddlewaretoken)?[%&=a0-9]{0,4}";
        proptest::proptest!(|(fields in proptest::collection::vec(field, 0..4), size in 1_usize..30)| {
            let text = fields.join("&");
            let found = form_urlencoded::parse(text.as_bytes()).any(|(name, _)| name == FORM_FIELD);
            proptest::prop_assert_eq!(second(&text, size), found, "{}", text);
        });
    }
}
