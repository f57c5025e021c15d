//! A new database with sessions that have expired, filled by its own means and not by our store.

use std::io;
use std::sync::Arc;

use cloakroom_core::session::Store;
use rusqlite::Connection;

use super::Engine;
use crate::engines::{mysql, postgres, sqlite};
use cloakroom_testing::servers::{MariaDb, Postgres};

/// What a statement is sent by.
pub(super) enum Database {
    Sqlite {
        connection: Connection,
        _folder: tempfile::TempDir,
    },
    Postgres {
        server: Postgres,
        name: String,
    },
    MariaDb {
        server: MariaDb,
        name: String,
    },
}

impl Database {
    pub(super) async fn new(engine: Engine) -> (Self, Arc<dyn Store>) {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("the temporary folder is writable");
                let path = folder.path().join("site.db");
                let store = sqlite::store(&path).await;
                let connection = Connection::open(path).expect("it was made just above");
                // What is made here is lost if the machine stops, and nobody minds.
                connection
                    .execute_batch("PRAGMA synchronous=OFF")
                    .expect("SQLite knows it");
                let this = Self::Sqlite {
                    connection,
                    _folder: folder,
                };
                (this, Arc::new(store))
            }
            Engine::Postgres => {
                let server = Postgres::start(&[]);
                let url = server.database();
                let store = postgres::store(&url).await;
                let name = name_in(&url);
                (Self::Postgres { server, name }, Arc::new(store))
            }
            Engine::Mysql => {
                // The server's own default, of which the tests' servers take less.
                let server = MariaDb::start(&["--innodb-buffer-pool-size=128M"]);
                let url = server.database();
                let store = mysql::store(&url).await;
                let name = name_in(&url);
                (Self::MariaDb { server, name }, Arc::new(store))
            }
        }
    }

    /// Makes sessions that have ended one second after the other, the last one just now. Their keys are in no order,
    /// as random ones are.
    pub(super) fn fill(
        &self,
        rows: u64,
        text: &str,
        mut so_far: impl FnMut(u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut made = 0;
        while made < rows {
            let (first, last) = (made + 1, rows.min(made + AT_ONCE));
            self.execute(&match self {
                Self::Sqlite { .. } => format!(
                    "WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) \
                     INSERT INTO django_session (session_key, session_data, expire_date) \
                     SELECT lower(hex(randomblob(16))), '{text}', \
                     strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || n || ' seconds') FROM numbers"
                ),
                Self::Postgres { .. } => format!(
                    "INSERT INTO django_session (session_key, session_data, expire_date) \
                     SELECT md5(n::text), '{text}', now() - n * interval '1 second' FROM generate_series({first}, {last}) n"
                ),
                Self::MariaDb { name, .. } => format!(
                    "INSERT INTO {name}.django_session (session_key, session_data, expire_date) \
                     SELECT md5(seq), '{text}', utc_timestamp(6) - INTERVAL seq SECOND FROM {name}.seq_{first}_to_{last}"
                ),
            });
            made = last;
            so_far(made)?;
        }
        Ok(())
    }

    /// Has the server finish what it put off while it was filled, as it has on any day but the first.
    pub(super) fn settle(&self) {
        match self {
            Self::Sqlite { connection, .. } => {
                let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
                let done = connection.query_row(checkpoint, [], |_| Ok(()));
                done.expect("nobody else uses it");
            }
            Self::Postgres { .. } => {
                self.execute("VACUUM ANALYZE django_session");
                self.execute("CHECKPOINT");
            }
            Self::MariaDb { name, .. } => {
                self.execute(&format!("ANALYZE TABLE {name}.django_session"));
            }
        }
    }

    /// How many sessions there are.
    pub(super) fn count(&self) -> u64 {
        let table = match self {
            Self::Sqlite { .. } | Self::Postgres { .. } => "django_session".to_owned(),
            Self::MariaDb { name, .. } => format!("{name}.django_session"),
        };
        let sql = format!("SELECT count(*) FROM {table}");
        let count = match self {
            Self::Sqlite { connection, .. } => {
                let count = connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
                count.expect("the table is there").to_string()
            }
            _ => self.execute(&sql),
        };
        count.trim().parse().expect("it is a number")
    }

    fn execute(&self, sql: &str) -> String {
        match self {
            Self::Sqlite { connection, .. } => {
                connection.execute_batch(sql).expect("the table is there");
                String::new()
            }
            Self::Postgres { server, name } => server.execute(name, sql),
            Self::MariaDb { server, .. } => server.execute(sql),
        }
    }
}

fn name_in(url: &str) -> String {
    let (_, name) = url.rsplit_once('/').expect("it ends with a name");
    name.to_owned()
}

/// Rows that are made by one statement.
const AT_ONCE: u64 = 50_000;
