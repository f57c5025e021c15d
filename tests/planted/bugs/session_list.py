"""The list of a user's sessions."""

from bug import Bug, sqlite, stack

TABLES = "crates/stores/src/session_list.rs"
LISTED = "crates/web/src/listed.rs"
SESSIONS = "crates/web/src/auth/sessions.rs"
VISIT = "crates/web/src/visit.rs"

CONTRACT = sqlite("session_list::the_list_of_sessions_keeps_the_contract_in_both_tables")
RENEWED = stack("session_list::a_session_with_a_new_key_is_the_same_in_the_list")
FAILS = stack("session_list::a_list_that_fails_lets_nobody_in_and_touches_no_session")
OTHERS = stack("session_list::all_others_end_also_those_that_a_django_began")
ENDED = stack("session_list::an_ended_session_is_dead_at_its_next_request")
GONE = stack("session_list::what_has_ended_elsewhere_is_no_longer_listed")
RECENT = stack("session_list::a_password_is_recent_in_the_session_in_which_it_was_given")
SEEN = stack("session_list::when_a_session_was_last_seen_is_written_once_a_minute")

BUGS = [
    Bug(
        "a session is found whoever's it is",
        TABLES,
        "FROM {table} WHERE user_id = {first} AND session_key = {second}",
        "FROM {table} WHERE user_id <> {first} || 'x' AND session_key = {second}",
        CONTRACT,
    ),
    Bug(
        "everybody's sessions are listed",
        TABLES,
        "SELECT {columns} FROM {table} WHERE user_id = {first} \\",
        "SELECT {columns} FROM {table} WHERE user_id <> {first} || 'x' \\",
        CONTRACT,
    ),
    Bug("user 07 sees the sessions of user 7", TABLES, "key.to_session_text() == id", "!key.to_session_text().is_empty() && !id.is_empty()", CONTRACT),
    Bug(
        "when a session was seen goes back",
        TABLES,
        "WHERE session_key {keys} AND last_seen_at < {third}",
        "WHERE session_key {keys} AND '' < {third}",
        CONTRACT,
    ),
    Bug(
        "the list is cleared of sessions that live",
        TABLES,
        "AND NOT EXISTS (SELECT 1 {lives} > {second})",
        "AND NOT EXISTS (SELECT 1 {lives} > {second} AND 1 = 0)",
        CONTRACT,
    ),
    Bug(
        "a login passes though the list has failed",
        LISTED,
        "        self.add(key).await?;\n        self.store.create",
        "        let _ = self.add(key).await;\n        self.store.create",
        FAILS,
    ),
    Bug(
        "a login that keeps its key is not listed",
        LISTED,
        "if self.signs_in {",
        "if self.signs_in && self.entry.is_none() {",
        stack("session_list::a_login_that_keeps_its_key_is_listed_too"),
    ),
    Bug(
        "an old key stays in the list",
        LISTED,
        "if matches!(deleted, Deleted::Deleted) {",
        "if matches!(deleted, Deleted::Gone) {",
        RENEWED,
    ),
    Bug("a session gets another id with another key", VISIT, "entry.id = renewed.id;", "drop(renewed.id);", RENEWED),
    Bug(
        "each look is noted as of now, and written at once",
        LISTED,
        "const PAUSE: Duration = Duration::from_secs(60);",
        "const PAUSE: Duration = Duration::ZERO;",
        SEEN,
    ),
    Bug("nobody is ever seen", VISIT, "            listed.note(key, self.site().now());", "            let _ = (listed, key);", SEEN),
    Bug(
        "a session of any id is ended",
        SESSIONS,
        "                entry.id == id && !is_this_one",
        "                !id.is_empty() && !is_this_one",
        ENDED,
    ),
    Bug(
        "an ended session stays in the store",
        SESSIONS,
        "let deleted = store.delete(&key, None, now).await?;",
        "let deleted = store.load(&key, now).await?.map_or(Deleted::Gone, |_| Deleted::Deleted);",
        ENDED,
    ),
    Bug(
        "the sweep ends everybody's sessions",
        SESSIONS,
        "&& owner.as_deref() == Some(user_id)",
        "&& owner.is_some()",
        OTHERS,
    ),
    Bug(
        "sessions that a Django began are left",
        SESSIONS,
        "let swept = self.sweep(user_id, current).await?;",
        "let swept = 0;",
        OTHERS,
    ),
    Bug(
        "who runs the site ends one session of many",
        SESSIONS,
        "let of_user = page.into_iter()",
        "let of_user = page.into_iter().take(1)",
        stack("session_list::ten_thousand_sessions_of_one_user_end_at_once"),
    ),
    Bug(
        "a session of an earlier password is listed",
        SESSIONS,
        "&& site.auth_rules.verify(&mut session, Some(user)) == super::Owner::User))",
        "&& site.auth_rules.verify(&mut session, Some(user)) == super::Owner::User || !user.id.is_empty()))",
        GONE,
    ),
    Bug("a password of tomorrow is recent", SESSIONS, "const SKEW: i64 = 60;", "const SKEW: i64 = 600_000;", RECENT),
    Bug(
        "a password of long ago is recent",
        SESSIONS,
        "(-SKEW..=within).contains(",
        "(-SKEW..=within + 10_000).contains(",
        RECENT,
    ),
]
