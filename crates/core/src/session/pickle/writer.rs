//! JSON text to pickle, in one pass.

use super::tree::{Id, Node, Step, Tree};
use super::{PickleError, integer, machine, most_text, opcode as op};
use crate::session::data::{SessionData, ascii};

/// The pickle of a JSON object's text: a dict of what Python's JSON reader would make of it.
///
/// Protocol 4, which every Python that runs Django reads. There are no frames and nothing is memoized: both only
/// save time or room where objects are large or repeat.
pub(in crate::session) fn write(json: &str) -> Vec<u8> {
    let mut pickle = begin(json.len());
    push_json(json, &mut pickle);
    pickle.push(op::STOP);
    pickle
}

/// The same for data that were read from the pickle `before` and changed since: what is still the same at the top
/// is written as it was there, so that tuples, keys that are no text and such outlive us.
pub(in crate::session) fn write_over(before: &[u8], json: &str) -> Vec<u8> {
    try_over(before, json).unwrap_or_else(|_| write(json))
}

fn try_over(before: &[u8], json: &str) -> Result<Vec<u8>, PickleError> {
    let tree = machine::run(before)?;
    if tree.is_json() {
        return Ok(write(json));
    }
    let most = most_text(before);
    let known = tree.names()?;
    let data = SessionData::from_ascii(json).map_err(PickleError::Data)?;
    let mut pickle = begin(json.len());
    pickle.extend([op::EMPTY_DICT, op::MARK]);
    let mut text = String::new();
    for (name, raw) in data.raw_entries() {
        let Some((key, value)) = known.get(name) else {
            push_text(&ascii::to_wtf8(name), &mut pickle);
            push_json(raw, &mut pickle);
            continue;
        };
        push_leaf(tree.node(*key), &mut pickle);
        text.clear();
        tree.render(*value, most, &mut text)?;
        if text == raw {
            push_node(&tree, *value, &mut pickle)?;
        } else {
            push_json(raw, &mut pickle);
        }
    }
    pickle.extend([op::SETITEMS, op::STOP]);
    Ok(pickle)
}

/// A value out of another pickle.
fn push_node(tree: &Tree<'_>, value: Id, pickle: &mut Vec<u8>) -> Result<(), PickleError> {
    tree.walk(value, |step| {
        match step {
            Step::Leaf(node) | Step::Key(node) => push_leaf(node, pickle),
            Step::Open(Node::List(_)) => pickle.extend([op::EMPTY_LIST, op::MARK]),
            Step::Open(Node::Dict(_)) => pickle.extend([op::EMPTY_DICT, op::MARK]),
            Step::Open(_) => pickle.push(op::MARK),
            Step::Item { .. } => {}
            Step::Close(Node::List(_)) => pickle.push(op::APPENDS),
            Step::Close(Node::Dict(_)) => pickle.push(op::SETITEMS),
            Step::Close(_) => pickle.push(op::TUPLE),
        }
        Ok(())
    })
}

fn push_leaf(node: &Node<'_>, pickle: &mut Vec<u8>) {
    match node {
        Node::None => pickle.push(op::NONE),
        Node::Bool(true) => pickle.push(op::NEWTRUE),
        Node::Bool(false) => pickle.push(op::NEWFALSE),
        Node::Int(integer) => match i32::try_from(*integer) {
            Ok(small) => push_small(small, pickle),
            Err(_) => push_long(&integer::to_bytes(&integer.to_string()), pickle),
        },
        Node::Long(digits) => push_long(&integer::to_bytes(digits), pickle),
        Node::Float(float) => push_float(*float, pickle),
        Node::Text(text) => push_text(text, pickle),
        Node::List(_) | Node::Tuple(_) | Node::Dict(_) => {}
    }
}

/// A pickle's head, with room for a text of `length`.
fn begin(length: usize) -> Vec<u8> {
    let mut pickle = Vec::with_capacity(length + length / 4 + 8);
    pickle.extend([op::PROTO, 4]);
    pickle
}

/// Any JSON text, which the caller has checked. Each of its tokens has an opcode, so there is nothing to remember
/// but where the last container began.
fn push_json(json: &str, pickle: &mut Vec<u8>) {
    let mut rest = json;
    let mut opened = 0;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'{' | b'[' => {
                let kind = if first == b'{' {
                    op::EMPTY_DICT
                } else {
                    op::EMPTY_LIST
                };
                pickle.extend([kind, op::MARK]);
                opened = pickle.len();
                1
            }
            b'}' | b']' => {
                if opened == pickle.len() {
                    // Nothing stands in it, so there is nothing to put into it.
                    pickle.pop();
                    opened = 0;
                } else {
                    pickle.push(if first == b'}' {
                        op::SETITEMS
                    } else {
                        op::APPENDS
                    });
                }
                1
            }
            b'"' => {
                let length = ascii::string_length(rest);
                let content = rest.get(1..length - 1).unwrap_or_default();
                push_text(&ascii::to_wtf8(content), pickle);
                length
            }
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => 1,
            _ => {
                let length = rest
                    .find([',', ']', '}', ' ', '\t', '\n', '\r'])
                    .unwrap_or(rest.len());
                // What is no JSON begins with such a character at worst.
                let length = length.max(rest.chars().next().map_or(1, char::len_utf8));
                push_scalar(&rest[..length], pickle);
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// A number or one of JSON's words.
fn push_scalar(token: &str, pickle: &mut Vec<u8>) {
    match token {
        "null" => pickle.push(op::NONE),
        "true" => pickle.push(op::NEWTRUE),
        "false" => pickle.push(op::NEWFALSE),
        "NaN" => push_float(f64::NAN, pickle),
        "Infinity" => push_float(f64::INFINITY, pickle),
        "-Infinity" => push_float(f64::NEG_INFINITY, pickle),
        number if number.contains(['.', 'e', 'E']) => {
            // Rust reads what JSON writes, and as Python does: to the nearest number, or infinity.
            push_float(number.parse().unwrap_or(f64::NAN), pickle);
        }
        integer => match integer.parse::<i32>() {
            Ok(integer) => push_small(integer, pickle),
            Err(_) => push_long(&integer::to_bytes(integer), pickle),
        },
    }
}

/// An integer in the shortest form that pickle has for it.
fn push_small(integer: i32, pickle: &mut Vec<u8>) {
    let bytes = integer.to_le_bytes();
    match bytes {
        [low, 0, 0, 0] => pickle.extend([op::BININT1, low]),
        [low, high, 0, 0] => pickle.extend([op::BININT2, low, high]),
        _ => {
            pickle.push(op::BININT);
            pickle.extend(bytes);
        }
    }
}

fn push_long(bytes: &[u8], pickle: &mut Vec<u8>) {
    if let Ok(length) = u8::try_from(bytes.len()) {
        pickle.extend([op::LONG1, length]);
    } else {
        pickle.push(op::LONG4);
        // Four bytes hold the length of any integer that JSON may have here.
        pickle.extend(u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
    }
    pickle.extend(bytes);
}

fn push_float(float: f64, pickle: &mut Vec<u8>) {
    pickle.push(op::BINFLOAT);
    pickle.extend(float.to_be_bytes());
}

/// A string, in UTF-8 but for lone surrogates.
fn push_text(text: &[u8], pickle: &mut Vec<u8>) {
    if let Ok(length) = u8::try_from(text.len()) {
        pickle.extend([op::SHORT_BINUNICODE, length]);
    } else if let Ok(length) = u32::try_from(text.len()) {
        pickle.push(op::BINUNICODE);
        pickle.extend(length.to_le_bytes());
    } else {
        pickle.push(op::BINUNICODE8);
        pickle.extend((text.len() as u64).to_le_bytes());
    }
    pickle.extend(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes between a pickle's head and its end.
    fn written(json: &str) -> Vec<u8> {
        let pickle = write(json);
        let inner = pickle.strip_prefix(b"\x80\x04").unwrap();
        inner.strip_suffix(b".").unwrap().to_vec()
    }

    #[test]
    fn each_token_has_its_opcode() {
        let rows: [(&str, &[u8]); 15] = [
            ("{}", b"}"),
            (" { } ", b"}"),
            (r#"{"a":[]}"#, b"}(\x8c\x01a]u"),
            (r#"{"a":{},"b":[[]]}"#, b"}(\x8c\x01a}\x8c\x01b](]eu"),
            (
                r#"{"a":[1,255,256]}"#,
                b"}(\x8c\x01a](K\x01K\xffM\x00\x01eu",
            ),
            ("[[],null,{},[null]]", b"](]N}](Nee"),
            (r#"[65536,-1]"#, b"](J\0\0\x01\0J\xff\xff\xff\xffe"),
            ("[2147483648]", b"](\x8a\x05\0\0\0\x80\0e"),
            ("[null,true,false]", b"](N\x88\x89e"),
            ("[1.5]", b"](G\x3f\xf8\0\0\0\0\0\0e"),
            (
                "[-Infinity,1e999]",
                b"](G\xff\xf0\0\0\0\0\0\0G\x7f\xf0\0\0\0\0\0\0e",
            ),
            (
                r#"["\u00e9\ud83d\ude00\ud800"]"#,
                b"](\x8c\x09\xc3\xa9\xf0\x9f\x98\x80\xed\xa0\x80e",
            ),
            (r#"["a\"]{,"]"#, b"](\x8c\x05a\"]{,e"),
            // Python's JSON reader takes it, and its writer escapes it.
            ("[\"a\x7fb\",1]", b"](\x8c\x03a\x7fbK\x01e"),
            ("[-0,-0.0]", b"](K\x00G\x80\0\0\0\0\0\0\0e"),
        ];
        for (json, bytes) in rows {
            assert_eq!(
                written(json).escape_ascii().to_string(),
                bytes.escape_ascii().to_string(),
                "{json}"
            );
        }
    }

    #[test]
    fn long_strings_and_integers_say_how_long_they_are() {
        let text = "x".repeat(256);
        let pickle = written(&format!("[\"{text}\"]"));
        assert!(pickle.starts_with(b"](X\0\x01\0\0xxx"));
        let digits = "9".repeat(1000);
        let pickle = written(&format!("[{digits}]"));
        assert!(pickle.starts_with(b"](\x8b\xa0\x01\0\0"));
    }

    #[test]
    fn what_is_no_json_does_no_harm() {
        for text in [
            "\"",
            "{\"a",
            "é",
            "[é\"",
            "\"\\",
            "\"\\u12",
            "-",
            "--1",
            "]]",
            "'é'\u{1f9e5}",
            "éééééé",
        ] {
            assert!(write(text).ends_with(b"."), "{text}");
        }
    }
}
