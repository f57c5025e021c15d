//! Pickles in Redis, which ends them by itself: a read and a new session are one plain command.

use std::time::SystemTime;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, Cmd, Script};

use super::Data;
use crate::engines;
use crate::limit::{date, pickle};

pub(in crate::limit) struct Cache {
    connection: MultiplexedConnection,
    prefix: String,
    replace: Script,
}

/// Writes only over what was seen.
const REPLACE: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1";

impl Cache {
    pub(super) async fn open(url: &str, key_prefix: &str) -> Self {
        let mut connection = engines::redis::connect(url).await;
        let replace = Script::new(REPLACE);
        let loaded = replace.prepare_invoke().load_async(&mut connection).await;
        drop(loaded.expect("the server answers"));
        Self {
            connection,
            prefix: format!("{key_prefix}:1:django.contrib.sessions.cache"),
            replace,
        }
    }

    pub(super) async fn user_id(&self, key: &str) -> Option<String> {
        let pickle = self.load(key).await?;
        Some(pickle::read(&pickle)?.user_id.into_owned())
    }

    pub(super) async fn create(&self, key: &str, data: &Data<'_>, end: SystemTime) {
        let mut command = redis::cmd("SET");
        command.arg(self.key(key)).arg(pickle::write(data));
        command.arg("NX").arg("PXAT").arg(millis(end));
        let kept: bool = self.ask(&command).await;
        assert!(kept, "the key is new");
    }

    pub(super) async fn count(&self, key: &str, end: SystemTime) -> Option<u64> {
        let seen = self.load(key).await?;
        let mut data = pickle::read(&seen)?;
        let visits = data.visits.unwrap_or(0) + 1;
        data.visits = Some(visits);
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.replace.get_hash()).arg(1);
        command.arg(self.key(key)).arg(&seen);
        command.arg(pickle::write(&data)).arg(millis(end));
        let replaced: bool = self.ask(&command).await;
        replaced.then_some(visits)
    }

    async fn load(&self, key: &str) -> Option<Vec<u8>> {
        let found = self.connection.clone().get(self.key(key)).await;
        found.expect("the server answers")
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &Cmd) -> T {
        let answer = command.query_async(&mut self.connection.clone()).await;
        answer.expect("the server answers")
    }

    fn key(&self, key: &str) -> String {
        [&self.prefix, key].concat()
    }
}

fn millis(time: SystemTime) -> u64 {
    date::unix_micros(time) / 1000
}
