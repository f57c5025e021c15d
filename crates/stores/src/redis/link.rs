//! The one connection that all calls share, made again when it has failed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cloakroom_core::session::StoreError;
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::sentinel::SentinelClient;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value,
};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::error::{Failure, unanswered};
use super::place::Place;
use super::scripts::{Answer, Call};

/// One attempt to connect takes no longer, so that a network which swallows packets is tried again soon.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How long a Cluster that is changing is left alone before it is asked again.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(super) struct Link(Arc<Shared>);

struct Shared {
    place: Place,
    deadline: Duration,
    live: RwLock<Option<Live>>,
    /// Held while somebody connects; the others wait for that connection.
    connecting: Arc<Mutex<Connector>>,
}

/// A connection, and a number that no other one has.
#[derive(Clone)]
struct Live {
    number: u64,
    connection: Connection,
}

#[derive(Clone)]
enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

#[derive(Default)]
struct Connector {
    made: u64,
    /// Remembers which of the Sentinels answered.
    sentinels: Option<SentinelClient>,
}

impl Link {
    pub(super) fn new(place: Place, deadline: Duration) -> Self {
        Self(Arc::new(Shared {
            place,
            deadline,
            live: RwLock::new(None),
            connecting: Arc::default(),
        }))
    }

    pub(super) fn place(&self) -> &Place {
        &self.0.place
    }

    /// What the server says to `call`.
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Answer, StoreError> {
        let until = Instant::now() + self.0.deadline;
        let mut used = None;
        let answer = timeout_at(until, self.ask_on(call, &mut used)).await;
        match answer {
            Ok(answer) => answer.map_err(|failure| failure.explain(&self.0.place)),
            Err(_) => {
                // Whatever comes on it now comes too late.
                if let Some(number) = used {
                    self.drop_live(number);
                }
                Err(unanswered(&self.0.place))
            }
        }
    }

    async fn ask_on(&self, call: &Call<'_>, used: &mut Option<u64>) -> Result<Answer, Failure> {
        let mut again = call.is_repeatable();
        loop {
            let live = self.live().await?;
            *used = Some(live.number);
            let failure = match live.connection.ask(call).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if failure.breaks_the_connection() {
                self.drop_live(live.number);
            }
            if !(again && failure.is_of_the_connection()) {
                return Err(failure);
            }
            again = false;
        }
    }

    /// What the server, or one node of a Cluster, says to a command that is about itself.
    pub(super) async fn ask_about_itself(&self, command: &Cmd) -> Result<Value, StoreError> {
        let ask = async {
            match self.live().await?.connection {
                Connection::One(mut one) => Ok(one.req_packed_command(command).await?),
                Connection::Cluster(mut cluster) => {
                    let any = RoutingInfo::SingleNode(SingleNodeRoutingInfo::RandomPrimary);
                    Ok(cluster.route_command(command.clone(), any).await?)
                }
            }
        };
        let answer = timeout(self.0.deadline, ask).await;
        let answer: Result<Value, Failure> = answer.map_err(|_| unanswered(&self.0.place))?;
        let answer = answer.and_then(|value| Ok(value.extract_error()?));
        answer.map_err(|failure| failure.explain(&self.0.place))
    }

    /// The connection, made if there is none.
    async fn live(&self) -> Result<Live, Failure> {
        match self.current() {
            Some(live) => Ok(live),
            // In a box, as everything that is rare, so that every call is small.
            None => Box::pin(self.connected()).await,
        }
    }

    async fn connected(&self) -> Result<Live, Failure> {
        let mut connector = Arc::clone(&self.0.connecting).lock_owned().await;
        // Whoever held the lock has made one, if it could.
        if let Some(live) = self.current() {
            return Ok(live);
        }
        let link = self.clone();
        // In a task of its own: where all callers lose patience before a connection is made, there would never be one.
        let connecting = tokio::spawn(async move {
            let Shared {
                place, deadline, ..
            } = &*link.0;
            let connection = timeout(ATTEMPT, connector.connect(place, *deadline)).await;
            let connection = connection.map_err(|_| Failure::NotConnected)??;
            connector.made += 1;
            let live = Live {
                number: connector.made,
                connection,
            };
            *link.0.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
            Ok(live)
        });
        // It does not panic, and ends early only with the whole runtime.
        connecting.await.map_err(|_| Failure::NotConnected)?
    }

    fn current(&self) -> Option<Live> {
        // Nobody panics with this lock held, and no half of a connection is ever kept.
        let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
        live.clone()
    }

    fn drop_live(&self, number: u64) {
        let mut live = self.0.live.write().unwrap_or_else(PoisonError::into_inner);
        if live.as_ref().is_some_and(|live| live.number == number) {
            *live = None;
        }
    }
}

impl Connector {
    async fn connect(&mut self, place: &Place, deadline: Duration) -> RedisResult<Connection> {
        if place.uses_tls() {
            // Whose program chose another before has chosen.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        // The deadlines are ours.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let one = |client: Client| async move {
            client
                .get_multiplexed_async_connection_with_config(&config)
                .await
                .map(Connection::One)
        };
        match place {
            Place::Alone(info) => one(Client::open((**info).clone())?).await,
            Place::Sentinel {
                sentinels,
                name,
                master,
            } => {
                let client = match &mut self.sentinels {
                    Some(client) => client,
                    none => none.insert(Place::sentinel_client(sentinels, name, master)?),
                };
                one(client.async_get_client().await?).await
            }
            Place::Cluster(nodes) => {
                let client = Place::cluster_client(nodes)
                    // It would make a write again of which nobody knows whether it was done.
                    .retries(0)
                    .connection_timeout(ATTEMPT)
                    .response_timeout(deadline)
                    .build()?;
                client.get_async_connection().await.map(Connection::Cluster)
            }
        }
    }
}

impl Connection {
    async fn ask(self, call: &Call<'_>) -> Result<Answer, Failure> {
        match self {
            Self::One(mut one) => {
                let mut answer = said(one.req_packed_command(&call.by_hash()).await);
                if answer.as_ref().is_err_and(is_unknown) {
                    answer = said(one.req_packed_command(&call.whole()).await);
                }
                call.read(answer?)
            }
            Self::Cluster(cluster) => Box::pin(ask_nodes(cluster, call)).await,
        }
    }
}

/// The answer of the node that has the key, wherever that is by now.
async fn ask_nodes(mut cluster: ClusterConnection, call: &Call<'_>) -> Result<Answer, Failure> {
    loop {
        match ask_cluster(&mut cluster, call).await {
            // Said by a node that did nothing: the call's own deadline ends this.
            Err(failure) if failure.is_for_another_node() => sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// One node's answer; a node that names another one is believed once.
async fn ask_cluster(cluster: &mut ClusterConnection, call: &Call<'_>) -> Result<Answer, Failure> {
    let mut answer = said(cluster.req_packed_command(&call.by_hash()).await);
    if answer.as_ref().is_err_and(is_unknown) {
        answer = said(cluster.req_packed_command(&call.whole()).await);
    }
    let other = answer.as_ref().err().and_then(|error| {
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let node = SingleNodeRoutingInfo::ByAddress {
            host: host.to_owned(),
            port: port.parse().ok()?,
        };
        Some((
            node,
            error.kind() == ErrorKind::Server(ServerErrorKind::Ask),
        ))
    });
    let Some((node, asking)) = other else {
        return call.read(answer?);
    };
    let whole = call.whole();
    if !asking {
        let routing = RoutingInfo::SingleNode(node);
        return call.read(cluster.route_command(whole, routing).await?);
    }
    // The key is on its way from one node to the other.
    let mut both = redis::pipe();
    both.cmd("ASKING").add_command(whole);
    let mut answers = cluster.route_pipeline(both, 0, 2, node).await?;
    call.read(answers.pop().unwrap_or(Value::Nil))
}

/// The driver hands out some of the server's errors as values.
fn said(answer: RedisResult<Value>) -> RedisResult<Value> {
    answer?.extract_error()
}

/// True if the server does not have the script.
fn is_unknown(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
