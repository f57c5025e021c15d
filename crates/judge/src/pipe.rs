//! The pipe: questions and answers, and calls back while a question is being answered.

use std::io::{self, BufRead as _, Write as _};

use cloakroom_core::session::StoreError;
use serde_json::{Value, json};

use crate::question;

/// Answers until standard input ends.
pub(crate) fn serve() -> io::Result<()> {
    while let Some(line) = read()? {
        write(&question::answer(&line))?;
    }
    Ok(())
}

/// Asks whoever asked us: `{"call": name, "with": arguments}`, answered by `{"reply": …}` or `{"failure": true}`.
///
/// Before the reply further questions may come: a site's own model of a session may have to encode one.
pub(crate) fn call(name: &str, arguments: &Value) -> Result<Value, StoreError> {
    let broken = |error| StoreError::new("the pipe broke").with_source(error);
    write(&json!({"call": name, "with": arguments})).map_err(broken)?;
    loop {
        let line = read()
            .map_err(broken)?
            .ok_or_else(|| StoreError::new("the pipe ended during a call"))?;
        if line.get("op").is_some() {
            write(&question::answer(&line)).map_err(broken)?;
        } else if let Some(reply) = line.get("reply") {
            return Ok(reply.clone());
        } else {
            return Err(StoreError::new("the caller could not reply"));
        }
    }
}

fn read() -> io::Result<Option<Value>> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    // What is no JSON (a lone surrogate, say) is a question that has no answer.
    Ok(Some(serde_json::from_str(&line).unwrap_or_default()))
}

fn write(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
