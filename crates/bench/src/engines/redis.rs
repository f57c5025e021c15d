//! Redis by the `redis` crate alone: one of its multiplexed connections and our scripts, which the server knows.

use std::sync::Arc;

use cloakroom_core::session::{Record, SessionData, SessionKey, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::RedisStore;
use cloakroom_stores::redis::RedisOptions;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Script};

use super::side::Side;

pub(super) fn store(url: &str, key_prefix: &str) -> RedisStore {
    let options = RedisOptions {
        key_prefix: key_prefix.to_owned(),
        ..RedisOptions::default()
    };
    RedisStore::open_with(url, options).expect("it is the server's URL")
}

pub(super) struct Bare {
    connection: MultiplexedConnection,
    prefix: String,
    load: Script,
    create: Script,
    replace: Script,
}

/// What our store's scripts begin with that look at what is there.
const FIND: &str = "\
local kept = redis.call('GET', KEYS[1])
if kept and string.sub(kept, -2) == 'N.' then kept = false end
local at, left = -3, -1
if kept then
  at = redis.pcall('PEXPIRETIME', KEYS[1])
  if type(at) == 'table' then at = -3; left = redis.call('PTTL', KEYS[1]) end
end";

const LOAD: &str = "
if not kept then return KEYS[1] .. '\\n-' end
return KEYS[1] .. string.format('\\n=%.0f %.0f ', at, left) .. kept";

const CREATE: &str = "\
if not redis.call('SET', KEYS[1], ARGV[1], 'NX') then return KEYS[1] .. '\\n-' end
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return KEYS[1] .. '\\n+'";

const REPLACE: &str = "
if not kept or (at >= 0 and at <= tonumber(ARGV[2])) then return KEYS[1] .. '\\n-' end
if kept ~= ARGV[1] then return KEYS[1] .. string.format('\\n=%.0f %.0f ', at, left) .. kept end
if ARGV[4] then redis.call('SET', KEYS[1], ARGV[4]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return KEYS[1] .. '\\n+'";

/// One of the driver's multiplexed connections, without its deadlines.
pub(crate) async fn connect(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("it is the server's URL");
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    connection.await.expect("the server answers")
}

impl Bare {
    pub(super) async fn open(url: &str, key_prefix: &str) -> Self {
        let this = Self {
            connection: connect(url).await,
            prefix: format!("{key_prefix}:1:{}", RedisOptions::CACHE),
            load: Script::new(&[FIND, LOAD].concat()),
            create: Script::new(CREATE),
            replace: Script::new(&[FIND, REPLACE].concat()),
        };
        for script in [&this.load, &this.create, &this.replace] {
            let mut connection = this.connection.clone();
            let loaded = script.prepare_invoke().load_async(&mut connection).await;
            drop(loaded.expect("the server answers"));
        }
        this
    }

    fn call(&self, script: &Script, key: &SessionKey) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        let key = [self.prefix.as_bytes(), key.as_str().as_bytes()].concat();
        command.arg(script.get_hash()).arg(1).arg(key);
        command
    }

    async fn ask(&mut self, command: Cmd) -> Vec<u8> {
        let answer = command.query_async(&mut self.connection).await;
        answer.expect("the server answers")
    }
}

impl Side for Bare {
    async fn load(&mut self, key: &SessionKey, _: Timestamp) -> Option<SessionData> {
        let command = self.call(&self.load, key);
        let answer = self.ask(command).await;
        let value = answer.splitn(3, |byte| *byte == b' ').nth(2)?;
        SessionData::from_pickle(value).ok()
    }

    async fn create(&mut self, key: &SessionKey, record: &Record) -> Option<Version> {
        let pickle = record.pickled();
        let mut command = self.call(&self.create, key);
        command.arg(&**pickle).arg(millis(record.expire_date()));
        let answer = self.ask(command).await;
        answer
            .ends_with(b"\n+")
            .then(|| Version::of_bytes(Arc::clone(pickle)))
    }

    async fn replace(
        &mut self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Option<Version> {
        let pickle = record.pickled();
        let mut command = self.call(&self.replace, key);
        command.arg(seen.as_bytes()).arg(millis(now));
        command.arg(millis(record.expire_date())).arg(&**pickle);
        let answer = self.ask(command).await;
        answer
            .ends_with(b"\n+")
            .then(|| Version::of_bytes(Arc::clone(pickle)))
    }
}

const fn millis(time: Timestamp) -> i64 {
    time.unix_micros().div_euclid(1000)
}
