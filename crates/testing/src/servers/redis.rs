//! Redis: alone, watched by Sentinels, or as a Cluster.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::process::Process;
use super::{free_port, missing, program};

/// How long a cluster or a failover may take to settle.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
}

impl Redis {
    /// Starts a server that keeps nothing on disk. `options` go on its command line, as `--appendonly yes` does.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        Self::start_on(free_port(), options)
    }

    fn start_on(port: u16, options: &[&str]) -> Self {
        let mut process = Process::new();
        let folder = process
            .folder()
            .to_str()
            .expect("a temporary folder's name")
            .to_owned();
        let port_text = port.to_string();
        let mut command = vec![program("redis-server", "redis-server").into_os_string()];
        let ours = [
            "--bind",
            "127.0.0.1",
            "--port",
            &port_text,
            "--dir",
            &folder,
            "--save",
            "",
        ];
        command.extend(ours.iter().chain(options).map(Into::into));
        process.set_command(command);
        let mut this = Self { process, port };
        this.restart();
        this
    }

    /// What of it is not installed, and the package to install; none if all is there.
    #[must_use]
    pub fn missing() -> Option<String> {
        missing(&[("redis-server", "redis-server")])
    }

    /// One for all tests of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Starts the server again after a [`Process::kill`].
    pub fn restart(&mut self) {
        let port = self.port;
        self.process
            .start(|| ask(port, "PING").is_some_and(|answer| answer.starts_with("+PONG")));
    }

    /// The server's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends one command, whose words hold no blanks, and hands back the answer as it is on the wire.
    pub fn execute(&self, command: &str) -> String {
        ask(self.port, command).expect("the server answers")
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The server's process, to be killed or frozen.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// One master with one replica, and three Sentinels that watch it under the name `site`.
#[derive(Debug)]
pub struct RedisSentinel {
    /// The server that is the master at first.
    pub master: Redis,
    /// The server that copies it.
    pub replica: Redis,
    /// Those who decide which of the two is the master.
    pub sentinels: Vec<Redis>,
}

impl RedisSentinel {
    /// Starts all five. A master that is silent for a second is given up.
    #[must_use]
    pub fn start() -> Self {
        let master = Redis::start(&[]);
        let port = master.port.to_string();
        let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
        let sentinels = (0..3).map(|_| sentinel(&port)).collect();
        let this = Self {
            master,
            replica,
            sentinels,
        };
        settled("the Sentinels know each other and the replica", || {
            this.master
                .execute("INFO replication")
                .contains("state=online")
                && this.sentinels.iter().all(|one| {
                    let known = one.execute("INFO sentinel");
                    known.contains("slaves=1,sentinels=3")
                })
        });
        this
    }

    /// The port of the server that the Sentinels now call the master.
    #[must_use]
    pub fn master_port(&self) -> Option<u16> {
        let answer = ask(
            self.sentinels[0].port,
            "SENTINEL get-master-addr-by-name site",
        )?;
        answer.lines().last()?.trim().parse().ok()
    }
}

/// A Sentinel keeps what it knows in its configuration, so that must be a file.
fn sentinel(master: &str) -> Redis {
    let mut process = Process::new();
    let port = free_port();
    let file = process.folder().join("sentinel.conf");
    std::fs::write(
        &file,
        format!(
            "bind 127.0.0.1\nport {port}\ndir {}\nsentinel monitor site 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds site 1000\nsentinel failover-timeout site 5000\n",
            process.folder().display()
        ),
    )
    .expect("the folder is ours");
    let program = program("redis-server", "redis-server");
    process.set_command([program.as_os_str(), file.as_os_str(), "--sentinel".as_ref()]);
    let mut this = Redis { process, port };
    this.restart();
    this
}

/// Three masters that share the slots, each with a replica.
#[derive(Debug)]
pub struct RedisCluster {
    /// The three masters, then their replicas in the same order.
    pub nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts six servers and joins them.
    #[must_use]
    pub fn start() -> Self {
        let nodes: Vec<Redis> = (0..6)
            .map(|_| {
                // The cluster's own port is 10,000 above, so it must exist.
                let port = std::iter::repeat_with(free_port)
                    .find(|port| *port < 55_000)
                    .expect("one of them is low enough");
                Redis::start_on(
                    port,
                    &["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"],
                )
            })
            .collect();
        for (node, (first, last)) in nodes.iter().zip([(0, 5460), (5461, 10922), (10923, 16383)]) {
            node.execute(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        }
        for node in &nodes[1..] {
            node.execute(&format!("CLUSTER MEET 127.0.0.1 {}", nodes[0].port));
        }
        let this = Self { nodes };
        settled("the nodes know each other", || {
            this.nodes.iter().all(|node| {
                node.execute("CLUSTER INFO")
                    .contains("cluster_known_nodes:6")
            })
        });
        let ids: Vec<String> = this.nodes[..3]
            .iter()
            .map(|node| node.execute("CLUSTER MYID"))
            .collect();
        for (replica, id) in this.nodes[3..].iter().zip(&ids) {
            let id = id.lines().last().unwrap_or_default();
            settled("the replica knows its master", || {
                replica
                    .execute(&format!("CLUSTER REPLICATE {id}"))
                    .starts_with("+OK")
            });
        }
        settled("the cluster is whole", || {
            this.nodes
                .iter()
                .all(|node| node.execute("CLUSTER INFO").contains("cluster_state:ok"))
        });
        this
    }
}

fn settled(what: &str, check: impl Fn() -> bool) {
    let began = Instant::now();
    while !check() {
        assert!(
            began.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One command and its answer; the server closes when it has read that nothing more comes.
fn ask(port: u16, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
    stream.shutdown(Shutdown::Write).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}
