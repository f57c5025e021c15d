//! What is done to a session object: the answers, the data, and whether that counts as a change.

use cloakroom_core::session::{Codec, Lifetime, SessionKey, SessionState, Stored};
use cloakroom_core::signing::Compression;
use serde_json::{Value, json};

use crate::rows::{Answer, NOW, Release, Row, SECRET, secrets};

pub(crate) fn operations(row: &Row, _: &Release) -> Answer {
    let codec = Codec::new(
        &secrets(SECRET, &[]),
        Codec::DJANGO_SALT,
        Compression::Never,
    );
    let stored = Stored::signed(codec.encode(row.text("before"), NOW), NOW.plus_seconds(60));
    let key = SessionKey::parse("abcdefgh").unwrap();
    let mut session = SessionState::from_stored(key, stored, &codec);
    let operations = row.value("operations").as_array().unwrap();
    let answers: Vec<Value> = operations
        .iter()
        .map(|operation| answer(&mut session, operation.as_array().unwrap()))
        .collect();
    let say = |answers: &Value, data: &str, modified: bool| {
        format!(
            "{answers} {data}{}",
            if modified { " modified" } else { "" }
        )
    };
    Answer::new(
        format!("{} {}", row.text("before"), row.value("operations")),
        say(
            row.value("answers"),
            row.text("after"),
            row.flag("modified"),
        ),
        say(
            &json!(answers),
            session.data().text(),
            session.is_modified(),
        ),
    )
}

fn answer(session: &mut SessionState, operation: &[Value]) -> Value {
    let name = || operation[1].as_str().unwrap();
    match operation[0].as_str().unwrap() {
        "get" => session.get(name()).unwrap().unwrap_or(Value::Null),
        "set" => session
            .set(name(), &operation[2])
            .map(|()| Value::Null)
            .unwrap(),
        // Python raises where nothing is.
        "del" => json!(if session.remove(name()) {
            ""
        } else {
            "KeyError"
        }),
        "contains" | "has_key" => json!(session.contains(name())),
        "pop" => session.pop(name()).unwrap().unwrap_or(Value::Null),
        "setdefault" => session.set_default(name(), operation[2].clone()).unwrap(),
        "update" => {
            let values = operation[1].as_object().unwrap();
            session.update(values).map(|()| Value::Null).unwrap()
        }
        "clear" => {
            session.clear();
            Value::Null
        }
        "keys" => session.names().collect(),
        "values" => {
            let items = session.items::<Value>().unwrap();
            items.into_iter().map(|(_, value)| value).collect()
        }
        "items" => {
            let items = session.items::<Value>().unwrap();
            items
                .into_iter()
                .map(|(name, value)| json!([name, value]))
                .collect()
        }
        "modify" => {
            session.touch();
            Value::Null
        }
        "is_empty" => json!(session.is_empty()),
        "set_test_cookie" => {
            session.set_test_cookie();
            Value::Null
        }
        "test_cookie_worked" => json!(session.test_cookie_worked()),
        "delete_test_cookie" => {
            json!(if session.delete_test_cookie() {
                ""
            } else {
                "KeyError"
            })
        }
        "get_expiry_age" => json!(session.expiry_age(&Lifetime::DJANGO, NOW)),
        "get_expiry_date" => {
            let date = session.expiry_date(&Lifetime::DJANGO, NOW);
            json!(date.iso_text())
        }
        "get_expire_at_browser_close" => json!(session.ends_with_browser(&Lifetime::DJANGO)),
        other => panic!("{other}"),
    }
}
