//! The scripts that do each call at once, and how their answers are read.
//!
//! A script's name is the hash of its text; a server that does not know it is given the text.

use std::sync::LazyLock;

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

    /// What stands behind the key in an answer, which must be this call's key.
    pub(super) fn read(&self, answer: Value) -> Result<Vec<Value>, Failure> {
        match answer.extract_error()? {
            Value::Array(mut parts) if !parts.is_empty() => match parts.remove(0) {
                Value::BulkString(key) if key == self.key => Ok(parts),
                _ => Err(Failure::OutOfStep),
            },
            _ => Err(Failure::OutOfStep),
        }
    }
}

pub(super) struct Named {
    text: String,
    script: Script,
}

impl Named {
    fn new(parts: &[&str]) -> Self {
        let text = parts.concat();
        Self {
            script: Script::new(&text),
            text,
        }
    }
}

/// The value that is there, unless it is a pickled None, and when it ends: `at` is -1 for never, -3 from a server
/// that cannot tell (before Redis 7), and then `left` counts.
const FIND: &str = "\
local kept = redis.call('GET', KEYS[1])
if kept and string.sub(kept, -2) == 'N.' then kept = false end
local at, left = -3, -1
if kept then
  at = redis.pcall('PEXPIRETIME', KEYS[1])
  if type(at) == 'table' then at = -3; left = redis.call('PTTL', KEYS[1]) end
end
";

/// `{key}`, or `{key, value, at, left}`.
pub(super) static LOAD: LazyLock<Named> = LazyLock::new(|| {
    Named::new(&[
        FIND,
        "if not kept then return {KEYS[1]} end
return {KEYS[1], kept, at, left}",
    ])
});

/// `{key, 1}`, or `{key, 0}` if another has the key. Takes the value and when it ends.
pub(super) static CREATE: LazyLock<Named> = LazyLock::new(|| {
    Named::new(&["\
if not redis.call('SET', KEYS[1], ARGV[1], 'NX') then return {KEYS[1], 0} end
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return {KEYS[1], 1}"])
});

/// `{key, 1}` if it is done, `{key, 0}` if there is nothing, `{key, value, at, left}` if there is something else.
/// Takes what was seen, now, when it is to end, and the new value if that is another one.
pub(super) static REPLACE: LazyLock<Named> = LazyLock::new(|| {
    Named::new(&[
        FIND,
        "if not kept or (at >= 0 and at <= tonumber(ARGV[2])) then return {KEYS[1], 0} end
if kept ~= ARGV[1] then return {KEYS[1], kept, at, left} end
if ARGV[4] then redis.call('SET', KEYS[1], ARGV[4]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return {KEYS[1], 1}",
    ])
});

/// The same answers. Takes now, and what was seen if only that is to go.
pub(super) static DELETE: LazyLock<Named> = LazyLock::new(|| {
    Named::new(&[
        FIND,
        "if not kept then return {KEYS[1], 0} end
local ended = at >= 0 and at <= tonumber(ARGV[1])
if ARGV[2] and not ended and kept ~= ARGV[2] then return {KEYS[1], kept, at, left} end
redis.call('DEL', KEYS[1])
if ARGV[2] and ended then return {KEYS[1], 0} end
return {KEYS[1], 1}",
    ])
});

/// `{key, value, at, left}` as above, `{key, 1}` for a pickled None, `{key}` for nothing.
pub(super) static PEEK: LazyLock<Named> = LazyLock::new(|| {
    Named::new(&[
        FIND,
        "if kept then return {KEYS[1], kept, at, left} end
if redis.call('EXISTS', KEYS[1]) == 1 then return {KEYS[1], 1} end
return {KEYS[1]}",
    ])
});

/// Takes a pickled None and how long it is to stay.
pub(super) static BLOCK: LazyLock<Named> = LazyLock::new(|| {
    Named::new(&["\
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {KEYS[1], 1}"])
});

/// Takes the None that was put there, how long another is to stay if that is not there any more, the value that is
/// to take its place otherwise, and when that ends.
pub(super) static UNBLOCK: LazyLock<Named> = LazyLock::new(|| {
    Named::new(&["\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[3])
  redis.call('PEXPIREAT', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], '\\128\\4N.', 'PX', ARGV[2])
end
return {KEYS[1], 1}"])
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_names_another_key_is_refused() {
        let call = Call::reading(&LOAD, b"ours");
        let bulk = |text: &[u8]| Value::BulkString(text.to_vec());
        let found = call.read(Value::Array(vec![bulk(b"ours"), Value::Int(1)]));
        assert!(found.is_ok_and(|rest| rest == [Value::Int(1)]));
        for answer in [
            Value::Array(vec![bulk(b"theirs"), Value::Int(1)]),
            Value::Array(vec![bulk(b"")]),
            Value::Array(Vec::new()),
            Value::Nil,
            Value::Int(1),
            bulk(b"ours"),
        ] {
            let found = call.read(answer);
            assert!(found.is_err_and(|failure| failure.breaks_the_connection()));
        }
    }
}
