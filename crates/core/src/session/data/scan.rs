//! One pass over JSON text: checks it as Python's reader does and finds the top-level names.

use std::ops::Range;

use super::{DataError, ascii};

/// Levels of nesting that we read and write. Python gives up at 994 (3.11) to 1,497 (3.12) of them.
pub(crate) const DEEPEST: usize = 900;
/// Digits of an integer that Python reads (`sys.int_info.default_max_str_digits`).
pub(crate) const LONGEST_INTEGER: usize = 4_300;

/// Checks the text of one value that is to stand at the top level of a session.
pub(crate) fn check_value(text: &str) -> Result<(), DataError> {
    let mut scanner = Scanner::new(text.as_bytes());
    scanner.value()?;
    scanner.end()
}

/// Without JSON's blanks around it: where a value stands in a session's text there are none.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// What stands between a string's quotes.
pub(super) struct Content {
    pub(super) range: Range<usize>,
    /// Every byte of it stands for itself.
    pub(super) literal: bool,
}

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads the whole text as one object and calls `found` with each name's content (without quotes) and with
    /// where its value stands.
    pub(super) fn object(
        mut self,
        mut found: impl FnMut(Content, Range<usize>),
    ) -> Result<(), DataError> {
        self.space();
        if self.peek() != Some(b'{') {
            self.value()?;
            self.end()?;
            return Err(DataError::NotAnObject);
        }
        self.at += 1;
        self.space();
        if !self.skip(b'}') {
            loop {
                let name = self.name()?;
                self.space();
                let start = self.at;
                self.value()?;
                found(name, start..self.at);
                self.space();
                if self.skip(b'}') {
                    break;
                }
                self.expect(b',')?;
                self.space();
            }
        }
        self.end()
    }

    /// One value, however deep, without recursion.
    fn value(&mut self) -> Result<(), DataError> {
        // What closes each container that is open; allocates only when there is one.
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.space();
            match self.peek().ok_or(DataError::Syntax)? {
                bracket @ (b'{' | b'[') => {
                    let close = bracket + 2;
                    // This one, those it is in, and the object that is the session.
                    if open.len() + 2 > DEEPEST {
                        return Err(DataError::TooDeep);
                    }
                    self.at += 1;
                    self.space();
                    if !self.skip(close) {
                        open.push(close);
                        if close == b'}' {
                            self.name()?;
                        }
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                b'-' | b'0'..=b'9' => self.number()?,
                _ => self.literal()?,
            }
            // A value has ended: so may the containers it is in.
            loop {
                let Some(close) = open.last().copied() else {
                    return Ok(());
                };
                self.space();
                if self.skip(close) {
                    open.pop();
                    continue;
                }
                self.expect(b',')?;
                if close == b'}' {
                    self.space();
                    self.name()?;
                }
                break;
            }
        }
    }

    /// A name and its colon.
    fn name(&mut self) -> Result<Content, DataError> {
        let name = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(name)
    }

    /// A string.
    fn string(&mut self) -> Result<Content, DataError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut literal = true;
        loop {
            self.at += ascii::literal_prefix(&self.bytes[self.at..]);
            match self.peek().ok_or(DataError::Syntax)? {
                b'"' => {
                    self.at += 1;
                    return Ok(Content {
                        range: start..self.at - 1,
                        literal,
                    });
                }
                b'\\' => {
                    literal = false;
                    let length = match self.bytes.get(self.at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') => 6,
                        _ => return Err(DataError::Syntax),
                    };
                    let digits = self
                        .bytes
                        .get(self.at + 2..self.at + length)
                        .ok_or(DataError::Syntax)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(DataError::Syntax);
                    }
                    self.at += length;
                }
                // Python escapes these and reads them as they are.
                0x7F.. => {
                    literal = false;
                    self.at += 1;
                }
                _ => return Err(DataError::Syntax),
            }
        }
    }

    fn number(&mut self) -> Result<(), DataError> {
        if self.skip(b'-') && self.peek() == Some(b'I') {
            return self.word(b"Infinity");
        }
        let start = self.at;
        if !self.skip(b'0') && self.digits() == 0 {
            return Err(DataError::Syntax);
        }
        let digits = self.at - start;
        let mut integer = true;
        if self.peek() == Some(b'.') && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit)
        {
            self.at += 1;
            self.digits();
            integer = false;
        }
        if let Some(b'e' | b'E') = self.peek() {
            let before = self.at;
            self.at += 1;
            let _ = self.skip(b'+') || self.skip(b'-');
            if self.digits() == 0 {
                self.at = before;
            } else {
                integer = false;
            }
        }
        if integer && digits > LONGEST_INTEGER {
            Err(DataError::LongInteger)
        } else {
            Ok(())
        }
    }

    fn literal(&mut self) -> Result<(), DataError> {
        match self.peek() {
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(b'N') => self.word(b"NaN"),
            Some(b'I') => self.word(b"Infinity"),
            _ => Err(DataError::Syntax),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), DataError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(DataError::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Skips digits; how many there were.
    fn digits(&mut self) -> usize {
        let count = self.bytes[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        count
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Result<(), DataError> {
        self.space();
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(DataError::Syntax)
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), DataError> {
        if self.skip(byte) {
            Ok(())
        } else {
            Err(DataError::Syntax)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<(), DataError> {
        Scanner::new(text.as_bytes()).object(|_, _| {})
    }

    #[test]
    fn what_python_reads_is_read() {
        for text in [
            "{}",
            " {\t} \r\n",
            r#"{"a":[],"b":{},"c":[[],[{}]]}"#,
            r#"{"":NaN,"a":Infinity,"b":-Infinity}"#,
            r#"{"a":-0,"b":0.5e-10,"c":1E+5,"d":-12.75}"#,
            r#"{"a":"\ud800\"\\\/\b\f\n\r\t","a":null}"#,
            "{\"a\":\"\u{7f}\"}",
        ] {
            assert_eq!(scan(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "{}x",
            "{}{}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":.5}"#,
            r#"{"a":+1}"#,
            r#"{"a":-}"#,
            r#"{"a":1e}"#,
            r#"{"a":tru}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":"\u12g4"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":"x}"#,
            "{a:1}",
            r#"{'a':1}"#,
            r#"{"a":[1}"#,
            r#"{"a":{"b":1]}"#,
            r#"{"a":nan}"#,
            r#"{"a":-NaN}"#,
            r#"{"a":1 2}"#,
            "{\"a\":1\u{c}}",
            r#"{"a":"\"#,
        ] {
            assert_eq!(scan(text), Err(DataError::Syntax), "{text}");
        }
        for text in ["[]", "1", "null", r#""text""#, "NaN"] {
            assert_eq!(scan(text), Err(DataError::NotAnObject), "{text}");
        }
    }

    #[test]
    fn depth_and_integers_are_bounded() {
        let deep = |levels: usize| {
            format!(
                r#"{{"a":{}{}}}"#,
                "[".repeat(levels - 1),
                "]".repeat(levels - 1)
            )
        };
        assert_eq!(scan(&deep(900)), Ok(()));
        assert_eq!(scan(&deep(901)), Err(DataError::TooDeep));
        assert_eq!(
            scan(&format!(r#"{{"a":{}"#, r#"{"a":"#.repeat(1_000_000))),
            Err(DataError::TooDeep)
        );
        assert_eq!(scan(&format!(r#"{{"a":-{}}}"#, "9".repeat(4300))), Ok(()));
        assert_eq!(
            scan(&format!(r#"{{"a":{}}}"#, "9".repeat(4301))),
            Err(DataError::LongInteger)
        );
        assert_eq!(scan(&format!(r#"{{"a":{}.5}}"#, "9".repeat(5000))), Ok(()));
    }
}
