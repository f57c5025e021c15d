"""Pickles, Redis, and Redis in front of a database."""

from bug import Bug, cached, core, redis

MACHINE = "crates/core/src/session/pickle/machine.rs"
TREE = "crates/core/src/session/pickle/tree.rs"
WRITER = "crates/core/src/session/pickle/writer.rs"
SCRIPTS = "crates/stores/src/redis/scripts.rs"
CACHED = "crates/stores/src/cached.rs"

CONTRACT = redis("contract::sessions_in_redis_keep_the_contract")

BUGS = [
    Bug(
        "what a pickle calls is passed over and the rest is read",
        MACHINE,
        "_ => return Err(PickleError::Unsupported),",
        "_ => {}",
        core("session::pickle::tests::nothing_that_names_or_calls_is_read"),
    ),
    Bug(
        "a tuple that nobody touched becomes a list",
        WRITER,
        "if text == raw {",
        "if text != raw {",
        core("session::pickle::tests::what_is_not_touched_stays_as_it_was"),
    ),
    Bug(
        "of two keys that are one name one gets lost",
        TREE,
        "if !same_kind(self.node(*first), self.node(*key)) {",
        "if *first > *key && !same_kind(self.node(*first), self.node(*key)) {",
        core("session::pickle::tests::two_keys_of_one_name_are_no_session"),
    ),
    Bug(
        "Redis replaces whatever is there",
        SCRIPTS,
        "if kept ~= ARGV[1] then {found} end\nif ARGV[4]",
        "if ARGV[4]",
        CONTRACT,
    ),
    Bug(
        "Redis deletes whatever is there",
        SCRIPTS,
        "if ARGV[2] and not ended and kept ~= ARGV[2] then {found} end\n",
        "",
        CONTRACT,
    ),
    Bug(
        "a new session in Redis overwrites the one that has its key",
        SCRIPTS,
        "redis.call('SET', KEYS[1], ARGV[1], 'NX')",
        "redis.call('SET', KEYS[1], ARGV[1])",
        CONTRACT,
    ),
    Bug(
        "sessions in Redis have no end",
        SCRIPTS,
        "redis.call('PEXPIREAT', KEYS[1], ARGV[2])",
        "redis.call('PERSIST', KEYS[1])",
        redis("values::keys_and_lifetimes_are_django_s"),
    ),
    Bug(
        "the cache is told of a logout only before it",
        CACHED,
        "                    self.0.cache.block(key).await?;\n",
        "",
        cached("a_write_that_begins_within_a_slow_logout_brings_nothing_back"),
    ),
    Bug(
        "a slow write puts its session into the cache whatever is there by now",
        SCRIPTS,
        "if redis.call('GET', KEYS[1]) == ARGV[1] then\n",
        "if ARGV[1] then\n",
        cached("a_slow_write_does_not_bring_back_what_was_logged_out"),
    ),
    Bug(
        "the cache is not told of a logout when it fails",
        CACHED,
        "        self.0.cache.block(key).await?;\n        let row",
        "        let _ = self.0.cache.block(key).await;\n        let row",
        cached("a_cache_that_fails_leaves_the_work_to_the_database_and_logouts_undone"),
    ),
]
