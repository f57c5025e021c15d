"""What PostgreSQL and MySQL are asked to do, and what becomes of connections."""

from bug import Bug, mysql, postgres

STATEMENTS = "crates/stores/src/postgres/statement.rs"
MYSQL = "crates/stores/src/mysql/sessions.rs"
POOL = "crates/stores/src/mysql/pool.rs"

ON_POSTGRES = postgres("a_database_of_ours_keeps_the_contract")
ON_MYSQL = mysql("contract::a_database_of_ours_keeps_the_contract")

# How the lines of the SQL go on in the source.
NEXT = " \\\n" + " " * 17

THIS_KEY = 'WHERE {session_key} = $1 AND {session_key} COLLATE \\"C\\" = $1'
LIVES = " AND {expire_date} > $3"
SEEN = ' AND {session_data} COLLATE \\"C\\" = $2'
REPLACE = "UPDATE {table} SET {session_data} = $5, {expire_date} = $4" + NEXT + THIS_KEY + NEXT.rstrip(" ")
REPLACE_SEEN = REPLACE + " " * 16 + SEEN
DELETE_SEEN = "DELETE FROM {table} " + THIS_KEY + NEXT.rstrip(" ") + " " * 16 + SEEN

BUGS = [
    Bug(
        "PostgreSQL changes a session whatever it holds by now",
        STATEMENTS,
        REPLACE_SEEN + LIVES,
        REPLACE_SEEN.replace("= $2", "IS NOT NULL AND $2 = $2") + LIVES,
        ON_POSTGRES,
    ),
    Bug(
        "PostgreSQL changes a session that has expired",
        STATEMENTS,
        REPLACE_SEEN + LIVES,
        REPLACE_SEEN + " AND $3 = $3",
        ON_POSTGRES,
    ),
    Bug(
        "PostgreSQL deletes the session that was seen whatever it holds by now",
        STATEMENTS,
        DELETE_SEEN + LIVES,
        DELETE_SEEN.replace("= $2", "IS NOT NULL AND $2 = $2") + LIVES,
        ON_POSTGRES,
    ),
    Bug(
        "a new session in PostgreSQL overwrites the one that has its key",
        STATEMENTS,
        "ON CONFLICT ({session_key}) DO NOTHING",
        "ON CONFLICT ({session_key}) DO UPDATE SET {session_data} = $2",
        ON_POSTGRES,
    ),
    Bug(
        "PostgreSQL loads sessions that have expired",
        STATEMENTS,
        THIS_KEY + ' AND {expire_date} > $2",',
        THIS_KEY + ' AND $2 = $2",',
        ON_POSTGRES,
    ),
    Bug(
        "clearing waits for rows that somebody has locked",
        STATEMENTS,
        " FOR UPDATE SKIP LOCKED",
        " FOR UPDATE",
        postgres("failures::sessions_are_cleared_by_index_around_those_that_are_locked"),
    ),
    Bug(
        "a call that PostgreSQL undid is not made again",
        "crates/stores/src/postgres/error.rs",
        "            Self::Again\n        } else if",
        "            Self::Failed\n        } else if",
        postgres("failures::a_call_that_the_server_undid_is_made_again"),
    ),
    Bug(
        "MySQL changes and deletes a session whatever it holds by now",
        MYSQL,
        '"{this_key} AND {} AND {{expire_date}} > ?"',
        '"{this_key} AND ({} OR TRUE) AND {{expire_date}} > ?"',
        ON_MYSQL,
    ),
    Bug(
        "MySQL changes a session that has expired",
        MYSQL,
        '"{this_key} AND {} AND {{expire_date}} > ?"',
        '"{this_key} AND {} AND ({{expire_date}} > ? OR TRUE)"',
        ON_MYSQL,
    ),
    Bug(
        "a session in MySQL is found by every spelling of its key",
        MYSQL,
        "stored.filter(|_| found == key.as_str().as_bytes())",
        "stored.filter(|_| !found.is_empty())",
        mysql("collations::no_key_has_an_alias_under_any_collation"),
    ),
    Bug(
        "MySQL compares what was seen as its collation does",
        MYSQL,
        "CAST(CONVERT({column} USING utf8mb4) AS BINARY) = CAST(? AS BINARY)",
        "CONVERT({column} USING utf8mb4) = CONVERT(? USING utf8mb4)",
        mysql("collations::data_that_only_a_collation_takes_for_equal_has_changed"),
    ),
    Bug(
        "a row of MySQL that is as it was to be counts as missing",
        POOL,
        ".client_found_rows(true)",
        ".client_found_rows(false)",
        mysql("collations::writing_what_is_there_already_is_a_write"),
    ),
    Bug(
        "a call that MySQL undid is not made again",
        POOL,
        "Fate::Deadlock if attempt < ATTEMPTS => return None,",
        "Fate::Deadlock if attempt > ATTEMPTS => return None,",
        mysql("failures::a_deadlock_is_tried_again"),
    ),
    Bug(
        "a connection on which an answer is due is used by the next call",
        POOL,
        "        match (self.in_step, self.for_once) {\n            (true, false) =>",
        "        match (self.in_step, self.for_once) {\n            (_, false) =>",
        mysql("replies::a_call_that_is_given_up_leaves_its_reply_to_nobody"),
    ),
]
