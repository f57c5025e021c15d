//! The machine that runs a pickle, without the instructions that name or call anything.

use std::borrow::Cow;

use super::tree::{Id, Node, Tree, wtf8_length};
use super::{PickleError, integer, opcode as op};
use crate::session::data::{DataError, LONGEST_INTEGER, ascii};

/// Bytes of the greatest integer of as many digits as Python's JSON reader takes. A longer one has more digits, or bytes
/// that only repeat its sign, and Python writes none of those.
const LONGEST_LONG: usize = 1_786;

/// Values for which there is room from the start: a login makes nine.
const USUAL: usize = 16;

/// What a pickle makes. What stands behind its end is ignored, as by Python.
///
/// Time and memory grow with the length of the pickle: each instruction makes at most one value, and what a length
/// announces must be there.
pub(super) fn run(pickle: &[u8]) -> Result<Tree<'_>, PickleError> {
    let mut machine = Machine {
        bytes: pickle,
        at: 0,
        nodes: Vec::with_capacity(USUAL),
        stack: Vec::with_capacity(USUAL),
        marks: Vec::new(),
        memo: Vec::with_capacity(USUAL),
        memoized: 0,
    };
    loop {
        if let Some(root) = machine.step()? {
            return Ok(Tree::new(machine.nodes, root));
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// How high the stack was at each mark; what is below the last one is out of reach.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
    /// How many places of the memo are taken.
    memoized: usize,
}

impl<'a> Machine<'a> {
    /// Carries out one instruction; the last one names the root.
    fn step(&mut self) -> Result<Option<Id>, PickleError> {
        match self.byte()? {
            op::STOP => return self.pop().map(Some),
            op::PROTO => {
                if self.byte()? > 5 {
                    return Err(PickleError::Malformed);
                }
            }
            op::FRAME => {
                // Frames only help a reader of streams.
                if self.length::<8>()? > self.bytes.len() - self.at {
                    return Err(PickleError::Malformed);
                }
            }
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            op::POP_MARK => drop(self.since_mark()?),
            op::DUP => {
                let top = self.top()?;
                self.stack.push(top);
            }
            op::NONE => self.push(Node::None),
            op::NEWTRUE => self.push(Node::Bool(true)),
            op::NEWFALSE => self.push(Node::Bool(false)),
            op::BININT => {
                let integer = i32::from_le_bytes(self.array()?);
                self.push(Node::Int(integer.into()));
            }
            op::BININT1 => {
                let integer = self.byte()?;
                self.push(Node::Int(integer.into()));
            }
            op::BININT2 => {
                let integer = u16::from_le_bytes(self.array()?);
                self.push(Node::Int(integer.into()));
            }
            op::INT => match self.line()? {
                b"00" => self.push(Node::Bool(false)),
                b"01" => self.push(Node::Bool(true)),
                line => self.push_digits(line)?,
            },
            op::LONG => {
                let line = self.line()?;
                self.push_digits(line.strip_suffix(b"L").unwrap_or(line))?;
            }
            op::LONG1 => {
                let length = self.length::<1>()?;
                self.push_long(length)?;
            }
            op::LONG4 => {
                let length = self.length::<4>()?;
                self.push_long(length)?;
            }
            op::BINFLOAT => {
                let float = f64::from_be_bytes(self.array()?);
                self.push(Node::Float(float));
            }
            op::FLOAT => {
                let line = str::from_utf8(self.line()?).map_err(|_| PickleError::Malformed)?;
                let float = line.parse().map_err(|_| PickleError::Malformed)?;
                self.push(Node::Float(float));
            }
            op::UNICODE => {
                let text = raw_unicode(self.line()?)?;
                self.push(Node::Text(Cow::Owned(text)));
            }
            op::SHORT_BINUNICODE => {
                let length = self.length::<1>()?;
                self.push_text(length)?;
            }
            op::BINUNICODE => {
                let length = self.length::<4>()?;
                self.push_text(length)?;
            }
            op::BINUNICODE8 => {
                let length = self.length::<8>()?;
                self.push_text(length)?;
            }
            op::EMPTY_LIST => self.push(Node::List(Vec::new())),
            op::LIST => {
                let items = self.since_mark()?;
                self.push(Node::List(items));
            }
            op::APPEND => {
                let item = self.pop()?;
                self.list()?.push(item);
            }
            op::APPENDS => {
                let items = self.since_mark()?;
                self.list()?.extend(items);
            }
            op::EMPTY_TUPLE => self.push(Node::Tuple(Vec::new())),
            op::TUPLE => {
                let items = self.since_mark()?;
                self.push(Node::Tuple(items));
            }
            op::TUPLE1 => self.push_tuple(1)?,
            op::TUPLE2 => self.push_tuple(2)?,
            op::TUPLE3 => self.push_tuple(3)?,
            op::EMPTY_DICT => self.push(Node::Dict(Vec::new())),
            op::DICT => {
                let items = pairs(&self.since_mark()?)?;
                self.push(Node::Dict(items));
            }
            op::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.dict()?.push((key, value));
            }
            op::SETITEMS => {
                let items = pairs(&self.since_mark()?)?;
                self.dict()?.extend(items);
            }
            op::PUT => {
                let place = self.place()?;
                self.put(place)?;
            }
            op::BINPUT => {
                let place = self.length::<1>()?;
                self.put(place)?;
            }
            op::LONG_BINPUT => {
                let place = self.length::<4>()?;
                self.put(place)?;
            }
            op::MEMOIZE => self.put(self.memoized)?,
            op::GET => {
                let place = self.place()?;
                self.get(place)?;
            }
            op::BINGET => {
                let place = self.length::<1>()?;
                self.get(place)?;
            }
            op::LONG_BINGET => {
                let place = self.length::<4>()?;
                self.get(place)?;
            }
            // Whatever names, makes or calls an object, and what only such objects hold.
            _ => return Err(PickleError::Unsupported),
        }
        Ok(None)
    }

    fn push(&mut self, node: Node<'a>) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn push_tuple(&mut self, length: usize) -> Result<(), PickleError> {
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Node::Tuple(items));
        Ok(())
    }

    fn push_text(&mut self, length: usize) -> Result<(), PickleError> {
        let text = self.bytes(length)?;
        if wtf8_length(text) < text.len() {
            return Err(PickleError::Malformed);
        }
        self.push(Node::Text(Cow::Borrowed(text)));
        Ok(())
    }

    fn push_long(&mut self, length: usize) -> Result<(), PickleError> {
        let bytes = self.bytes(length)?;
        if length > LONGEST_LONG {
            return Err(PickleError::Data(DataError::LongInteger));
        }
        self.push_digits(integer::to_digits(bytes).as_bytes())
    }

    fn push_digits(&mut self, line: &[u8]) -> Result<(), PickleError> {
        let digits = line.strip_prefix(b"-").unwrap_or(line);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(PickleError::Malformed);
        }
        if digits.len() > LONGEST_INTEGER {
            return Err(PickleError::Data(DataError::LongInteger));
        }
        let text = str::from_utf8(line).map_err(|_| PickleError::Malformed)?;
        self.push(match text.parse() {
            Ok(integer) => Node::Int(integer),
            // In the form in which Python writes it, without zeros before it.
            Err(_) => Node::Long(integer::to_digits(&integer::to_bytes(text)).into()),
        });
        Ok(())
    }

    /// Takes what is on top of the stack.
    fn pop(&mut self) -> Result<Id, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn top(&self) -> Result<Id, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let above = self.stack.get(floor..).and_then(<[Id]>::last);
        above.copied().ok_or(PickleError::Malformed)
    }

    /// Takes what is above the last mark, and the mark.
    fn since_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let mark = self.marks.pop().ok_or(PickleError::Malformed)?;
        Ok(self.stack.split_off(mark))
    }

    fn list(&mut self) -> Result<&mut Vec<Id>, PickleError> {
        let top = self.top()?;
        match self.nodes.get_mut(top) {
            Some(Node::List(items)) => Ok(items),
            _ => Err(PickleError::Malformed),
        }
    }

    fn dict(&mut self) -> Result<&mut Vec<(Id, Id)>, PickleError> {
        let top = self.top()?;
        match self.nodes.get_mut(top) {
            Some(Node::Dict(pairs)) => Ok(pairs),
            _ => Err(PickleError::Malformed),
        }
    }

    /// Remembers what is on top of the stack.
    fn put(&mut self, place: usize) -> Result<(), PickleError> {
        let top = self.top()?;
        // Python counts places from 0, and what fills one takes a byte, so a greater number is nobody's.
        if place >= self.bytes.len() {
            return Err(PickleError::Malformed);
        }
        if place >= self.memo.len() {
            self.memo.resize(place + 1, None);
        }
        self.memoized += usize::from(self.memo[place].is_none());
        self.memo[place] = Some(top);
        Ok(())
    }

    fn get(&mut self, place: usize) -> Result<(), PickleError> {
        let known = self.memo.get(place).copied().flatten();
        self.stack.push(known.ok_or(PickleError::Malformed)?);
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| PickleError::Malformed)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let bytes = rest.get(..length).ok_or(PickleError::Malformed)?;
        self.at += length;
        Ok(bytes)
    }

    /// A length or a place of `N` bytes, the lowest first.
    fn length<const N: usize>(&mut self) -> Result<usize, PickleError> {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.array::<N>()?);
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| PickleError::Malformed)
    }

    /// What stands before the end of the line.
    fn line(&mut self) -> Result<&'a [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).ok_or(PickleError::Malformed)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn place(&mut self) -> Result<usize, PickleError> {
        let line = str::from_utf8(self.line()?).map_err(|_| PickleError::Malformed)?;
        line.parse().map_err(|_| PickleError::Malformed)
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, PickleError> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(PickleError::Malformed);
    }
    Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
}

/// Python's `raw-unicode-escape`: Latin-1, in which `\uXXXX` and `\UXXXXXXXX` are other characters.
fn raw_unicode(line: &[u8]) -> Result<Vec<u8>, PickleError> {
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let [first, after @ ..] = rest {
        let (point, after) = match (first, after) {
            (b'\\', [kind @ (b'u' | b'U'), after @ ..]) => {
                let length = if *kind == b'u' { 4 } else { 8 };
                let digits = after.get(..length).ok_or(PickleError::Malformed)?;
                let point = digits.iter().try_fold(0, |point, digit| {
                    Some(point * 16 + char::from(*digit).to_digit(16)?)
                });
                (point.ok_or(PickleError::Malformed)?, &after[length..])
            }
            // A pair: its second one begins nothing.
            (b'\\', [second, after @ ..]) => {
                text.push(b'\\');
                (u32::from(*second), after)
            }
            _ => (u32::from(*first), after),
        };
        rest = after;
        match char::from_u32(point) {
            Some(character) => text.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {
                let surrogate = u16::try_from(point).map_err(|_| PickleError::Malformed)?;
                text.extend(ascii::surrogate_bytes(surrogate));
            }
        }
    }
    Ok(text)
}
