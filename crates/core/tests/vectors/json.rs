//! JSON as Python reads it, with what `serde_json` has no room for: NaN, lone surrogates, integers of any
//! length. Its texts are equal if and only if Python's values are.

/// The value of a JSON text, in words of its own; `None` if Python reads none.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let mut reader = Reader { rest: text };
    let value = reader.value()?;
    reader.space();
    reader.rest.is_empty().then_some(value)
}

/// An object of these names and JSON texts.
pub(crate) fn object<'a>(entries: impl Iterator<Item = (String, &'a str)>) -> Option<String> {
    let entries = entries.map(|(name, text)| Some((name, canonical(text)?)));
    entries
        .collect::<Option<_>>()
        .map(|entries: Vec<_>| written(&entries))
}

fn written(entries: &[(String, String)]) -> String {
    let entries = entries
        .iter()
        .map(|(name, value)| format!("{name:?}: {value}"));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<String> {
        self.space();
        for (word, value) in [
            ("null", "null"),
            ("true", "true"),
            ("false", "false"),
            ("NaN", "NaN"),
            ("Infinity", "inf"),
            ("-Infinity", "-inf"),
        ] {
            if self.skip(word) {
                return Some(value.to_owned());
            }
        }
        match self.rest.chars().next()? {
            '"' => Some(format!("{:?}", self.string()?)),
            '[' => self.list(),
            '{' => self.map(),
            _ => self.number(),
        }
    }

    fn list(&mut self) -> Option<String> {
        self.expect("[")?;
        let mut values = Vec::new();
        self.space();
        while !self.skip("]") {
            if !values.is_empty() {
                self.expect(",")?;
            }
            values.push(self.value()?);
            self.space();
        }
        Some(format!("[{}]", values.join(", ")))
    }

    /// Of a name that stands there twice Python keeps the first place and the last value.
    fn map(&mut self) -> Option<String> {
        self.expect("{")?;
        let mut entries: Vec<(String, String)> = Vec::new();
        self.space();
        while !self.skip("}") {
            if !entries.is_empty() {
                self.expect(",")?;
                self.space();
            }
            let name = self.string()?;
            self.space();
            self.expect(":")?;
            let value = self.value()?;
            self.space();
            match entries.iter_mut().find(|(known, _)| *known == name) {
                Some(entry) => entry.1 = value,
                None => entries.push((name, value)),
            }
        }
        Some(written(&entries))
    }

    /// A lone surrogate becomes a character of the private plane of its number, of which no row has any.
    fn string(&mut self) -> Option<String> {
        self.expect("\"")?;
        let mut units = Vec::new();
        loop {
            let character = self.rest.chars().next()?;
            self.rest = &self.rest[character.len_utf8()..];
            match character {
                '"' => break,
                '\\' => units.push(self.escape()?),
                '\0'..='\x1f' => return None,
                _ => units.extend(character.encode_utf16(&mut [0; 2]).iter()),
            }
        }
        let characters = char::decode_utf16(units).map(|unit| {
            unit.unwrap_or_else(|lone| {
                char::from_u32(0x10_0000 + u32::from(lone.unpaired_surrogate())).unwrap()
            })
        });
        Some(characters.collect())
    }

    fn escape(&mut self) -> Option<u16> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        let character = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits = self.rest.get(..4)?;
                self.rest = &self.rest[4..];
                return u16::from_str_radix(digits, 16).ok();
            }
            _ => return None,
        };
        u16::try_from(u32::from(character)).ok()
    }

    /// Integers and floats are never equal here, though they are in Python: the one becomes the other nowhere.
    fn number(&mut self) -> Option<String> {
        let length = self
            .rest
            .find(|letter: char| !(letter.is_ascii_digit() || "+-.eE".contains(letter)))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(length);
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = digits.find(|letter: char| !letter.is_ascii_digit());
        let integer = &digits[..whole.unwrap_or(digits.len())];
        if integer.is_empty() || (integer.len() > 1 && integer.starts_with('0')) {
            return None;
        }
        self.rest = rest;
        if whole.is_none() {
            return Some(if digits == "0" { "0" } else { text }.to_owned());
        }
        // Rust reads `1.` and `1.e5`, JSON does not.
        if text.ends_with('.') || text.contains(".e") || text.contains(".E") {
            return None;
        }
        let number: f64 = text.parse().ok()?;
        Some(if number.is_finite() {
            format!("{number:?}f")
        } else {
            format!("{number}")
        })
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.skip(text).then_some(())
    }
}

#[test]
fn equal_values_are_equal_texts_and_others_are_not() {
    let same = |a, b| canonical(a).is_some() && canonical(a) == canonical(b);
    assert!(same(r#" {"a" : [1 , "\u0041"],"a":2} "#, r#"{"a":2}"#));
    assert!(same(r#""\ud83d\ude00\/""#, "\"\u{1F600}/\""));
    assert!(same("1e5", "100000.0") && same("-0", "0") && same("1e400", "1e401"));
    for (a, b) in [
        ("1", "1.0"),
        ("-0.0", "0.0"),
        ("NaN", "Infinity"),
        (r#""\ud800""#, r#""\ufffd""#),
        (r#""\ud800""#, r#""\udc00""#),
        (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
        ("1000000000000000000000", "1000000000000000000001"),
    ] {
        assert!(
            canonical(a).is_some() && canonical(b).is_some() && !same(a, b),
            "{a} {b}"
        );
    }
    for text in [
        "",
        "{",
        "01",
        "1.",
        ".5",
        "+1",
        "nan",
        "{}x",
        "[1,]",
        "[,1]",
        r#"{"a":1,}"#,
        "\"\n\"",
    ] {
        assert_eq!(canonical(text), None, "{text}");
    }
}
