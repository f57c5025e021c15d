//! The header `Vary` of a response that depends on the request's cookies (`patch_vary_headers`).

/// What is to become of a response's `Vary`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "these are all the cases")]
pub enum Vary {
    /// It names the cookies already.
    Keep,
    /// It becomes `Cookie`.
    Cookie,
    /// `Cookie` is added to what it names.
    AddCookie,
    /// It becomes `*`, which stands for everything.
    Everything,
}

impl Vary {
    /// Has a response whose `Vary` headers hold these values vary by cookie too.
    pub fn by_cookie<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut vary = Self::Cookie;
        for name in values.flat_map(|value| value.split(',')).map(str::trim) {
            match name {
                "" => {}
                "*" => return Self::Everything,
                name if name.eq_ignore_ascii_case("cookie") => vary = Self::Keep,
                _ if vary == Self::Cookie => vary = Self::AddCookie,
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
    fn cookie_is_named_once() {
        let rows: [(&[&str], Vary); 10] = [
            (&[], Vary::Cookie),
            (&["", " , "], Vary::Cookie),
            (&["Cookie"], Vary::Keep),
            (&["cookie"], Vary::Keep),
            (&["Accept-Encoding, COOKIE"], Vary::Keep),
            (&["Cookie, Accept"], Vary::Keep),
            (&["Accept", "Cookie"], Vary::Keep),
            (&["Accept", "Cookies"], Vary::AddCookie),
            (&["*"], Vary::Everything),
            (&["Cookie", "Accept, *"], Vary::Everything),
        ];
        for (values, vary) in rows {
            assert_eq!(Vary::by_cookie(values.iter().copied()), vary, "{values:?}");
        }
    }
}
