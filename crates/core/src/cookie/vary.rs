//! The header `Vary` of a response that depends on a header of its request (`patch_vary_headers`).

/// What is to become of a response's `Vary`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "these are all the cases")]
pub enum Vary {
    /// It names the header already.
    Keep,
    /// It becomes the header's name.
    Set,
    /// The header's name is added to what it names.
    Add,
    /// It becomes `*`, which stands for everything.
    Everything,
}

impl Vary {
    /// Has a response whose `Vary` headers hold these values vary by this header too.
    pub fn by<'a>(header: &str, values: impl Iterator<Item = &'a str>) -> Self {
        let mut vary = Self::Set;
        for name in values.flat_map(|value| value.split(',')).map(str::trim) {
            match name {
                "" => {}
                "*" => return Self::Everything,
                name if name.eq_ignore_ascii_case(header) => vary = Self::Keep,
                _ if vary == Self::Set => vary = Self::Add,
                _ => {}
            }
        }
        vary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_named_once() {
        let rows: [(&[&str], Vary); 10] = [
            (&[], Vary::Set),
            (&["", " , "], Vary::Set),
            (&["Cookie"], Vary::Keep),
            (&["cookie"], Vary::Keep),
            (&["Accept-Encoding, COOKIE"], Vary::Keep),
            (&["Cookie, Accept"], Vary::Keep),
            (&["Accept", "Cookie"], Vary::Keep),
            (&["Accept", "Cookies"], Vary::Add),
            (&["*"], Vary::Everything),
            (&["Cookie", "Accept, *"], Vary::Everything),
        ];
        for (values, vary) in rows {
            assert_eq!(
                Vary::by("Cookie", values.iter().copied()),
                vary,
                "{values:?}"
            );
        }
    }
}
