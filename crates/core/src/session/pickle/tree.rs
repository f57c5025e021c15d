//! What a pickle makes, and the JSON text of it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::PickleError;
use crate::session::data::{DEEPEST, DataError, ascii};

/// A value's number in its tree.
pub(super) type Id = usize;

/// Values that hold each other. It is no tree to the letter: one may stand in many places, and even in itself.
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
}

pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// The digits of an integer beyond 64 bits.
    Long(Box<str>),
    Float(f64),
    /// In UTF-8 but for lone surrogates.
    Text(Cow<'a, [u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
}

/// One step of a walk through a value.
pub(super) enum Step<'t, 'a> {
    /// A value that holds no others.
    Leaf(&'t Node<'a>),
    /// A list, tuple or dict begins.
    Open(&'t Node<'a>),
    /// Another item of it begins; `first` if it is its first.
    Item { first: bool },
    /// A dict's key; its value is the next step.
    Key(&'t Node<'a>),
    /// The list, tuple or dict ends.
    Close(&'t Node<'a>),
}

impl<'a> Tree<'a> {
    pub(super) const fn new(nodes: Vec<Node<'a>>, root: Id) -> Self {
        Self { nodes, root }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self.nodes[self.root], Node::None)
    }

    /// True if its JSON text says all of it: no tuples, no keys but texts, no halves of a character side by side.
    pub(super) fn is_json(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Tuple(_) => false,
            Node::Dict(pairs) => pairs.iter().all(|(key, _)| self.is_text(*key)),
            Node::Text(text) => str::from_utf8(text).is_ok(),
            _ => true,
        })
    }

    /// The session's JSON text, of at most `most` bytes.
    pub(super) fn session_text(&self, most: usize) -> Result<String, PickleError> {
        let pairs = self.pairs()?;
        let mut text = String::with_capacity(USUAL);
        self.render(self.root, most, &mut text)?;
        // The text is not too long, so neither are the names.
        if !pairs.iter().all(|(key, _)| self.is_text(*key)) {
            self.names()?;
        }
        Ok(text)
    }

    /// The session's names in their escaped form, with the key and the value that each stands for. Takes as long as
    /// its text would: who asks has bounded that.
    pub(super) fn names(&self) -> Result<HashMap<String, (Id, Id)>, PickleError> {
        let mut names: HashMap<String, (Id, Id)> = HashMap::new();
        for (key, value) in self.pairs()? {
            let mut name = String::new();
            push_name(self.node(*key), &mut name)?;
            let (first, known) = names.entry(name).or_insert((*key, *value));
            if !same_kind(self.node(*first), self.node(*key)) {
                return Err(PickleError::SameName);
            }
            *known = *value;
        }
        Ok(names)
    }

    fn pairs(&self) -> Result<&[(Id, Id)], PickleError> {
        match self.node(self.root) {
            Node::Dict(pairs) => Ok(pairs),
            _ => Err(PickleError::NotADict),
        }
    }

    fn is_text(&self, id: Id) -> bool {
        matches!(self.node(id), Node::Text(_))
    }

    /// Adds a value's JSON text, as Python's `json.dumps` writes it without blanks. It fails once `text` is longer
    /// than `most`.
    pub(super) fn render(
        &self,
        value: Id,
        most: usize,
        text: &mut String,
    ) -> Result<(), PickleError> {
        self.walk(value, |step| {
            match step {
                Step::Leaf(node) => push_leaf(node, text),
                Step::Open(Node::Dict(_)) => text.push('{'),
                Step::Open(_) => text.push('['),
                Step::Item { first } => text.push_str(if first { "" } else { "," }),
                Step::Key(key) => {
                    text.push('"');
                    push_name(key, text)?;
                    text.push_str("\":");
                }
                Step::Close(Node::Dict(_)) => text.push('}'),
                Step::Close(_) => text.push(']'),
            }
            if text.len() > most {
                return Err(PickleError::TooLong);
            }
            Ok(())
        })
    }

    /// Shows a value to `visit` step by step, without recursion and no deeper than a session may be.
    pub(super) fn walk(
        &self,
        value: Id,
        mut visit: impl FnMut(Step<'_, 'a>) -> Result<(), PickleError>,
    ) -> Result<(), PickleError> {
        // The containers that are open, each with how many of its items are done.
        let mut open: Vec<(&Node<'a>, usize)> = Vec::new();
        let mut next = Some(value);
        loop {
            if let Some(node) = next.take().map(|id| &self.nodes[id]) {
                if let Node::List(_) | Node::Tuple(_) | Node::Dict(_) = node {
                    if open.len() == DEEPEST {
                        return Err(PickleError::Data(DataError::TooDeep));
                    }
                    visit(Step::Open(node))?;
                    open.push((node, 0));
                } else {
                    visit(Step::Leaf(node))?;
                }
            }
            let Some((node, done)) = open.last_mut() else {
                return Ok(());
            };
            let (key, item) = match node {
                Node::List(items) | Node::Tuple(items) => (None, items.get(*done).copied()),
                Node::Dict(pairs) => pairs
                    .get(*done)
                    .map_or((None, None), |(key, value)| (Some(*key), Some(*value))),
                _ => (None, None),
            };
            if item.is_none() {
                visit(Step::Close(node))?;
                open.pop();
                continue;
            }
            visit(Step::Item { first: *done == 0 })?;
            if let Some(key) = key {
                visit(Step::Key(&self.nodes[key]))?;
            }
            *done += 1;
            next = item;
        }
    }

    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id]
    }
}

/// How many of these bytes, from the first, are UTF-8 with or without lone surrogates.
pub(super) fn wtf8_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = &bytes[length..];
        match str::from_utf8(rest) {
            Ok(_) => return bytes.len(),
            Err(error) => {
                length += error.valid_up_to();
                match bytes[length..] {
                    [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => length += 3,
                    _ => return length,
                }
            }
        }
    }
}

fn push_leaf(node: &Node<'_>, text: &mut String) {
    match node {
        Node::None => text.push_str("null"),
        Node::Bool(true) => text.push_str("true"),
        Node::Bool(false) => text.push_str("false"),
        Node::Int(integer) => text.push_str(&integer.to_string()),
        Node::Long(digits) => text.push_str(digits),
        Node::Float(float) => text.push_str(&ascii::float_text(*float)),
        Node::Text(content) => {
            text.push('"');
            ascii::push_wtf8(content, text);
            text.push('"');
        }
        Node::List(_) | Node::Tuple(_) | Node::Dict(_) => {}
    }
}

/// A dict's key as a name, as Python's JSON writer turns it into one.
fn push_name(key: &Node<'_>, text: &mut String) -> Result<(), PickleError> {
    match key {
        Node::Text(content) => ascii::push_wtf8(content, text),
        Node::List(_) | Node::Tuple(_) | Node::Dict(_) => return Err(PickleError::Unsupported),
        leaf => push_leaf(leaf, text),
    }
    Ok(())
}

/// Whether two keys of one name are one key to Python.
fn same_kind(one: &Node<'_>, other: &Node<'_>) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Room for most sessions' texts, so that they need not grow.
const USUAL: usize = 512;
