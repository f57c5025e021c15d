"""Links for a new password."""

from bug import Bug, core, vectors

RESET = "crates/core/src/auth/reset.rs"

MADE = core("auth::reset::tests::a_reset_token_is_django_s")
ENDS = core("auth::reset::tests::a_reset_token_ends_with_whatever_a_reset_changes")
TIMEOUT = core("auth::reset::tests::a_reset_token_is_valid_up_to_its_timeout_and_no_second_longer")
WHOLE = core("auth::reset::tests::a_reset_token_is_taken_whole_and_in_one_spelling")
FALLBACK = core("auth::reset::tests::a_reset_token_of_a_fallback_key_is_valid_and_none_is_made_with_it")

BUGS = [
    Bug(
        "a reset link outlives a new e-mail address",
        RESET,
        "{login}{seconds}{}\", user.id, user.password, user.email)",
        "{login}{seconds}{}\", user.id, user.password, \"\")",
        ENDS,
    ),
    Bug(
        "a reset link outlives the login that it led to",
        RESET,
        "user.last_login.map_or_else(",
        "None::<Timestamp>.map_or_else(",
        ENDS,
    ),
    Bug("a reset link is valid for ever", RESET, "verifies && self.seconds(now) <= limit", "verifies && limit > 0", TIMEOUT),
    Bug("a reset link ends a second early", RESET, "self.seconds(now) <= limit", "self.seconds(now) < limit", TIMEOUT),
    Bug(
        "a reset token's MAC is not looked at",
        RESET,
        "found | same(expected.as_bytes(), token.as_bytes())",
        "found | same(&expected.as_bytes()[..7], &token.as_bytes()[..7.min(token.len())])",
        WHOLE,
    ),
    Bug(
        "a huge time in a reset token is worked on",
        RESET,
        "time.len() > ResetTokens::LONGEST_TIME",
        "time.is_empty()",
        core("auth::reset::tests::a_huge_time_in_a_reset_token_costs_nothing"),
    ),
    Bug(
        "a reset token has a fraction of the login's second",
        RESET,
        "Timestamp::from_unix_seconds(wall.unix_seconds()).sql_text()",
        "wall.sql_text()",
        MADE,
    ),
    Bug(
        "reset links of a fallback key are refused",
        RESET,
        "self.hashers.iter().fold(",
        "self.hashers[..1].iter().fold(",
        FALLBACK,
    ),
    Bug("reset tokens count UTC's seconds in every zone", RESET, "self.clock.wall(now)", "now", vectors()),
    Bug("a login's date is UTC's where dates are local", RESET, "self.columns.wall(login)", "login", vectors()),
]
