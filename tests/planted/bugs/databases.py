"""What SQLite is asked to do."""

from bug import Bug, sqlite

SESSIONS = "crates/stores/src/sqlite/sessions.rs"
USERS = "crates/stores/src/sqlite/users.rs"

CONTRACT = sqlite("a_database_of_ours_keeps_the_contract")

# How the lines of the SQL go on in the source.
INDENT = " " * 25

BUGS = [
    Bug(
        "a new session overwrites the one that has its key",
        SESSIONS,
        "ON CONFLICT (session_key) DO NOTHING",
        "ON CONFLICT (session_key) DO UPDATE SET session_data = excluded.session_data",
        CONTRACT,
    ),
    Bug(
        "a change of a session that is gone inserts it again",
        SESSIONS,
        f'''"UPDATE django_session SET session_data = ?5, expire_date = ?4 \\
{INDENT}WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND expire_date > ?3"''',
        '''"INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?1, ?5, ?4) \\
         ON CONFLICT (session_key) DO UPDATE SET session_data = ?5, expire_date = ?4 \\
         WHERE session_data = ?2 AND expire_date > ?3"''',
        CONTRACT,
    ),
    Bug(
        "a session that has expired is changed",
        SESSIONS,
        f'''"UPDATE django_session SET session_data = ?5, expire_date = ?4 \\
{INDENT}WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND expire_date > ?3"''',
        '''"UPDATE django_session SET session_data = ?5, expire_date = ?4 \\
         WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND ?3 = ?3"''',
        CONTRACT,
    ),
    Bug(
        "the expiry of a session that has expired is moved",
        SESSIONS,
        f'''"UPDATE django_session SET expire_date = ?4 \\
{INDENT}WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND expire_date > ?3"''',
        '''"UPDATE django_session SET expire_date = ?4 \\
         WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND ?3 = ?3"''',
        CONTRACT,
    ),
    Bug(
        "a session is changed whatever it holds by now",
        SESSIONS,
        f'''"UPDATE django_session SET session_data = ?5, expire_date = ?4 \\
{INDENT}WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND expire_date > ?3"''',
        '''"UPDATE django_session SET session_data = ?5, expire_date = ?4 \\
         WHERE session_key = ?1 COLLATE BINARY AND ?2 = ?2 AND expire_date > ?3"''',
        CONTRACT,
    ),
    Bug(
        "an expiry is moved whatever the session holds by now",
        SESSIONS,
        f'''"UPDATE django_session SET expire_date = ?4 \\
{INDENT}WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND expire_date > ?3"''',
        '''"UPDATE django_session SET expire_date = ?4 \\
         WHERE session_key = ?1 COLLATE BINARY AND ?2 = ?2 AND expire_date > ?3"''',
        CONTRACT,
    ),
    Bug(
        "saving a session leaves its expiry",
        SESSIONS,
        "SET session_data = ?5, expire_date = ?4 ",
        "SET session_data = ?5, expire_date = coalesce(expire_date, ?4) ",
        CONTRACT,
    ),
    Bug(
        "the session that was seen is deleted whatever it holds by now",
        SESSIONS,
        f'''"DELETE FROM django_session \\
{" " * 21}WHERE session_key = ?1 COLLATE BINARY AND session_data = ?2 AND expire_date > ?3"''',
        '''"DELETE FROM django_session \\
         WHERE session_key = ?1 COLLATE BINARY AND ?2 = ?2 AND expire_date > ?3"''',
        CONTRACT,
    ),
    Bug(
        "sessions that have expired are loaded",
        SESSIONS,
        """WHERE session_key = ?1 COLLATE BINARY AND expire_date > ?2",
        )?
        .query_row([key.as_str(), &now.sql_text()], |row| Ok(stored(row)))
        .optional()?
        .flatten();
    // The database compared texts; one of another shape (a `T`, a zone) may end earlier than it looks.
    Ok(found.filter(|stored| stored.expire_date > now))""",
        """WHERE session_key = ?1 COLLATE BINARY AND ?2 = ?2",
        )?
        .query_row([key.as_str(), &now.sql_text()], |row| Ok(stored(row)))
        .optional()?
        .flatten();
    Ok(found)""",
        CONTRACT,
    ),
    Bug(
        "a session is loaded at the moment of its end",
        SESSIONS,
        """WHERE session_key = ?1 COLLATE BINARY AND expire_date > ?2",
        )?
        .query_row([key.as_str(), &now.sql_text()], |row| Ok(stored(row)))
        .optional()?
        .flatten();
    // The database compared texts; one of another shape (a `T`, a zone) may end earlier than it looks.
    Ok(found.filter(|stored| stored.expire_date > now))""",
        """WHERE session_key = ?1 COLLATE BINARY AND expire_date >= ?2",
        )?
        .query_row([key.as_str(), &now.sql_text()], |row| Ok(stored(row)))
        .optional()?
        .flatten();
    Ok(found.filter(|stored| stored.expire_date >= now))""",
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
        "WHERE expire_date < ?1 LIMIT ?2",
        "WHERE expire_date <= ?1 LIMIT ?2",
        CONTRACT,
    ),
    Bug(
        "a password is written over one that was changed meanwhile",
        USERS,
        "(?3 IS NULL OR password = ?3)",
        "(?3 IS NULL OR ?3 = ?3)",
        CONTRACT,
    ),
    Bug(
        "the first superuser can be made twice",
        USERS,
        "if condition == CreateUser::OnlyTheFirst && any(connection)? {",
        "if condition == CreateUser::OnlyTheFirst && !user.is_active {",
        CONTRACT,
    ),
    Bug(
        "permissions of groups do not count",
        "crates/stores/src/sqlite/permissions.rs",
        "WHERE auth_user_groups.user_id = ?1)",
        "WHERE auth_user_groups.user_id = -?1)",
        sqlite("permissions::permissions_are_the_user_s_own_and_those_of_the_groups"),
    ),
]
