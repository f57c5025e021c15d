"""Links for a new password, access and refresh tokens, tickets."""

from bug import Bug, core, stack, vectors

RESET = "crates/core/src/auth/reset.rs"
JWT = "crates/core/src/auth/jwt.rs"
KEY = "crates/core/src/auth/jwt/key.rs"
CLAIMS = "crates/core/src/auth/jwt/claims.rs"
FAMILIES = "crates/core/src/auth/families.rs"
TICKETS = "crates/core/src/auth/tickets.rs"
BEARER = "crates/web/src/tokens/bearer.rs"

MADE = core("auth::reset::tests::a_reset_token_is_django_s")
ENDS = core("auth::reset::tests::a_reset_token_ends_with_whatever_a_reset_changes")
TIMEOUT = core("auth::reset::tests::a_reset_token_is_valid_up_to_its_timeout_and_no_second_longer")
WHOLE = core("auth::reset::tests::a_reset_token_is_taken_whole_and_in_one_spelling")
FALLBACK = core("auth::reset::tests::a_reset_token_of_a_fallback_key_is_valid_and_none_is_made_with_it")
HEADER = core("auth::jwt::tests::a_header_that_names_an_algorithm_or_a_key_of_its_own_is_refused")
ASKED = core("auth::jwt::tests::every_claim_that_says_who_when_and_for_whom_is_asked")
NAMED = core("auth::jwt::tests::a_site_with_a_name_takes_only_what_is_for_it")
PASSWORD = core("auth::jwt::tests::a_token_ends_with_its_user_s_password_and_with_the_user")
TWENTY = stack("tokens::of_twenty_requests_with_one_refresh_token_one_succeeds_and_the_family_ends")
REUSE = stack("tokens::a_refresh_token_that_was_exchanged_before_ends_its_family_and_no_other")
FAMILY_ENDS = stack("tokens::a_family_ends_with_a_logout_with_the_password_and_with_the_user")

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
    Bug(
        "a token's signature is not looked at",
        KEY,
        "!same(self.signature(text).as_bytes(), signature.as_bytes())",
        "signature.len() != self.signature(text).len()",
        core("auth::jwt::tests::a_token_signed_with_another_key_is_nobody_s"),
    ),
    Bug("a token of any algorithm is read", KEY, '"alg" => value == "HS256",', '"alg" => value.is_string(),', HEADER),
    Bug("any key's name is taken", KEY, '"kid" => value == self.id.as_str(),', '"kid" => value.is_string(),', HEADER),
    Bug("what a token's header asks for is overlooked", KEY, "            _ => false,", "            _ => true,", HEADER),
    Bug(
        "a refresh token is an access token",
        CLAIMS,
        "if text(TOKEN_TYPE) != Some(kind.word())",
        "if text(TOKEN_TYPE).is_none()",
        ASKED,
    ),
    Bug("a token is valid for ever", CLAIMS, ".filter(|end| *end > seconds)", ".filter(|end| *end > 0.0)", ASKED),
    Bug("a token for somebody else is taken", CLAIMS, "_ => false,", "_ => true,", ASKED),
    Bug("a token of any issuer is taken", CLAIMS, '&& text("iss") != Some(issuer)', "&& issuer.is_empty()", NAMED),
    Bug("a token outlives its user's password", JWT, "&& made_here && !revoked", "&& !revoked", PASSWORD),
    Bug("a token outlives its user", JWT, "user.is_active && user.id == claims.user_id", "user.id == claims.user_id", PASSWORD),
    Bug(
        "an access token lives as long as a site likes",
        JWT,
        "access.min(Self::LONGEST_ACCESS)",
        "access",
        core("auth::jwt::tests::a_token_ends_at_its_second_without_grace"),
    ),
    Bug(
        "of several who exchange a refresh token at once all succeed",
        FAMILIES,
        "self.ledger.replace(&entry, &json, end, now).await? == Change::Done",
        "self.ledger.replace(&entry, &json, end, now).await.is_ok()",
        TWENTY,
    ),
    Bug(
        "a refresh token is good twice",
        FAMILIES,
        "kept.jti == claims.id",
        "!kept.jti.is_empty()",
        REUSE,
    ),
    Bug(
        "a refresh token that is used again leaves its family alone",
        FAMILIES,
        """        self.end_family(family, now).await?;
        Ok(Exchanged::Ended)
    }""",
        """        Ok(Exchanged::Ended)
    }""",
        REUSE,
    ),
    Bug(
        "a family lives as long as it is exchanged",
        FAMILIES,
        "family_end.map_or(end, |last| last.min(end))",
        "family_end.map_or(end, |last| last.max(end))",
        core("auth::families::tests::a_family_ends_at_its_time_however_often_its_tokens_are_exchanged"),
    ),
    Bug(
        "a family outlives its user's password for those who wait",
        FAMILIES,
        """            self.end_family(family, now).await?;
            return Ok(Exchanged::Ended);""",
        "            return Ok(Exchanged::Ended);",
        FAMILY_ENDS,
    ),
    Bug(
        "a session's logout leaves the tokens that it was given",
        "crates/web/src/visit.rs",
        "(Ok(()), Some(login)) => Box::pin(site.end_tokens(login)).await",
        "(Ok(()), Some(_)) => Ok(())",
        stack("tokens::a_session_s_logout_ends_the_tokens_that_were_handed_out_in_it"),
    ),
    Bug(
        "a session's tokens are bound to its key",
        "crates/core/src/session/state.rs",
        """    pub fn cycle_key(&mut self) {
""",
        """    pub fn cycle_key(&mut self) {
        self.remove(TOKEN_LOGIN_NAME);
""",
        stack("tokens::tokens_of_a_session_end_with_its_login_and_not_with_its_key"),
    ),
    Bug(
        "a session that is ended from elsewhere leaves its tokens",
        "crates/web/src/auth/sessions.rs",
        "site.end_tokens(&login).await?",
        "drop(login)",
        stack("tokens::a_session_that_is_ended_from_elsewhere_takes_its_tokens_along"),
    ),
    Bug(
        "a Django's refresh token is exchanged unasked",
        FAMILIES,
        "self.takes_foreign && self.take_foreign",
        "self.take_foreign",
        stack("tokens::a_refresh_token_of_a_django_s_is_exchanged_once_where_the_site_says_so"),
    ),
    Bug(
        "what a token opens varies by nothing",
        "crates/web/src/finish.rs",
        "if state.reads_authorization ||",
        "if",
        stack("tokens::what_a_token_opens_is_for_nobody_without_it"),
    ),
    Bug(
        "what a token opens is for every cache",
        "crates/web/src/finish.rs",
        "|| state.bearer.is_some();",
        "&& state.bearer.is_none();",
        stack("tokens::what_a_token_opens_is_for_nobody_without_it"),
    ),
    Bug("a ticket opens twice", TICKETS, "first.then_some(ticket)", "(first || true).then_some(ticket)", stack("tickets::a_ticket_opens_once")),
    Bug(
        "a ticket is good for an hour",
        TICKETS,
        "MAX_AGE: u64 = 30;",
        "MAX_AGE: u64 = 3600;",
        stack("tickets::a_ticket_ends_after_half_a_minute_and_with_its_user"),
    ),
    Bug(
        "of two Authorization headers the first counts",
        BEARER,
        "let (Some(value), None) = (sent.next(), sent.next()) else {",
        "let (Some(value), _) = (sent.next(), sent.next()) else {",
        stack("tokens::a_bad_token_never_falls_back_to_the_visitor_s_session"),
    ),
]
