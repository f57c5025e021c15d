//! Python's pickle of a dict of texts and small numbers, which is what these sessions are.

use super::kept::Data;

enum Item<'a> {
    Text(&'a str),
    Number(u64),
}

/// What Python 3.4 and newer write of such a dict; `None` for anything else.
pub(super) fn read(pickle: &[u8]) -> Option<Data<'_>> {
    let mut data = Data {
        user_id: "".into(),
        backend: "".into(),
        hash: "".into(),
        signed_in_at: 0,
        visits: None,
    };
    let mut rest = pickle;
    let mut items = Vec::with_capacity(16);
    loop {
        let opcode = take(&mut rest, 1)?[0];
        match opcode {
            // PROTO, FRAME
            0x80 => drop(take(&mut rest, 1)?),
            0x95 => drop(take(&mut rest, 8)?),
            // EMPTY_DICT, MARK, MEMOIZE: there is one dict.
            b'}' | b'(' | 0x94 => {}
            // SHORT_BINUNICODE, BINUNICODE
            0x8c => {
                let length = number(&mut rest, 1)?;
                items.push(Item::Text(text(&mut rest, length)?));
            }
            b'X' => {
                let length = number(&mut rest, 4)?;
                items.push(Item::Text(text(&mut rest, length)?));
            }
            // BININT1, BININT2, BININT
            b'K' => items.push(Item::Number(number(&mut rest, 1)?)),
            b'M' => items.push(Item::Number(number(&mut rest, 2)?)),
            b'J' => items.push(Item::Number(number(&mut rest, 4)?)),
            // SETITEM, SETITEMS
            b's' | b'u' => {
                for pair in items.chunks_exact(2) {
                    set(&mut data, pair)?;
                }
                items.clear();
            }
            b'.' => return (!data.user_id.is_empty()).then_some(data),
            _ => return None,
        }
    }
}

fn set<'a>(data: &mut Data<'a>, pair: &[Item<'a>]) -> Option<()> {
    match pair {
        [Item::Text("_auth_user_id"), Item::Text(id)] => data.user_id = (*id).into(),
        [Item::Text("_auth_user_backend"), Item::Text(path)] => data.backend = (*path).into(),
        [Item::Text("_auth_user_hash"), Item::Text(hash)] => data.hash = (*hash).into(),
        [Item::Text("_auth_signed_in_at"), Item::Number(seconds)] => data.signed_in_at = *seconds,
        [Item::Text("visits"), Item::Number(visits)] => data.visits = Some(*visits),
        _ => return None,
    }
    Some(())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn number(rest: &mut &[u8], length: usize) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes[..length].copy_from_slice(take(rest, length)?);
    Some(u64::from_le_bytes(bytes))
}

fn text<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a str> {
    str::from_utf8(take(rest, usize::try_from(length).ok()?)?).ok()
}

/// The same dict, in protocol 4.
pub(super) fn write(data: &Data<'_>) -> Vec<u8> {
    let mut pickle = Vec::with_capacity(384);
    pickle.extend(b"\x80\x04}(");
    for (name, value) in [
        ("_auth_user_id", &data.user_id),
        ("_auth_user_backend", &data.backend),
        ("_auth_user_hash", &data.hash),
    ] {
        push_text(name, &mut pickle);
        push_text(value, &mut pickle);
    }
    push_text("_auth_signed_in_at", &mut pickle);
    push_number(data.signed_in_at, &mut pickle);
    if let Some(visits) = data.visits {
        push_text("visits", &mut pickle);
        push_number(visits, &mut pickle);
    }
    pickle.extend(b"u.");
    pickle
}

fn push_text(text: &str, pickle: &mut Vec<u8>) {
    pickle.push(0x8c);
    pickle.push(u8::try_from(text.len()).expect("these texts are short"));
    pickle.extend(text.as_bytes());
}

fn push_number(number: u64, pickle: &mut Vec<u8>) {
    pickle.push(b'J');
    let number = i32::try_from(number).expect("these numbers are small");
    pickle.extend(number.to_le_bytes());
}
