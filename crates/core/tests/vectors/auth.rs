//! Login, logout, and whose a session is.

use cloakroom_core::auth::{
    AuthRules, Owner, Relogin, ResetTokens, User, id_of_uidb64, normalize_username, uidb64,
};
use cloakroom_core::session::{SessionKey, SessionState};
use cloakroom_core::time::{Timestamp, Zone};

use crate::json::canonical;
use crate::kept::Kept;
use crate::rows::{Answer, NOW, Release, Row, SECRET, secrets};

fn rules(fallbacks: &[&str]) -> AuthRules {
    AuthRules::new(&secrets(SECRET, fallbacks), Relogin::KeepsKey)
}

/// The users that the rows know: the second is not active, the third has another password.
fn user(id: &str) -> Option<User> {
    let (name, password, is_active) = match id {
        "7" => ("seven", "pbkdf2_sha256$1$s$h", true),
        "8" => ("eight", "pbkdf2_sha256$1$s$h", false),
        "9" => ("nine", "another", true),
        _ => return None,
    };
    let mut user = User::new(id, name, NOW);
    user.password = password.to_owned();
    user.is_active = is_active;
    Some(user)
}

pub(crate) fn session_auth_hash(row: &Row, _: &Release) -> Answer {
    let mut user = User::new("7", "seven", NOW);
    user.password = row.text("password").to_owned();
    let hash =
        |key: &[u8]| AuthRules::new(&secrets(key, &[]), Relogin::KeepsKey).session_auth_hash(&user);
    let ours = AuthRules::new(&row.secrets(), Relogin::KeepsKey).session_auth_hash(&user);
    let fallbacks = row.texts("fallbacks");
    let fallbacks: Vec<_> = fallbacks.iter().map(|key| hash(key.as_bytes())).collect();
    Answer::new(
        row.text("password"),
        format!("{} {:?}", row.text("hash"), row.texts("fallback_hashes")),
        format!("{ours} {fallbacks:?}"),
    )
}

pub(crate) fn login(row: &Row, _: &Release) -> Answer {
    let id = row.integer("user").to_string();
    let ours = after(row, |session| {
        rules(&[]).login(session, &user(&id).unwrap(), NOW);
        String::new()
    });
    Answer::new(format!("{} as {id}", before(row)), outcome(row, ""), ours)
}

pub(crate) fn logout(row: &Row, _: &Release) -> Answer {
    let ours = after(row, |session| {
        AuthRules::logout(session);
        String::new()
    });
    Answer::new(before(row), outcome(row, ""), ours)
}

pub(crate) fn get_user(row: &Row, _: &Release) -> Answer {
    let (fallbacks, backends) = (row.texts("fallbacks"), row.texts("backends"));
    let backends = backends.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let input = format!(
        "{} {} fallbacks {} backends",
        before(row),
        fallbacks.len(),
        backends.len()
    );
    let rules = rules(&fallbacks).with_backends(backends);
    let ours = after(row, |session| {
        let Some(id) = rules.claimed_user(session) else {
            return "nobody: ".to_owned();
        };
        match rules.verify(session, user(&id).as_ref()) {
            Owner::User => format!("{id}: "),
            Owner::Nobody => "nobody: ".to_owned(),
        }
    });
    let found = if row.has("error") {
        String::new()
    } else {
        let found = row.value("user").as_i64();
        found.map_or_else(|| "nobody: ".to_owned(), |id| format!("{id}: "))
    };
    Answer::new(input, outcome(row, &found), ours)
}

pub(crate) fn update_session_auth_hash(row: &Row, _: &Release) -> Answer {
    let ours = after(row, |session| {
        let mut user = user("7").unwrap();
        user.password = row.text("password").to_owned();
        rules(&[]).update_session_auth_hash(session, &user);
        String::new()
    });
    let input = format!("{} current {}", before(row), row.value("current_user"));
    Answer::new(input, outcome(row, ""), ours)
}

pub(crate) fn username(row: &Row, _: &Release) -> Answer {
    let typed = row.text("typed");
    let ours = normalize_username(typed).unwrap_or_default();
    Answer::new(typed, row.text("username"), ours)
}

/// 2001-01-01, from which reset tokens count.
const RESET_EPOCH: Timestamp = Timestamp::from_unix_seconds(978_307_200);

/// The user whom all reset tokens are for.
fn reset_user() -> User {
    let mut user = user("7").unwrap();
    user.email = "a@b.co".to_owned();
    user.last_login = Timestamp::from_sql_text("2024-05-06 07:08:09.123456");
    user
}

fn zone(row: &Row) -> Zone {
    match row.text("zone") {
        "UTC" => Zone::UTC,
        name => Zone::local(name).unwrap(),
    }
}

pub(crate) fn reset_token(row: &Row, _: &Release) -> Answer {
    let mut user = reset_user();
    user.password = row.text("password").to_owned();
    user.email = row.maybe_text("email").unwrap_or_default().to_owned();
    user.last_login = user
        .last_login
        .filter(|_| row.maybe_text("last_login").is_some());
    let now = RESET_EPOCH.plus_seconds(row.integer("seconds"));
    let ours = ResetTokens::new(&row.secrets(), 259_200).make(&user, now);
    let input = format!(
        "{} {} {:?}",
        user.email,
        row.integer("seconds"),
        user.last_login
    );
    Answer::new(input, row.text("token"), ours)
}

pub(crate) fn reset_token_made(row: &Row, _: &Release) -> Answer {
    let columns = if row.flag("uses_tz") {
        Zone::UTC
    } else {
        zone(row)
    };
    let tokens = ResetTokens::new(&row.secrets(), 259_200)
        .with_time_zone(zone(row))
        .with_dates_in(columns);
    let ours = tokens.make(&reset_user(), row.time("now"));
    let input = format!("{} {:?} {columns:?}", row.text("zone"), row.time("now"));
    Answer::new(input, row.text("token"), ours)
}

pub(crate) fn reset_token_checked(row: &Row, _: &Release) -> Answer {
    let tokens = ResetTokens::new(&row.secrets(), row.integer("timeout")).with_time_zone(zone(row));
    let ours = tokens.check(&reset_user(), row.text("token"), row.time("now"));
    let input = format!(
        "{} {:?} {}",
        row.text("token"),
        row.time("now"),
        row.text("zone")
    );
    Answer::new(input, row.flag("valid").to_string(), ours.to_string())
}

pub(crate) fn uid(row: &Row, _: &Release) -> Answer {
    let text = uidb64(row.text("id"));
    let again = id_of_uidb64(&text).unwrap_or_default();
    Answer::new(
        row.text("id"),
        format!("{} {}", row.text("uidb64"), row.text("again")),
        format!("{text} {again}"),
    )
}

/// The session before, in short.
fn before(row: &Row) -> String {
    short(row.maybe_text("before").unwrap_or("None"))
}

/// Without what all rows have in common.
fn short(json: &str) -> String {
    json.replace("django.contrib.auth.backends.", "")
        .replace("_auth_user_", "")
        .replace(GOOD_HASH, "good")
        .replace('"', "")
}

/// Does something to the row's session, commits it, and says what became of it.
fn after(row: &Row, act: impl FnOnce(&mut SessionState) -> String) -> String {
    let old = SessionKey::parse(&"k".repeat(32)).unwrap();
    let kept = Kept::new();
    let mut session = SessionState::new();
    if let Some(json) = row.maybe_text("before") {
        kept.create(&old, json, NOW.plus_seconds(60));
        session = kept.load(&old);
    }
    let said = act(&mut session);
    let _ = kept.commit(&mut session).unwrap();
    let key = match session.key() {
        None => "none",
        Some(key) if *key == old => "old",
        Some(_) => "new",
    };
    let data = canonical(session.data().text()).unwrap();
    said + &became(row, &data, key, kept.json(&old).is_some())
}

/// The same of Django's row, which shows the session before it is saved: one with data and without a key is
/// then given one.
fn outcome(row: &Row, said: &str) -> String {
    if let Some(error) = row.maybe_text("error") {
        return format!("raises {error}");
    }
    let data = canonical(row.text("after")).unwrap();
    let key = match row.text("key") {
        "none" if data != "{}" => "new",
        key => key,
    };
    said.to_owned() + &became(row, &data, key, row.flag("old_record"))
}

fn became(row: &Row, data: &str, key: &str, old_record: bool) -> String {
    let before = row.maybe_text("before").and_then(canonical);
    let data = if before.as_deref() == Some(data) {
        "unchanged".to_owned()
    } else {
        short(data)
    };
    let record = if old_record { "kept" } else { "gone" };
    format!("{data}, {key} key, old record {record}")
}

/// What users 7 and 8 have in their sessions.
const GOOD_HASH: &str = "e6d20eab3ea1aea48b74701b4383bbffbfada630abe944aa560fb2c88d7a7727";
