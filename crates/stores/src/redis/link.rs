//! The one connection that all calls share, made again when it has failed.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use cloakroom_core::session::StoreError;
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisError, ServerErrorKind, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::error::{Failure, unanswered};
use super::place::Place;
use super::scripts::Call;

/// One attempt to connect takes no longer, so that a network which swallows packets is tried again soon.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How long a Cluster that is changing is left alone before it is asked again.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Link {
    place: Place,
    deadline: Duration,
    live: RwLock<Option<Live>>,
    /// Held by the one who connects; the others wait for its connection.
    connecting: Mutex<Connector>,
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
        Self {
            place,
            deadline,
            live: RwLock::new(None),
            connecting: Mutex::default(),
        }
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// What the server says to `call`, without the key that each answer begins with.
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Vec<Value>, StoreError> {
        let until = Instant::now() + self.deadline;
        let mut used = None;
        let answer = timeout_at(until, self.ask_on(call, &mut used)).await;
        match answer {
            Ok(answer) => answer.map_err(|failure| failure.explain(&self.place)),
            Err(_) => {
                // Whatever comes on it now comes too late.
                if let Some(number) = used {
                    self.drop_live(number);
                }
                Err(unanswered(&self.place))
            }
        }
    }

    async fn ask_on(&self, call: &Call<'_>, used: &mut Option<u64>) -> Result<Vec<Value>, Failure> {
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
        let answer = timeout(self.deadline, ask).await;
        let answer: Result<Value, Failure> = answer.map_err(|_| unanswered(&self.place))?;
        let answer = answer.and_then(|value| Ok(value.extract_error()?));
        answer.map_err(|failure| failure.explain(&self.place))
    }

    /// The connection, made if there is none.
    async fn live(&self) -> Result<Live, Failure> {
        if let Some(live) = self.current() {
            return Ok(live);
        }
        let mut connector = self.connecting.lock().await;
        // Whoever held the lock has made one, if it could.
        if let Some(live) = self.current() {
            return Ok(live);
        }
        let connection = timeout(ATTEMPT, connector.connect(&self.place, self.deadline)).await;
        let connection = connection.map_err(|_| Failure::NotConnected)??;
        connector.made += 1;
        let live = Live {
            number: connector.made,
            connection,
        };
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
        Ok(live)
    }

    fn current(&self) -> Option<Live> {
        // Nobody panics with this lock held, and no half of a connection is ever kept.
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.clone()
    }

    fn drop_live(&self, number: u64) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if live.as_ref().is_some_and(|live| live.number == number) {
            *live = None;
        }
    }
}

impl Connector {
    async fn connect(
        &mut self,
        place: &Place,
        deadline: Duration,
    ) -> Result<Connection, RedisError> {
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
    async fn ask(self, call: &Call<'_>) -> Result<Vec<Value>, Failure> {
        match self {
            Self::One(mut one) => match one.req_packed_command(&call.by_hash()).await {
                Err(error) if is_unknown(&error) => {
                    call.read(one.req_packed_command(&call.whole()).await?)
                }
                answer => match call.read(answer?) {
                    Err(Failure::Redis(error)) if is_unknown(&error) => {
                        call.read(one.req_packed_command(&call.whole()).await?)
                    }
                    answer => answer,
                },
            },
            Self::Cluster(mut cluster) => loop {
                let answer = Self::ask_cluster(&mut cluster, call).await;
                match answer {
                    // Said by a node that did nothing: the call's own deadline ends this.
                    Err(failure) if failure.is_for_another_node() => sleep(PAUSE).await,
                    answer => return answer,
                }
            },
        }
    }

    /// One node's answer; a node that names another one is believed once.
    async fn ask_cluster(
        cluster: &mut ClusterConnection,
        call: &Call<'_>,
    ) -> Result<Vec<Value>, Failure> {
        let mut command = call.by_hash();
        let mut answer = cluster.req_packed_command(&command).await;
        if answer.as_ref().is_err_and(is_unknown) {
            command = call.whole();
            answer = cluster.req_packed_command(&command).await;
        }
        let Err(error) = &answer else {
            return call.read(answer?);
        };
        let Some((address, _)) = error.redirect_node() else {
            return call.read(answer?);
        };
        let Some((host, port)) = address.rsplit_once(':') else {
            return call.read(answer?);
        };
        let Ok(port) = port.parse() else {
            return call.read(answer?);
        };
        let node = SingleNodeRoutingInfo::ByAddress {
            host: host.to_owned(),
            port,
        };
        let whole = call.whole();
        if error.kind() == redis::ErrorKind::Server(ServerErrorKind::Ask) {
            let mut asking = redis::pipe();
            asking.cmd("ASKING").ignore().add_command(whole);
            let mut answers = cluster.route_pipeline(asking, 0, 2, node).await?;
            return call.read(answers.pop().unwrap_or(Value::Nil));
        }
        let routing = RoutingInfo::SingleNode(node);
        call.read(cluster.route_command(whole, routing).await?)
    }
}

/// True if the server does not have the script.
fn is_unknown(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript)
}
