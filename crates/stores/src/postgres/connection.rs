//! One connection: how it is made, what it is asked, and how it ends.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_core::Stream as _;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::error::refuses_options;
use super::statement::{Statement, Statements};

/// A connection to the server, and the statements that it has prepared.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    /// What reads and writes the socket.
    task: AbortHandle,
    tls: Hidden<MakeRustlsConnect>,
    /// None where every statement is sent whole, see [`Sharing`].
    prepared: Option<Box<[OnceCell<tokio_postgres::Statement>]>>,
}

/// What a statement gave.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// How many rows it found or changed.
    pub(super) count: u64,
}

/// Whether a pooler stands in between that gives each transaction another of the server's connections, such as
/// PgBouncer in its transaction mode.
///
/// Then nothing outlasts a transaction: no setting and no prepared statement. Worse, a statement may be found that
/// another program has prepared under the same name. So it is noticed before anything is prepared, and remembered:
/// the timeouts that a connection asks for when it begins are refused, or are not what is in force afterwards.
#[derive(Debug, Default)]
pub(super) struct Sharing(AtomicBool);

impl Sharing {
    pub(super) fn is_noticed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn notice(&self) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "a pooler shares out the database's connections: statements are not prepared"
            );
        }
    }
}

/// How long the server itself waits before it gives up, so that its error arrives before our deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) lock: Duration,
    pub(super) statement: Duration,
}

impl Link {
    /// Connects and signs in. Whoever calls this has a deadline.
    pub(super) async fn open(
        address: &Address,
        timeouts: Timeouts,
        sharing: &Sharing,
    ) -> Result<Self, Error> {
        if !sharing.is_noticed() {
            match Self::alone(address, timeouts).await {
                Err(error) if refuses_options(&error) => sharing.notice(),
                Ok(None) => sharing.notice(),
                Ok(Some(link)) => return Ok(link),
                Err(error) => return Err(error),
            }
        }
        Self::connect(address, address.config.clone(), false).await
    }

    /// A connection with our timeouts; `None` if the server did not get to know them.
    async fn alone(address: &Address, timeouts: Timeouts) -> Result<Option<Self>, Error> {
        let mut config = address.config.clone();
        let lock = timeouts.lock.as_millis().max(1).to_string();
        let statement = timeouts.statement.as_millis().max(1);
        // The last one of a name counts, so what the URL asks for stands first.
        let options = format!(
            "{} -c lock_timeout={lock} -c statement_timeout={statement}",
            config.get_options().unwrap_or_default()
        );
        config.options(options.trim());
        let link = Self::connect(address, config, true).await?;
        let rows = link
            .client
            .simple_query("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")
            .await?;
        let known = rows.iter().any(
            |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(&lock)),
        );
        Ok(known.then_some(link))
    }

    async fn connect(
        address: &Address,
        config: tokio_postgres::Config,
        prepares: bool,
    ) -> Result<Self, Error> {
        let (client, connection) = config.connect(address.tls.clone()).await?;
        let name = address.name.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(
                    "a connection to the database {name} ended: {}",
                    super::error::explain(&name, &error)
                );
            }
        });
        Ok(Self {
            client,
            task: task.abort_handle(),
            tls: Hidden(address.tls.clone()),
            prepared: prepares.then(|| (0..Statements::COUNT).map(|_| OnceCell::new()).collect()),
        })
    }

    /// Has the server run a statement. Others may be on their way on the same connection: each answer goes to
    /// whoever asked, also when somebody in between has stopped waiting.
    pub(super) async fn run(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, Error> {
        let stream = match self.prepared.as_deref().zip(statement.place) {
            Some((prepared, place)) => {
                let prepare = || self.client.prepare_typed(&statement.sql, &statement.types);
                let prepared = prepared[place].get_or_try_init(prepare).await?;
                let parameters = parameters.iter().copied();
                self.client.query_raw(prepared, parameters).await?
            }
            None => {
                let types = statement.types.iter().cloned();
                let parameters = parameters.iter().copied().zip(types);
                self.client
                    .query_typed_raw(&statement.sql, parameters)
                    .await?
            }
        };
        let mut stream = pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
            rows.push(row?);
        }
        Ok(Answer {
            count: stream.rows_affected().unwrap_or(0),
            rows,
        })
    }

    /// Has the server run several statements without parameters.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Closes the connection at once, and asks the server to stop what it does for it: a call that we no longer
    /// wait for would go on, and hold its locks.
    pub(super) fn give_up(&self) {
        self.task.abort();
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let token = self.client.cancel_token();
        let tls = self.tls.0.clone();
        runtime.spawn(async move {
            let _ = tokio::time::timeout(CANCEL, token.cancel_query(tls)).await;
        });
    }
}

/// A server that does not take a request to stop within this time is not worth waiting for.
const CANCEL: Duration = Duration::from_secs(1);

/// Something that has no `Debug` of its own.
struct Hidden<T>(T);

impl<T> std::fmt::Debug for Hidden<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("..")
    }
}
