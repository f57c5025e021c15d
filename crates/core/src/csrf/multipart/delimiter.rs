//! Where the parts of a form end, in a body that comes in pieces of any size.

use memchr::memmem::Finder;

/// Looks for `--` and the boundary, wherever in a line they stand, and says whether a line begins there.
///
/// Inside a piece `memchr` searches. What may be the beginning of a delimiter at a piece's end is followed byte by byte
/// by the rule of Knuth, Morris and Pratt, so that no byte is looked at again, however small the pieces.
#[derive(Clone)]
pub(super) struct Delimiter {
    finder: Finder<'static>,
    /// For each length of a beginning that matched: that of the longest shorter one that it ends in.
    fallbacks: Box<[usize]>,
    /// How much of the delimiter the bytes so far end in.
    matched: usize,
    /// A line break stands directly before what matched.
    begins_a_line: bool,
    /// The last two bytes before this piece.
    before: [u8; 2],
    /// Bytes searched or compared.
    #[cfg(test)]
    pub(super) steps: usize,
}

/// A delimiter in a piece.
pub(super) struct Found {
    /// Where it ends.
    pub(super) end: usize,
    /// It stands directly behind a line break.
    pub(super) begins_a_line: bool,
}

impl Delimiter {
    /// Of a boundary in which no line break is.
    pub(super) fn new(boundary: &str) -> Self {
        let text = ["--", boundary].concat().into_bytes();
        let mut fallbacks = vec![0; text.len()];
        let mut matched = 0;
        for at in 1..text.len() {
            while matched > 0 && text[at] != text[matched] {
                matched = fallbacks[matched - 1];
            }
            if text[at] == text[matched] {
                matched += 1;
            }
            fallbacks[at] = matched;
        }
        Self {
            finder: Finder::new(&text).into_owned(),
            fallbacks: fallbacks.into(),
            matched: 0,
            begins_a_line: false,
            before: [0; 2],
            #[cfg(test)]
            steps: 0,
        }
    }

    pub(super) fn length(&self) -> usize {
        self.fallbacks.len()
    }

    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.finder.find(bytes).is_some()
    }

    /// Begins a new search. `before` are the two bytes that count as those before the first.
    pub(super) fn begin(&mut self, before: [u8; 2]) {
        self.matched = 0;
        self.before = before;
    }

    /// The first delimiter that ends in this piece. After it the search begins anew.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<Found> {
        let mut at = 0;
        while at < bytes.len() && self.matched > 0 {
            self.follow(bytes, at);
            at += 1;
            if self.matched == self.length() {
                return Some(Found {
                    end: at,
                    begins_a_line: self.begins_a_line,
                });
            }
        }
        #[cfg(test)]
        {
            self.steps += bytes[at..].len();
        }
        if let Some(start) = self.finder.find(&bytes[at..]) {
            let start = at + start;
            return Some(Found {
                end: start + self.length(),
                begins_a_line: self.is_line_break_before(bytes, start),
            });
        }
        // A delimiter that begins earlier would have been found.
        let tail = bytes.len().saturating_sub(self.length());
        for at in at.max(tail)..bytes.len() {
            self.follow(bytes, at);
        }
        self.before = self.two_before(bytes, bytes.len());
        None
    }

    /// Takes one more byte to what has matched.
    fn follow(&mut self, bytes: &[u8], at: usize) {
        let text = self.finder.needle();
        let mut matched = self.matched;
        let mut begins_a_line = self.begins_a_line;
        #[cfg(test)]
        {
            self.steps += 1;
        }
        while matched > 0 && text[matched] != bytes[at] {
            matched = self.fallbacks[matched - 1];
            // What stands before a shorter match is a part of the delimiter, and no line break.
            begins_a_line = false;
            #[cfg(test)]
            {
                self.steps += 1;
            }
        }
        if text[matched] == bytes[at] {
            if matched == 0 {
                begins_a_line = self.is_line_break_before(bytes, at);
            }
            matched += 1;
        }
        self.matched = matched;
        self.begins_a_line = begins_a_line;
    }

    fn is_line_break_before(&self, bytes: &[u8], at: usize) -> bool {
        self.two_before(bytes, at) == *b"\r\n"
    }

    fn two_before(&self, bytes: &[u8], at: usize) -> [u8; 2] {
        match at {
            0 => self.before,
            1 => [self.before[1], bytes[0]],
            _ => [bytes[at - 2], bytes[at - 1]],
        }
    }
}
