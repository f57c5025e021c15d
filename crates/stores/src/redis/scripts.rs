//! The scripts that do each call at once, and how their answers are read.
//!
//! An answer is one text, which costs a third of what a list costs to read: the key, a line feed, which no key holds,
//! and what was done (`+`), or not (`-`), or what is there: `=`, when it ends, how long it has left, and the value.
//!
//! A script's name is the hash of its text; a server that does not know it is given the text.

use std::sync::{Arc, LazyLock};

use redis::{Cmd, Script, Value};

use super::error::Failure;

/// One run of a script on one key.
pub(super) struct Call<'a> {
    script: &'a Script,
    text: &'a str,
    key: &'a [u8],
    arguments: Vec<Argument<'a>>,
    repeatable: bool,
}

/// Bytes of a command beside its script, its key and what is long: it need not grow.
const ROOM: usize = 64;

pub(super) enum Argument<'a> {
    Bytes(&'a [u8]),
    Millis(i64),
}

impl<'a> Call<'a> {
    /// Reads only, so that it may be done twice.
    pub(super) fn reading(script: &'a Named, key: &'a [u8]) -> Self {
        Self {
            repeatable: true,
            ..Self::writing(script, key, Vec::new())
        }
    }

    pub(super) fn writing(script: &'a Named, key: &'a [u8], arguments: Vec<Argument<'a>>) -> Self {
        Self {
            script: &script.script,
            text: &script.text,
            key,
            arguments,
            repeatable: false,
        }
    }

    pub(super) const fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The command that names the script by its hash.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", self.script.get_hash())
    }

    /// The command that brings the script with it, after which the server knows it.
    pub(super) fn whole(&self) -> Cmd {
        self.command("EVAL", self.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let bytes = |argument: &Argument<'_>| match argument {
            Argument::Bytes(bytes) => bytes.len(),
            Argument::Millis(_) => 0,
        };
        let long: usize = self.arguments.iter().map(bytes).sum();
        let mut command = Cmd::with_capacity(
            self.arguments.len() + 4,
            script.len() + self.key.len() + long + ROOM,
        );
        command.arg(name).arg(script).arg(1).arg(self.key);
        for argument in &self.arguments {
            match argument {
                Argument::Bytes(bytes) => command.arg(*bytes),
                Argument::Millis(millis) => command.arg(*millis),
            };
        }
        command
    }

    /// What an answer says, which must be about this call's key.
    pub(super) fn read(&self, answer: Value) -> Result<Answer, Failure> {
        let Value::BulkString(answer) = answer.extract_error()? else {
            return Err(Failure::OutOfStep);
        };
        let said = answer.strip_prefix(self.key);
        let said = said.and_then(|rest| rest.strip_prefix(b"\n"));
        let said = match said {
            Some(b"+") => Some(Answer::Done),
            Some(b"-") => Some(Answer::Not),
            Some([b'=', found @ ..]) => Found::read(found).map(Answer::Found),
            _ => None,
        };
        said.ok_or(Failure::OutOfStep)
    }
}

/// What a script says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// There is nothing, or there is something where nothing should be.
    Not,
    Found(Found),
}

/// What is there under a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) value: Arc<[u8]>,
    /// Unix time in milliseconds; -1 if it never ends, -3 if the server cannot tell (before Redis 7).
    pub(super) at: i64,
    /// Milliseconds, where `at` is -3.
    pub(super) left: i64,
}

impl Found {
    fn read(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(3, |byte| *byte == b' ');
        let mut number = || str::from_utf8(parts.next()?).ok()?.parse().ok();
        let (at, left) = (number()?, number()?);
        let value = parts.next()?.into();
        Some(Self { value, at, left })
    }
}

pub(super) struct Named {
    text: String,
    script: Script,
}

impl Named {
    /// In the text `{find}`, `{done}`, `{not}` and `{found}` stand for what all scripts share.
    fn new(text: &str) -> Self {
        let shared = [
            ("{find}", FIND),
            ("{done}", DONE),
            ("{not}", NOT),
            ("{found}", FOUND),
        ];
        let text = shared
            .iter()
            .fold(text.to_owned(), |text, (name, lua)| text.replace(name, lua));
        Self {
            script: Script::new(&text),
            text,
        }
    }
}

/// What is there, unless that is a pickled None.
const FIND: &str = "\
local kept = redis.call('GET', KEYS[1])
if kept and string.sub(kept, -2) == 'N.' then kept = false end
local at, left = -3, -1
if kept then
  at = redis.pcall('PEXPIRETIME', KEYS[1])
  if type(at) == 'table' then at = -3; left = redis.call('PTTL', KEYS[1]) end
end";
const DONE: &str = "return KEYS[1] .. '\\n+'";
const NOT: &str = "return KEYS[1] .. '\\n-'";
const FOUND: &str = "return KEYS[1] .. string.format('\\n=%.0f %.0f ', at, left) .. kept";

/// Says what is there.
pub(super) static LOAD: LazyLock<Named> = LazyLock::new(|| {
    Named::new(
        "\
{find}
if not kept then {not} end
{found}",
    )
});

/// Not done if another has the key. Takes the value and when it ends.
pub(super) static CREATE: LazyLock<Named> = LazyLock::new(|| {
    Named::new(
        "\
if not redis.call('SET', KEYS[1], ARGV[1], 'NX') then {not} end
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
{done}",
    )
});

/// Not done if there is nothing; says what is there if that is not what was seen. Takes what was seen, now, when it is
/// to end, and the new value if that is another one.
pub(super) static REPLACE: LazyLock<Named> = LazyLock::new(|| {
    Named::new(
        "\
{find}
if not kept or (at >= 0 and at <= tonumber(ARGV[2])) then {not} end
if kept ~= ARGV[1] then {found} end
if ARGV[4] then redis.call('SET', KEYS[1], ARGV[4]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
{done}",
    )
});

/// The same answers. Takes now, and what was seen if only that is to go.
pub(super) static DELETE: LazyLock<Named> = LazyLock::new(|| {
    Named::new(
        "\
{find}
if not kept then {not} end
local ended = at >= 0 and at <= tonumber(ARGV[1])
if ARGV[2] and not ended and kept ~= ARGV[2] then {found} end
redis.call('DEL', KEYS[1])
if ARGV[2] and ended then {not} end
{done}",
    )
});

/// Says what is there; that it is done for a pickled None.
pub(super) static PEEK: LazyLock<Named> = LazyLock::new(|| {
    Named::new(
        "\
{find}
if kept then {found} end
if redis.call('EXISTS', KEYS[1]) == 1 then {done} end
{not}",
    )
});

/// Takes a pickled None and how long it is to stay.
pub(super) static BLOCK: LazyLock<Named> = LazyLock::new(|| {
    Named::new(
        "\
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
{done}",
    )
});

/// Takes the None that was put there, how long another is to stay if that is not there any more, the value that is
/// to take its place otherwise, and when that ends.
pub(super) static UNBLOCK: LazyLock<Named> = LazyLock::new(|| {
    Named::new(
        "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[3])
  redis.call('PEXPIREAT', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], '\\128\\4N.', 'PX', ARGV[2])
end
{done}",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    fn said(answer: &[u8]) -> Option<Answer> {
        let call = Call::reading(&LOAD, b"ours");
        call.read(Value::BulkString(answer.to_vec())).ok()
    }

    #[test]
    fn an_answer_says_what_is_there() {
        assert_eq!(said(b"ours\n+"), Some(Answer::Done));
        assert_eq!(said(b"ours\n-"), Some(Answer::Not));
        let found = |value: &[u8], at, left| {
            let value = value.into();
            Some(Answer::Found(Found { value, at, left }))
        };
        assert_eq!(
            said(b"ours\n=253402300799999 -1 \x80 \n."),
            found(b"\x80 \n.", 253_402_300_799_999, -1)
        );
        assert_eq!(said(b"ours\n=-3 60000 "), found(b"", -3, 60_000));
    }

    #[test]
    fn an_answer_that_names_another_key_or_is_none_of_ours_is_refused() {
        for answer in [
            &b"theirs\n+"[..],
            b"ours",
            b"",
            b"our\n+",
            b"ours+\n+",
            b"ours\n",
            b"ours\n++",
            b"ours\n1",
            b"ours\n=",
            b"ours\n=1 2",
            b"ours\n=1  x",
            b"ours\n=1 x y",
            b"ours\n=1e15 2 y",
        ] {
            assert_eq!(said(answer), None, "{}", answer.escape_ascii());
        }
        let call = Call::reading(&LOAD, b"ours");
        for answer in [
            Value::Array(vec![Value::BulkString(b"ours\n+".to_vec())]),
            Value::Array(Vec::new()),
            Value::Nil,
            Value::Int(1),
        ] {
            let read = call.read(answer);
            assert!(read.is_err_and(|failure| failure.breaks_the_connection()));
        }
    }
}
