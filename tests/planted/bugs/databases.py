"""What SQLite and the memory are asked to do."""

from bug import Bug, memory, mysql, postgres, sqlite, stores

SESSIONS = "crates/stores/src/sqlite/sessions.rs"
USERS = "crates/stores/src/sqlite/users.rs"
USER_SQL = "crates/stores/src/user_sql.rs"
FACTORS = "crates/stores/src/second_factor.rs"

OWN_USERS = sqlite("own_users::a_table_of_users_of_the_site_s_own_keeps_the_contract")

CONTRACT = sqlite("a_database_of_ours_keeps_the_contract")

# The rows that a change or a deletion of what was seen may touch.
SEEN = "WHERE {session_key} = ?1 COLLATE BINARY AND {session_data} = ?2 AND {expire_date} > ?3"
ANY_EXPIRY = "WHERE {session_key} = ?1 COLLATE BINARY AND {session_data} = ?2 AND ?3 = ?3"
ANY_DATA = "WHERE {session_key} = ?1 COLLATE BINARY AND ?2 = ?2 AND {expire_date} > ?3"

# How the lines of the SQL go on in the source.
NEXT = " \\\n" + " " * 17

REPLACE = "UPDATE {table} SET {session_data} = ?5, {expire_date} = ?4" + NEXT
EXTEND = "UPDATE {table} SET {expire_date} = ?4" + NEXT
LOAD = "self.read(move |connection| find(connection, &sql, &key, {}))"
DELETE = "DELETE FROM {table}" + NEXT

BUGS = [
    Bug(
        "a new session overwrites the one that has its key",
        SESSIONS,
        "ON CONFLICT ({session_key}) DO NOTHING",
        "ON CONFLICT ({session_key}) DO UPDATE SET {session_data} = ?2",
        CONTRACT,
    ),
    Bug(
        "a change of a session that is gone inserts it again",
        SESSIONS,
        REPLACE + SEEN,
        """INSERT INTO {table} ({session_key}, {session_data}, {expire_date}) VALUES (?1, ?5, ?4) \\
         ON CONFLICT ({session_key}) DO UPDATE SET {session_data} = ?5, {expire_date} = ?4 \\
         WHERE {session_data} = ?2 AND {expire_date} > ?3""",
        CONTRACT,
    ),
    Bug(
        "a session that has expired is changed",
        SESSIONS,
        REPLACE + SEEN,
        REPLACE + ANY_EXPIRY,
        CONTRACT,
    ),
    Bug(
        "the expiry of a session that has expired is moved",
        SESSIONS,
        EXTEND + SEEN,
        EXTEND + ANY_EXPIRY,
        CONTRACT,
    ),
    Bug(
        "a session is changed whatever it holds by now",
        SESSIONS,
        REPLACE + SEEN,
        REPLACE + ANY_DATA,
        CONTRACT,
    ),
    Bug(
        "an expiry is moved whatever the session holds by now",
        SESSIONS,
        EXTEND + SEEN,
        EXTEND + ANY_DATA,
        CONTRACT,
    ),
    Bug(
        "saving a session leaves its expiry",
        SESSIONS,
        "SET {session_data} = ?5, {expire_date} = ?4 ",
        "SET {session_data} = ?5, {expire_date} = coalesce({expire_date}, ?4) ",
        CONTRACT,
    ),
    Bug(
        "the session that was seen is deleted whatever it holds by now",
        SESSIONS,
        DELETE + SEEN,
        DELETE + ANY_DATA,
        CONTRACT,
    ),
    Bug(
        "sessions that have expired are loaded",
        SESSIONS,
        LOAD.format("now"),
        LOAD.format("Timestamp::MIN"),
        CONTRACT,
    ),
    Bug(
        "a session is loaded at the moment of its end",
        SESSIONS,
        LOAD.format("now"),
        LOAD.format("Timestamp::from_unix_micros(now.unix_micros() - 1)"),
        CONTRACT,
    ),
    Bug(
        "an expiry in another shape is compared as text only",
        SESSIONS,
        "Ok(found.filter(|stored| stored.expire_date > now))",
        "Ok(found)",
        sqlite("failures::an_expiry_in_another_shape_does_not_live_longer"),
    ),
    Bug(
        "a session is cleared away at the moment of its end",
        SESSIONS,
        "WHERE {expire_date} < ?1 LIMIT ?2",
        "WHERE {expire_date} <= ?1 LIMIT ?2",
        CONTRACT,
    ),
    Bug(
        "a password is written over one that was changed meanwhile",
        USER_SQL,
        "dialect.same_bytes(&password, &parameter(3))",
        'format!("{0} = {0}", parameter(3))',
        CONTRACT,
    ),
    Bug(
        "the first superuser can be made twice",
        USERS,
        "if condition == CreateUser::OnlyTheFirst && any(connection, &users)? {",
        "if condition == CreateUser::OnlyTheFirst && !user.is_active {",
        CONTRACT,
    ),
    Bug(
        "permissions of groups do not count",
        USER_SQL,
        "= auth_group_permissions.group_id WHERE",
        "= -auth_group_permissions.group_id WHERE",
        sqlite("permissions::permissions_are_the_user_s_own_and_those_of_the_groups"),
    ),
    Bug(
        "a user of whom nobody says that they are active is",
        USER_SQL,
        'format!("COALESCE({}, FALSE)"',
        'format!("COALESCE({}, TRUE)"',
        OWN_USERS,
    ),
    Bug(
        "a user whose table has no last login is never there",
        USERS,
        "usize::from(self.by_id(id).await?.is_some())",
        "0",
        OWN_USERS,
    ),
    Bug(
        "an address finds whoever the database finds",
        "crates/stores/src/postgres/users.rs",
        "found.retain(|user| same_email(typed, &user.email));",
        "found.truncate(100);",
        postgres("a_database_of_ours_keeps_the_contract"),
    ),
    Bug(
        "a key is what its collation takes for it",
        USER_SQL,
        'format!("{id} = {parameter} AND {same}")',
        'format!("{id} = {parameter} AND {same} IS NOT NULL")',
        mysql("own_users::a_table_of_users_of_the_site_s_own_keeps_the_contract"),
    ),
    Bug(
        "the digits in front of a text are its number",
        "crates/stores/src/user_key.rs",
        "text.parse().ok().map(UserKey::Integer)",
        "text.trim_end_matches(char::is_alphabetic).parse().ok().map(UserKey::Integer)",
        stores("user_key::tests::a_key_is_of_its_type_or_none"),
    ),
    Bug(
        "of several who differ in case the first is meant",
        "crates/stores/src/user_table.rs",
        "None if found.len() == 1 => found.pop(),",
        "None if !found.is_empty() => found.pop(),",
        stores("user_table::tests::of_several_spellings_the_typed_one_is_meant_or_none"),
    ),
    Bug(
        "a device that nobody confirmed is a second factor",
        FACTORS,
        '" AND confirmed"',
        '""',
        OWN_USERS,
    ),
    Bug(
        "an authenticator of allauth's is no second factor",
        FACTORS,
        '"mfa_authenticator",\n    "otp_email',
        '"mfa_authenticators",\n    "otp_email',
        OWN_USERS,
    ),
    Bug(
        "tables of groups belong to whoever has a table",
        "crates/stores/src/django.rs",
        "if !users.is_django_s() {\n            let links",
        "if users.is_django_s() {\n            let links",
        sqlite("own_users::a_table_of_users_is_never_made_and_what_it_lacks_is_named"),
    ),
    Bug(
        "a site of local time gets UTC",
        "crates/stores/src/sqlite/sessions.rs",
        "let expire_date = sql.zone.sql_text(record.expire_date());\n        self.write(move |connection| {\n            let inserted",
        "let expire_date = record.expire_date().sql_text();\n        self.write(move |connection| {\n            let inserted",
        sqlite("local_time::columns_hold_the_wall_clock"),
    ),
    Bug(
        "a user's session in memory is dropped for another's",
        "crates/core/src/session/memory/shelf.rs",
        "        let first = self.first(false);",
        "        let first = self.first(false).or_else(|| self.first(true));",
        memory("a_full_store_refuses_visitors_and_lets_users_take_their_places"),
    ),
    Bug(
        "visitors fill the memory to the last place",
        "crates/core/src/session/memory.rs",
        "self.capacity - self.capacity / USERS_SHARE",
        "self.capacity",
        memory("a_flood_of_visitors_stays_within_the_bound_and_costs_users_nothing"),
    ),
]
