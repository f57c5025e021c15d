"""How many passwords may be tried, who is delayed, and what a failed login tells."""

from bug import Bug, core, pages, stack, web

THROTTLE = "crates/core/src/auth/throttle.rs"
LOCAL = "crates/core/src/auth/throttle/local.rs"
SHARED = "crates/core/src/auth/throttle/shared.rs"
DELAY = "crates/core/src/auth/throttle/delay.rs"
DEVICE = "crates/core/src/auth/throttle/device.rs"
TRACK = "crates/core/src/auth/throttle/track.rs"
GATE = "crates/web/src/auth/gate.rs"
WORKERS = "crates/web/src/auth/gate/workers.rs"
ATTEMPT = "crates/web/src/auth/attempt.rs"

CHANGING = core("auth::throttle::tests::changing_addresses_or_accounts_does_not_help")
SPELLINGS = core("auth::throttle::tests::every_spelling_of_a_name_is_one_account")
FORGIVEN = core("auth::throttle::tests::a_success_forgives_the_account_and_not_the_address")
TAKEN_BACK = core("auth::throttle::tests::a_try_that_was_none_is_taken_back")
TOGETHER = core("auth::throttle::tests::servers_count_together")
EXPIRED = core("auth::throttle::tests::what_has_expired_in_the_store_and_is_not_cleared_is_counted_anew")
SECRET = core("auth::throttle::tests::neither_the_log_nor_the_store_learns_names_or_addresses")
GROWS = core("auth::throttle::delay::tests::the_wait_grows_from_half_a_minute_to_an_hour_and_to_a_day")
FORGOTTEN = core("auth::throttle::delay::tests::what_is_long_ago_is_forgotten")
CLOCK = core("auth::throttle::delay::tests::a_clock_that_jumps_locks_nobody_out_for_longer_than_a_wait")
YEAR = core("auth::throttle::device::tests::a_browser_is_known_for_the_name_and_for_a_year")
CHANGED = core("auth::throttle::device::tests::a_browser_is_the_user_s_until_the_password_changes")
BOUNDED = core("auth::throttle::local::tests::however_many_come_no_more_is_kept_and_who_goes_on_is_not_forgotten")
WAITS = core("auth::throttle::local::tests::what_waits_for_one_reason_is_counted_for_none")
NETWORKS = core("auth::throttle::track::tests::a_network_of_ipv6_is_one_address_and_so_are_both_forms_of_ipv4")

AT_ONCE = stack("throttle::five_hundred_guesses_at_once_are_five")
TOLD = stack("throttle::whoever_has_failed_too_often_is_told_until_when_whether_there_is_such_a_user_or_not")
SAME = stack("throttle::a_failure_is_answered_at_its_time_and_with_the_same_bytes_whatever_the_reason")
OWNER = stack("throttle::a_stranger_who_guesses_locks_no_owner_out")
COOKIE = stack("throttle::the_cookie_of_a_known_browser_signs_nobody_in_and_ends_with_the_password")
FORGETS = stack("throttle::a_login_forgets_the_failures_of_its_account")
NOT_LOOKED_FOR = stack("throttle::who_cannot_be_looked_for_is_not_counted")
ANSWERS = stack("throttle::no_more_wait_for_an_answer_than_four_times_those_who_may_wait_for_a_turn")

FAIR = web("auth::gate::tests::one_who_asks_for_much_waits_for_himself")
KNOWN = web("auth::gate::tests::known_browsers_get_every_other_place")
ROOM = web("auth::gate::tests::whoever_has_most_in_a_full_line_makes_room")
PATIENCE = web("auth::gate::tests::nobody_waits_for_longer_than_the_patience")
THREADS = web("auth::gate::tests::no_more_work_at_once_than_threads_even_if_everybody_hangs_up")
NICE = web("auth::gate::tests::the_threads_give_way_to_everything_else_and_the_rest_does_not")

BUGS = [
    Bug(
        "a success forgives an address what it did to other accounts",
        THROTTLE,
        "            if place.forgives {\n                self.local.forget(place);",
        "            if true {\n                self.local.forget(place);",
        FORGIVEN,
    ),
    Bug(
        "a success is not told to the other servers",
        THROTTLE,
        "            if place.forgives {\n                shared.forget(place, now).await?;",
        "            if place.forgives {\n                let _ = shared;",
        TOGETHER,
    ),
    Bug(
        "a try that was none stays counted",
        THROTTLE,
        "        for place in &track.0 {\n            self.local.less_one(place);\n        }\n        if let Some(shared)",
        "        if let Some(shared)",
        TAKEN_BACK,
    ),
    Bug(
        "each server counts for itself",
        THROTTLE,
        "            match shared.count(place, now).await? {",
        "            if now > Timestamp::MIN {\n                break;\n            }\n"
        "            match shared.count(place, now).await? {",
        TOGETHER,
    ),
    Bug(
        "a spelling that only the database knows is counted for nobody",
        "crates/web/src/auth/attempt.rs",
        "throttle.track_spelling(typed, &user.username)",
        "throttle.track_spelling(typed, typed)",
        stack("throttle::a_spelling_that_only_the_database_knows_is_counted_for_its_user"),
    ),
    Bug(
        "spellings of a name are accounts of their own",
        THROTTLE,
        "Track::stranger(&self.hasher, &self.limits, &canonical_login(typed), address)",
        "Track::stranger(&self.hasher, &self.limits, typed, address)",
        SPELLINGS,
    ),
    Bug(
        "a try is counted although it has to wait",
        LOCAL,
        "        if let Some(until) = longest_wait(&generations, track, now) {\n            return Err(Throttled { until });\n        }\n        for place in &track.0 {",
        "        let until = longest_wait(&generations, track, now);\n        for place in &track.0 {",
        WAITS,
    ),
    Bug(
        "whoever goes on is forgotten with the older half",
        LOCAL,
        "*older = std::mem::take(newer);",
        "older.clear();\n            newer.clear();",
        BOUNDED,
    ),
    Bug(
        "counts take memory without bound",
        LOCAL,
        "if newer.len() >= self.capacity && !newer.contains_key(&place.key) {",
        "if newer.len() >= usize::MAX && !newer.contains_key(&place.key) {",
        BOUNDED,
    ),
    Bug(
        "only the first of several reasons makes one wait",
        LOCAL,
        "        .filter_map(|place| found(generations, &place.key).wait(&place.delays, now))\n        .max()",
        "        .take(1)\n        .filter_map(|place| found(generations, &place.key).wait(&place.delays, now))\n        .max()",
        CHANGING,
    ),
    Bug(
        "a count in the store that has expired stops counting for good",
        SHARED,
        "let _ = self.store.delete(key, Some(&expired), now).await?;",
        "let _ = expired;",
        EXPIRED,
    ),
    Bug(
        "the wait does not grow",
        DELAY,
        ".checked_shl(beyond)\n                    .filter(|wait| wait >> beyond == self.first);",
        ".checked_shl(0)\n                    .filter(|_| beyond < 32);",
        GROWS,
    ),
    Bug(
        "a wait that was doubled too often begins anew",
        DELAY,
        "                    .filter(|wait| wait >> beyond == self.first);",
        "                    .filter(|_| true);",
        GROWS,
    ),
    Bug(
        "a hundred failures cost no more than ten",
        DELAY,
        "Some(_) if failures >= self.enough => Self::DAY,",
        "Some(_) if failures == u32::MAX => Self::DAY,",
        GROWS,
    ),
    Bug(
        "nothing is ever forgotten",
        DELAY,
        "self.end(delays) <= now",
        "self.end(delays) <= Timestamp::MIN && now > Timestamp::MIN",
        FORGOTTEN,
    ),
    Bug(
        "a clock that is set back locks everybody out until then",
        DELAY,
        "            .last\n            .min(now)\n",
        "            .last\n",
        CLOCK,
    ),
    Bug(
        "the cookie of a known browser outlives the password",
        DEVICE,
        'format!("{id}.{length}.{user_id}{password}")',
        'format!("{id}.{length}.{user_id}{}", password.len().min(0))',
        CHANGED,
    ),
    Bug(
        "the cookie of a known browser is anybody's",
        DEVICE,
        "same(name.as_bytes(), self.name(typed).as_bytes()).then(|| Device {",
        "(!name.is_empty() && !self.name(typed).is_empty()).then(|| Device {",
        YEAR,
    ),
    Bug(
        "the cookie of a known browser is good for ever",
        DEVICE,
        "self.signer.unsign_within(cookie, Self::AGE, now).ok()?",
        "self.signer.unsign_within(cookie, Self::AGE * 1000, now).ok()?",
        YEAR,
    ),
    Bug(
        "each address of an IPv6 network is counted apart",
        TRACK,
        'IpAddr::V6(address) => format!("{:x}/64", address.to_bits() >> 64),',
        "IpAddr::V6(address) => address.to_string(),",
        NETWORKS,
    ),
    Bug(
        "an address is not counted",
        TRACK,
        '            places.push(place("address", address, limits.address, false));\n',
        "            let _ = limits.address;\n",
        CHANGING,
    ),
    Bug(
        "the store learns names and addresses",
        TRACK,
        '    let mut digits = hasher.hex(format!("{kind} {what}").as_bytes());',
        "    let hashed = hasher.hex(kind.as_bytes());\n"
        '    let mut digits = format!("{}{hashed}", what.replace(|c: char| !c.is_ascii_alphanumeric(), "x"));',
        SECRET,
    ),
    Bug(
        "a try is counted after its password was verified",
        ATTEMPT,
        "    attempt.count().await?;\n    let outcome = attempt.verify(place).await;",
        "    let outcome = attempt.verify(place).await;\n    attempt.count().await?;",
        AT_ONCE,
    ),
    Bug(
        "a failure is answered as soon as it is known",
        ATTEMPT,
        "            release(began, failure_time).await;\n            Ok(None)",
        "            let _ = (began, release);\n            Ok(None)",
        SAME,
    ),
    Bug(
        "a name that nobody has is answered at once",
        ATTEMPT,
        "            attempt.failed(failure);\n            release(began, failure_time).await;",
        "            let nobody = matches!(failure, Failure::UnknownUser);\n            attempt.failed(failure);\n"
        "            if !nobody {\n                release(began, failure_time).await;\n            }",
        SAME,
    ),
    Bug(
        "known browsers are counted with everybody else",
        ATTEMPT,
        "let track = self.throttle.as_ref()?.track_device(&device, now)?;",
        "let track = self.throttle.as_ref()?.track_device(&device, now)?;\n        let _ = track;\n"
        "        let track = self.throttle.as_ref()?.track(username, None);",
        OWNER,
    ),
    Bug(
        "a success forgives nothing",
        ATTEMPT,
        "            attempt.succeeded().await;\n",
        "",
        FORGETS,
    ),
    Bug(
        "a try at a store that fails stays counted",
        ATTEMPT,
        "            attempt.take_back().await;\n            Err(error)",
        "            Err(error)",
        NOT_LOOKED_FOR,
    ),
    Bug(
        "names that nobody has are not throttled",
        ATTEMPT,
        "        let counted = count(throttle, track, self.now).await;\n        if counted.is_err() {\n            self.tracks.clear();",
        "        let found = self.site.users.by_username(self.credentials.username).await;\n"
        "        if matches!(found, Ok(None)) {\n            return Ok(());\n        }\n"
        "        let counted = count(throttle, track, self.now).await;\n        if counted.is_err() {\n            self.tracks.clear();",
        TOLD,
    ),
    Bug(
        "the cookie of a known browser is believed whatever the password is by now",
        ATTEMPT,
        "if attempts.devices.knows(device, user) {",
        "if attempts.devices.knows(device, user) || !user.id.is_empty() {",
        COOKIE,
    ),
    Bug(
        "however many want an answer, all may wait for it",
        ATTEMPT,
        "answers: Semaphore::new(login.most_waiting.saturating_mul(4)),",
        "answers: Semaphore::new(Semaphore::MAX_PERMITS),",
        ANSWERS,
    ),
    Bug(
        "whoever hangs up makes room for another one's work",
        GATE,
        "        workers.start(Box::new(move || {\n            let done = work();\n            drop(self);",
        "        let this = self;\n        let _place = this;\n        workers.start(Box::new(move || {\n            let done = work();",
        THREADS,
    ),
    Bug(
        "everybody is served in the order in which they come",
        GATE,
        "        last.max(self.round) + 1\n",
        "        let _ = last;\n        self.round + 1\n",
        FAIR,
    ),
    Bug(
        "known browsers wait with everybody else",
        GATE,
        "        self.known_next = !known;\n",
        "        self.known_next = false;\n",
        KNOWN,
    ),
    Bug(
        "a full line is closed to those who asked for little",
        GATE,
        "Some((round, place)) if round > newcomer.round => {",
        "Some((round, place)) if round == u64::MAX => {",
        ROOM,
    ),
    Bug(
        "one waits for a password's turn as long as it takes",
        GATE,
        "        match tokio::time::timeout(patience, called).await {",
        "        match tokio::time::timeout(patience * 1000, called).await {",
        PATIENCE,
    ),
    Bug(
        "passwords are verified at the priority of requests",
        WORKERS,
        "        let _ = rustix::process::nice(19);\n",
        "",
        NICE,
    ),
    Bug(
        "what is counted opens as a session",
        THROTTLE,
        "let codec = Codec::new(secrets, Self::SALT, Compression::Never);",
        "let codec = Codec::new(secrets, Codec::DJANGO_SALT, Compression::Never);",
        stack("throttle::what_is_counted_is_no_session_and_names_nobody"),
    ),
    Bug(
        "what the store cannot count is not counted",
        ATTEMPT,
        """    throttle.count(track, now)?;
    match timeout(SHARED_PATIENCE, throttle.count_shared(track, now)).await {
        Ok(Ok(counted)) => counted,
""",
        """    match timeout(SHARED_PATIENCE, throttle.count_shared(track, now)).await {
        Ok(Ok(counted)) => counted.and_then(|()| throttle.count(track, now)),
""",
        stack("throttle::while_the_store_fails_the_server_counts_alone"),
    ),
    Bug(
        "whoever is signed in may guess the password",
        ATTEMPT,
        "    async fn count(&mut self) -> Result<(), Error> {\n",
        "    async fn count(&mut self) -> Result<(), Error> {\n"
        "        if self.credentials.again {\n            return Ok(());\n        }\n",
        pages("login_pages::whoever_has_taken_over_a_session_cannot_guess_the_password_there"),
    ),
    Bug(
        "one address gets as many letters as anybody asks for",
        "crates/web/src/pages/reset_mail.rs",
        "if !site.attempts.may_write_to(&user.email, now).await {",
        "if !site.attempts.may_write_to(&user.email, now).await && user.email.is_empty() {",
        pages("login_pages::a_thousand_requests_for_one_address_are_five_letters"),
    ),
]
