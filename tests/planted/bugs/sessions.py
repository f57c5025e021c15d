"""Sessions: their keys, ends and data, and what becomes of them when several requests change them."""

from bug import Bug, core, memory, races, stack, vectors

CHANGE = "crates/core/src/session/change.rs"
COMMIT = "crates/core/src/session/commit.rs"
EXPIRY = "crates/core/src/session/expiry.rs"
KEY = "crates/core/src/session/key.rs"
STATE = "crates/core/src/session/state.rs"
SIGNED_COOKIE = "crates/core/src/session/signed_cookie.rs"
REVOCABLE = "crates/core/src/session/signed_cookie/revocable.rs"
REVOCATIONS = "crates/core/src/session/signed_cookie/revocations.rs"
ASCII = "crates/core/src/session/data/ascii.rs"
MEMORY = "crates/core/src/session/memory.rs"
SHELF = "crates/core/src/session/memory/shelf.rs"
SQLITE = "crates/stores/src/sqlite/sessions.rs"
VISIT = "crates/web/src/visit.rs"

UNTOUCHED = core("session::change::tests::what_is_not_touched_stays_byte_for_byte")
FORMS_OF_EXPIRY = core("session::expiry::tests::every_form_of_expiry_has_django_s_age")
REVOKED = "session::signed_cookie::revocable::tests::"
COOKIE_ENGINE = core("session::signed_cookie::tests::the_cookie_is_django_s")

MEMORY_CONTRACT = memory("sessions_in_memory_keep_the_contract")

BUGS = [
    Bug(
        "a cookie is let in though its session has ended",
        REVOCABLE,
        "if self.revocations.holds(&id, now).await? {",
        "if self.revocations.holds(&id, now).await? && now.unix_seconds() == 0 {",
        core(REVOKED + "what_ends_a_session_ends_every_earlier_copy_of_its_cookie"),
    ),
    Bug(
        "each cookie has an id of its own",
        REVOCABLE,
        "Some(id) if matches!(fate, Fate::Stay | Fate::Upgrade) => id.clone(),",
        "Some(id) if matches!(fate, Fate::Upgrade) => id.clone(),",
        core(REVOKED + "what_ends_a_session_ends_every_earlier_copy_of_its_cookie"),
    ),
    Bug(
        "a slow request saves what was logged out",
        REVOCABLE,
        "Fate::Stay | Fate::Upgrade => self.revocations.holds(&before, now).await?,",
        "Fate::Stay | Fate::Upgrade => false,",
        core(REVOKED + "a_slow_request_does_not_bring_back_what_was_logged_out"),
    ),
    Bug(
        "the list forgets before the cookies are too old",
        REVOCATIONS,
        "self.age.saturating_add(Self::MARGIN)",
        "self.age / 2",
        core(REVOKED + "the_list_holds_until_no_cookie_can_be_valid"),
    ),
    Bug(
        "what ended under a former secret key is let in",
        REVOCATIONS,
        "self.any_holds(&self.hashers, id, now).await",
        "self.any_holds(&self.hashers[..1], id, now).await",
        core(REVOKED + "what_ended_under_a_former_secret_has_ended"),
    ),
    Bug(
        "sessions are signed under the salt of an engine's module",
        "crates/core/src/session/codec.rs",
        '"django.contrib.sessions.SessionStore"',
        '"django.contrib.sessions.backends.db.SessionStore"',
        vectors(),
    ),
    Bug(
        "session keys are drawn from capitals",
        KEY,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        core("session::key::tests::a_new_key_has_small_letters_and_digits"),
    ),
    Bug(
        "session keys have half their length",
        KEY,
        "const LENGTH: usize = 32;",
        "const LENGTH: usize = 16;",
        core("session::key::tests::a_new_key_is_django_s"),
    ),
    Bug(
        "a session key of seven characters is taken",
        KEY,
        "const SHORTEST: usize = 8;",
        "const SHORTEST: usize = 7;",
        core("session::key::tests::short_keys_and_control_characters_are_no_keys"),
    ),
    Bug(
        "a session whose expiry is zero ends at once",
        EXPIRY,
        "OwnExpiry::Seconds(0.0) => now.plus_seconds(self.site_age(data))",
        "OwnExpiry::Seconds(0.0) => now",
        FORMS_OF_EXPIRY,
    ),
    Bug(
        "a session whose expiry is zero outlives the browser",
        EXPIRY,
        "OwnExpiry::Seconds(seconds) => seconds == 0.0",
        "OwnExpiry::Seconds(_) => false",
        core("session::expiry::tests::zero_ends_with_the_browser_and_keeps_two_weeks_on_the_server"),
    ),
    Bug(
        "the seconds of an expiry are milliseconds",
        EXPIRY,
        "OwnExpiry::Seconds(seconds) => now.plus_seconds_f64(seconds)",
        "OwnExpiry::Seconds(seconds) => now.plus_seconds_f64(seconds / 1e3)",
        FORMS_OF_EXPIRY,
    ),
    Bug("an expiry of true is none", EXPIRY, '"true" => Self::Seconds(1.0)', '"true" => Self::None', FORMS_OF_EXPIRY),
    Bug(
        "an expiry without a zone is a moment",
        EXPIRY,
        ".and_then(|read| zone.moment(read))",
        ".map(|read| read.utc())",
        core("session::expiry::tests::garbage_and_giants_do_no_harm"),
    ),
    Bug(
        "ages are rounded towards zero",
        "crates/core/src/time.rs",
        "self.micros_since(earlier).div_euclid(1_000_000)",
        "self.micros_since(earlier) / 1_000_000",
        vectors(),
    ),
    Bug(
        "an expiry is kept with a Z for its zone",
        "crates/core/src/time.rs",
        'text.push_str("+00:00")',
        "text.push('Z')",
        core("session::expiry::tests::set_expiry_keeps_what_django_keeps"),
    ),
    Bug(
        "a whole life is counted from the last save",
        EXPIRY,
        "self.absolute_end(data).map_or(date, |end| date.min(end))",
        "self.absolute_end(data).map_or(date, |end| date.max(end))",
        core("session::expiry::tests::own_sites_end_sessions_absolutely_and_anonymous_ones_sooner"),
    ),
    Bug(
        "NaN that nobody touched becomes null",
        CHANGE,
        "data.push(name, value);",
        'data.push(name, &value.replace("NaN", "null"));',
        UNTOUCHED,
    ),
    Bug(
        "a lone surrogate that nobody touched is replaced",
        CHANGE,
        "data.push(name, value);",
        'data.push(name, &value.replace("\\\\ud800", "\\\\ufffd"));',
        UNTOUCHED,
    ),
    Bug(
        "values that nobody touched are parsed and written again",
        CHANGE,
        "data.push(name, value);",
        """let parsed = data::parse::<serde_json::Value>(value);
                    data.push(name, &parsed.map_or_else(|_| value.to_owned(), |parsed| parsed.to_string()));""",
        UNTOUCHED,
    ),
    Bug(
        "a name that is removed and set again stays in its place",
        CHANGE,
        "*change = Change::Set { json, last: true };",
        "*change = Change::Set { json, last: false };",
        core("session::change::tests::order_is_that_of_a_python_dict"),
    ),
    Bug(
        "a counter is written as a float",
        CHANGE,
        "data.push(name, &sum.ok_or(Conflict)?.to_string());",
        'data.push(name, &format!("{}.0", sum.ok_or(Conflict)?));',
        core("session::change::tests::counters_add_to_what_is_there"),
    ),
    Bug(
        "a counter that overflows starts again",
        CHANGE,
        """.checked_add(more)
                .ok_or(ValueError::Overflow)?,""",
        ".wrapping_add(more),",
        core("session::change::tests::counters_do_not_overflow"),
    ),
    Bug(
        "what a request relied on may change underneath it",
        CHANGE,
        "if guarded_hold && ours_hold {",
        "if guarded_hold {",
        core("session::change::tests::what_we_relied_on_must_hold"),
    ),
    Bug(
        "a whole float is written as an integer",
        ASCII,
        """format!("{sign}{digits}{}.0", "0".repeat(places - digits.len()))""",
        """format!("{sign}{digits}{}", "0".repeat(places - digits.len()))""",
        core("session::data::ascii::tests::numbers_are_written_as_python_writes_them"),
    ),
    Bug(
        "text beyond ASCII is escaped in capitals",
        ASCII,
        "\\\\u{unit:04x}",
        "\\\\u{unit:04X}",
        core("session::data::ascii::tests::strings_are_written_as_python_writes_them"),
    ),
    Bug(
        "a record that cannot be read may be written over",
        STATE,
        "None => Self::from_parts(Origin::Unreadable(key), SessionData::empty()),",
        """None => {
                let (version, form) = (stored.version, stored.form);
                Self::from_parts(Origin::Record(Seen { key, version, form }), SessionData::empty())
            }""",
        core("session::state::tests::an_unreadable_record_is_an_empty_session"),
    ),
    Bug(
        "a flush keeps the data",
        STATE,
        """        self.base = SessionData::empty();
        self.changes = Changes::new();
        self.cookie_due = false;
""",
        "        self.cookie_due = false;\n",
        core("session::state::tests::flush_forgets_and_what_follows_is_new"),
    ),
    Bug(
        "removing what is not there is a change",
        STATE,
        "        if found {\n            self.own_change();",
        "        {\n            self.own_change();",
        core("session::state::tests::reading_changes_nothing_and_writing_does"),
    ),
    Bug("an empty session is kept", COMMIT, "if data.is_empty() && fate != Fate::Renew {", "if false {", vectors()),
    Bug(
        "sessions in cookies are signed under another salt",
        SIGNED_COOKIE,
        '"django.contrib.sessions.backends.signed_cookies"',
        '"django.contrib.sessions.SessionStore"',
        COOKIE_ENGINE,
    ),
    Bug(
        "sessions in cookies never end",
        SIGNED_COOKIE,
        "self.signer.loads_within(value, max_age, now).ok()",
        "self.signer.loads(value).ok()",
        COOKIE_ENGINE,
    ),
    Bug(
        "a merge loses the other's change",
        COMMIT,
        """                Replaced::Changed(stored) => {
                    base = self.merged_base(&base, &stored.form, changes)?;""",
        """                Replaced::Changed(stored) => {
                    let _ = self.merged_base(&base, &stored.form, changes)?;""",
        races("memory::changes_of_different_names_are_all_kept"),
    ),
    Bug(
        "a name of Django's may change underneath a request",
        COMMIT,
        "name.starts_with('_') &&",
        'name.starts_with("__") &&',
        races("memory::a_guarded_name_does_not_change_underneath_a_request"),
    ),
    Bug(
        "a session that was ended is saved under a new key",
        COMMIT,
        "Replaced::Gone => return Err(CommitError::Interrupted),\n",
        "Replaced::Gone => return self.create(&data, self.record(&data)).await,\n",
        races("memory::a_slow_write_does_not_bring_back_what_was_logged_out"),
    ),
    Bug(
        "a renewal deletes the old record whatever it holds",
        COMMIT,
        ".delete(&before.key, Some(&version), self.now)",
        ".delete(&before.key, None, self.now)",
        races("memory::a_write_during_a_login_is_kept"),
    ),
    Bug(
        "a renewal outlives the logout that was first",
        COMMIT,
        "Deleted::Gone => return Err(CommitError::Interrupted),",
        "Deleted::Gone => return Ok(new),",
        races("memory::no_renewal_survives_a_logout"),
    ),
    Bug(
        "a renewal that is interrupted leaves its new record",
        COMMIT,
        "if renewed.is_err() {",
        "if false {",
        races("memory::no_renewal_survives_a_logout"),
    ),
    Bug(
        "a logout that ended nothing is acknowledged",
        COMMIT,
        "Ok(_) => Err(CommitError::Interrupted),",
        "Ok(_) => Ok(Outcome::Deleted),",
        races("memory::a_login_and_a_logout_leave_one_of_two_states"),
    ),
    Bug(
        "a session found invalid is deleted though it was made valid meanwhile",
        COMMIT,
        ".end(&seen.key, Some(&seen.version), &self.data())",
        ".end(&seen.key, None, &self.data())",
        races("memory::a_session_that_was_made_valid_meanwhile_stays"),
    ),
    Bug(
        "another request's record that cannot be read is written over",
        COMMIT,
        ".data(&self.rules.codec)\n            .ok_or(CommitError::Interrupted)?;",
        ".data(&self.rules.codec)\n            .unwrap_or_else(SessionData::empty);",
        core("session::commit::tests::another_s_record_that_cannot_be_read_is_never_written_over"),
    ),
    Bug(
        "memory hands out a session at the moment of its end",
        SHELF,
        "filter(|kept| kept.expire_date > now)",
        "filter(|kept| kept.expire_date >= now)",
        MEMORY_CONTRACT,
    ),
    Bug(
        "memory clears a session away at the moment of its end",
        SHELF,
        "&& end < now",
        "&& end <= now",
        MEMORY_CONTRACT,
    ),
    Bug(
        "memory deletes the session that was seen whatever it holds by now",
        MEMORY,
        "!expired && kept.version() != *seen",
        "!expired && seen.as_bytes().is_empty()",
        MEMORY_CONTRACT,
    ),
    Bug(
        "an hour that comes twice is the second one",
        "crates/core/src/time/zone.rs",
        "| jiff::tz::AmbiguousOffset::Fold { before, .. } => before,",
        "=> before,\n            jiff::tz::AmbiguousOffset::Fold { after, .. } => after,",
        core("time::zone::tests::an_hour_that_comes_twice_is_the_first_and_one_that_never_comes_the_next"),
    ),
    Bug(
        "a session that is touched is not saved",
        "crates/core/src/session/state.rs",
        "!self.changes.is_empty() || self.touched",
        "!self.changes.is_empty()",
        core("session::commit::tests::what_is_touched_lives_on_from_now"),
    ),
    Bug(
        "half of an update is kept",
        "crates/core/src/session/state/dict.rs",
        "let values: Vec<(N, String)> = values.collect::<Result<_, ValueError>>()?;",
        "let values: Vec<(N, String)> = values.map_while(|value: Result<_, ValueError>| value.ok()).collect();",
        core("session::state::tests::all_of_an_update_is_written_or_nothing"),
    ),
    Bug(
        "some characters of a key are drawn more often than others",
        "crates/core/src/random.rs",
        "let fair = 256 - 256 % CHARACTERS;",
        "let fair = 256;",
        core("session::key::tests::of_a_million_keys_none_is_twice_and_every_character_is_as_frequent_as_the_others"),
    ),
    Bug(
        "a login leaves what it found under the old key",
        COMMIT,
        "        let mut version = before.version;\n",
        "        let mut version = before.version;\n"
        "        if self.now > Timestamp::MIN {\n            return Ok(new);\n        }\n",
        stack("login::a_login_renews_the_key_and_the_old_one_is_dead"),
    ),
    Bug(
        "a logout takes the cookie and leaves the session",
        COMMIT,
        "Box::pin(commit.end(&key, None, &self.data())).await?",
        "drop(key);\n                Outcome::Deleted",
        stack("login::who_signs_in_is_known_until_signing_out"),
    ),
    Bug(
        "a logout of nobody begins a session",
        STATE,
        "self.fate = if matches!(self.origin, Origin::Nothing) {\n            Fate::Stay\n",
        "self.fate = if matches!(self.origin, Origin::Nothing) {\n            Fate::Renew\n",
        stack("login::a_logout_of_nobody_leaves_no_record"),
    ),
    Bug(
        "SQLite saves a session that was logged out",
        SQLITE,
        "            Ok(find(connection, &sql, &key, now)?.map_or(Replaced::Gone, Replaced::Changed))\n",
        """            if let Some(stored) = find(connection, &sql, &key, now)? {
                return Ok(Replaced::Changed(stored));
            }
            connection
                .prepare_cached(&sql.create)?
                .execute(params![key.as_str(), &*text, expire_date])?;
            Ok(Replaced::Replaced(Version::of_text(text.clone())))
""",
        stack("races::what_was_logged_out_stays_logged_out"),
    ),
    Bug(
        "SQLite loads sessions that have expired",
        SQLITE,
        """        .query_row([key.as_str(), &sql.zone.sql_text(now)], |row| {
            Ok(stored(row, 0, sql.zone))
        })
        .optional()?
        .flatten();
    // The database compared texts; one of another shape (a `T`, a zone) may end earlier than it looks.
    Ok(found.filter(|stored| stored.expire_date > now))
""",
        """        .query_row([key.as_str(), ""], |row| Ok(stored(row, 0, sql.zone)))
        .optional()?
        .flatten();
    Ok(found)
""",
        stack("session::the_server_ends_a_session_whatever_the_browser_keeps"),
    ),
    Bug(
        "memory saves a session that has expired",
        MEMORY,
        "Ok(match shelf.alive(key, now) {",
        "Ok(match shelf.get(key) {",
        races("memory::an_expired_session_is_not_revived"),
    ),
    Bug(
        "the key of a session that cannot be read is logged",
        VISIT,
        '"a session record cannot be read with this SECRET_KEY and is left as it is"',
        'key = session.record_key().map(SessionKey::as_str),\n'
        '                "a session record cannot be read with this SECRET_KEY and is left as it is"',
        stack("log::no_secret_is_logged"),
    ),
    Bug(
        "while the store of users fails everybody is a stranger",
        VISIT,
        "Some(id) => self.site().users.by_id(&id).await?,",
        "Some(id) => self.site().users.by_id(&id).await.unwrap_or_default(),",
        stack("failure::while_the_user_store_fails_nobody_is_taken_for_a_stranger"),
    ),
]
