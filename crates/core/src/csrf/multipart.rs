//! The token's field in a `multipart/form-data` body, found while the body goes by.

mod boundary;
mod delimiter;
mod parameters;
mod part;

use std::fmt;

use memchr::memmem;

pub use boundary::MultipartBoundary;

use super::form::{FormFault, LONGEST_NEXT, LONGEST_TOKEN};
use delimiter::Delimiter;
use part::Part;

/// The bytes that the headers of one part may have, with the line break before them and the empty line behind:
/// Django's `MAX_TOTAL_HEADER_SIZE`.
const MAX_TOTAL_HEADER_SIZE: usize = 1024;

/// Line breaks behind the last delimiter: some clients write one or two.
const LONGEST_EPILOGUE: usize = 4;

/// Reads a body for its token, piece by piece and every byte once.
///
/// What it takes for the token is what every Django from 4.2 to 6.1 takes for it. Those disagree about odd forms, and
/// so does whoever parses the body behind us. So a form is [malformed](FormFault::Malformed) as soon as two of them could
/// read it differently: headers that are not plain, lines that end in LF alone, parts without a name, a
/// `Content-Transfer-Encoding` that changes bytes, text around the form. What browsers, curl and the usual
/// libraries send is none of that.
///
/// How many parts there are, and how large, is the business of whoever reads them; some 2 kB are kept here.
///
/// ```
/// use cloakroom_core::csrf::{MultipartBoundary, MultipartScan};
///
/// let boundary = MultipartBoundary::from_content_type(b"multipart/form-data; boundary=x").unwrap();
/// let mut scan = MultipartScan::new(&boundary);
/// for piece in ["--x\r\nContent-Disposition: form-data; name=\"csrfmidd", "lewaretoken\"\r\n\r\nabc\r\n--", "x--\r\n"] {
///     scan.push(piece.as_bytes())?;
/// }
/// assert_eq!(scan.token(), Some("abc"));
/// # Ok::<(), cloakroom_core::csrf::FormFault>(())
/// ```
#[derive(Clone)]
pub struct MultipartScan {
    place: Place,
    delimiter: Delimiter,
    /// What was read of something short that is judged as a whole.
    short: Vec<u8>,
    /// The beginning of a field's content, if the field is one of ours.
    value: Vec<u8>,
    /// How much was read of the content, with what may turn out to be the delimiter.
    length: u64,
    token: Option<String>,
    next: Option<String>,
    fault: Option<FormFault>,
}

#[derive(Clone, Copy)]
enum Place {
    /// Before the first delimiter, where nothing may stand but a line break.
    Preamble,
    /// Directly behind a delimiter: a line break, or the two hyphens of the last one.
    AfterDelimiter,
    Headers,
    Content(Part),
    Epilogue,
}

impl MultipartScan {
    /// At the beginning of a body.
    #[must_use]
    pub fn new(boundary: &MultipartBoundary) -> Self {
        let mut delimiter = Delimiter::new(boundary.as_str());
        // The first delimiter may be the body's first byte.
        delimiter.begin(*b"\r\n");
        Self {
            place: Place::Preamble,
            delimiter,
            short: Vec::new(),
            value: Vec::new(),
            length: 0,
            token: None,
            next: None,
            fault: None,
        }
    }

    /// Goes on with the next bytes of the body.
    ///
    /// # Errors
    /// The form is malformed, or has a second token. It stays so, whatever comes; a token that was found before is
    /// still known.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FormFault> {
        let mut rest = bytes;
        while self.fault.is_none() && !rest.is_empty() {
            match self.step(rest) {
                Ok(used) => rest = &rest[used..],
                Err(fault) => self.fault = Some(fault),
            }
        }
        self.fault.map_or(Ok(()), Err)
    }

    /// The token's field, once its end has been seen: without the end, nobody knows that the value is whole.
    ///
    /// Of a value that is longer than any token there is only the beginning, which is too long as well.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The last field `next` so far, unless it is longer than 2048 bytes.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// What is wrong with the form, as far as it was read.
    #[must_use]
    pub fn fault(&self) -> Option<FormFault> {
        self.fault
    }

    /// Whether the last delimiter has been seen, so that no field comes any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.place, Place::Epilogue)
    }

    /// Reads at least one of these bytes; returns how many.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, FormFault> {
        match self.place {
            Place::Preamble => self.read_preamble(bytes),
            Place::AfterDelimiter => self.read_after_delimiter(bytes),
            Place::Headers => self.read_headers(bytes),
            Place::Content(part) => self.read_content(bytes, part),
            Place::Epilogue => self.read_epilogue(bytes),
        }
    }

    fn read_preamble(&mut self, bytes: &[u8]) -> Result<usize, FormFault> {
        let longest = self.delimiter.length() + 2;
        let bytes = &bytes[..bytes.len().min(longest)];
        let (used, end) = self.seek(bytes)?;
        match end {
            Some(0 | 2) => {
                self.end_content();
                Ok(used)
            }
            None if self.length < longest as u64 => Ok(used),
            _ => Err(FormFault::Malformed),
        }
    }

    fn read_after_delimiter(&mut self, bytes: &[u8]) -> Result<usize, FormFault> {
        self.short.push(bytes[0]);
        match self.short.as_slice() {
            [_] => {}
            // The line break counts to the headers, so that two of them in a row are their end.
            b"\r\n" => self.place = Place::Headers,
            b"--" => {
                self.short.clear();
                self.place = Place::Epilogue;
            }
            _ => return Err(FormFault::Malformed),
        }
        Ok(1)
    }

    fn read_headers(&mut self, bytes: &[u8]) -> Result<usize, FormFault> {
        let before = self.short.len();
        let taken = bytes
            .len()
            .min(MAX_TOTAL_HEADER_SIZE.saturating_sub(before));
        self.short.extend_from_slice(&bytes[..taken]);
        let from = before.saturating_sub(3);
        let Some(end) = memmem::find(&self.short[from..], b"\r\n\r\n").map(|end| end + from) else {
            if self.short.len() == MAX_TOTAL_HEADER_SIZE {
                return Err(FormFault::Malformed);
            }
            return Ok(taken);
        };
        let headers = &self.short[..end];
        // Others look for the delimiter first, and for the headers then.
        if self.delimiter.is_in(headers) {
            return Err(FormFault::Malformed);
        }
        let part = Part::read(headers).ok_or(FormFault::Malformed)?;
        if part == Part::Token && self.token.is_some() {
            return Err(FormFault::SecondToken);
        }
        self.place = Place::Content(part);
        self.delimiter.begin([0; 2]);
        self.value.clear();
        self.length = 0;
        Ok(end + 4 - before)
    }

    fn read_content(&mut self, bytes: &[u8], part: Part) -> Result<usize, FormFault> {
        let (used, end) = self.seek(bytes)?;
        let longest = match part {
            Part::Token => LONGEST_TOKEN,
            Part::Next => LONGEST_NEXT,
            Part::Other => {
                if end.is_some() {
                    self.end_content();
                }
                return Ok(used);
            }
        };
        // One byte more tells what is too long.
        let kept = longest + 1;
        let room = kept.saturating_sub(self.value.len());
        self.value.extend_from_slice(&bytes[..used.min(room)]);
        if let Some(end) = end {
            // The line break before the delimiter belongs to it.
            let length = usize::try_from(end - 2).unwrap_or(usize::MAX);
            self.value.truncate(length);
            let value = String::from_utf8_lossy(&self.value).into_owned();
            match part {
                Part::Token => self.token = Some(value),
                Part::Next => self.next = (length <= longest).then_some(value),
                Part::Other => {}
            }
            self.end_content();
        }
        Ok(used)
    }

    /// Looks for the delimiter: how many bytes are used, and what stands before it, if it was found.
    fn seek(&mut self, bytes: &[u8]) -> Result<(usize, Option<u64>), FormFault> {
        let found = self.delimiter.find(bytes);
        let used = found.as_ref().map_or(bytes.len(), |found| found.end);
        self.length += used as u64;
        match found {
            None => Ok((used, None)),
            Some(found) if found.begins_a_line => {
                let before = self.length - self.delimiter.length() as u64;
                Ok((used, Some(before)))
            }
            // In the middle of a line it ends the part for some parsers and not for others.
            Some(_) => Err(FormFault::Malformed),
        }
    }

    fn end_content(&mut self) {
        self.short.clear();
        self.place = Place::AfterDelimiter;
    }

    fn read_epilogue(&mut self, bytes: &[u8]) -> Result<usize, FormFault> {
        self.short.push(bytes[0]);
        let blank = matches!(bytes[0], b'\r' | b'\n');
        if !blank || self.short.len() > LONGEST_EPILOGUE {
            return Err(FormFault::Malformed);
        }
        Ok(1)
    }

    #[cfg(test)]
    fn steps(&self) -> usize {
        self.delimiter.steps
    }
}

impl fmt::Debug for MultipartScan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MultipartScan")
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
