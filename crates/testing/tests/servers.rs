//! The servers that tests start: they answer, come back after a kill, and end with their test.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use cloakroom_testing::servers::{
    Fault, MariaDb, Postgres, Proxy, Redis, RedisCluster, RedisSentinel,
};

#[test]
#[ignore = "needs PostgreSQL"]
fn postgres_comes_back_with_what_it_kept() {
    let mut server = Postgres::start(&[]);
    let url = server.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    server.execute(
        &name,
        "CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)",
    );
    server.process().kill();
    server.restart();
    assert_eq!(server.execute(&name, "SELECT a FROM kept"), "7\n");
    ends(server.process().id(), || drop(server));
}

#[test]
#[ignore = "needs MariaDB"]
fn mariadb_comes_back_with_what_it_kept() {
    let mut server = MariaDb::start(&[]);
    let url = server.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    server.execute(&format!(
        "CREATE TABLE {name}.kept (a int); INSERT INTO {name}.kept VALUES (7)"
    ));
    server.process().kill();
    server.restart();
    assert_eq!(server.execute(&format!("SELECT a FROM {name}.kept")), "7\n");
    ends(server.process().id(), || drop(server));
}

#[test]
#[ignore = "needs Redis"]
fn redis_comes_back_with_what_it_kept() {
    let mut server = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    assert_eq!(server.execute("SET kept 7"), "+OK\r\n");
    server.process().kill();
    server.restart();
    assert_eq!(server.execute("GET kept"), "$1\r\n7\r\n");
    ends(server.process().id(), || drop(server));
}

#[test]
#[ignore = "needs Redis"]
fn sentinels_make_the_replica_the_master() {
    let mut site = RedisSentinel::start();
    assert_eq!(site.master_port(), Some(site.master.port()));
    site.master.process().kill();
    let began = std::time::Instant::now();
    while site.master_port() != Some(site.replica.port()) {
        assert!(began.elapsed().as_secs() < 60, "no failover");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
#[ignore = "needs Redis"]
fn a_cluster_is_whole() {
    let cluster = RedisCluster::start();
    for node in &cluster.nodes {
        assert!(
            node.execute("CLUSTER INFO")
                .contains("cluster_slots_assigned:16384")
        );
    }
}

fn ends(id: u32, drop: impl FnOnce()) {
    let process = format!("/proc/{id}");
    assert!(Path::new(&process).exists());
    drop();
    assert!(!Path::new(&process).exists());
}

#[test]
#[ignore = "needs Redis"]
fn the_network_goes_wrong_as_it_is_told() {
    let server = Redis::start(&[]);
    let proxy = Proxy::to(server.port());
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port()))?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\n") {
            let mut byte = [0];
            if stream.read(&mut byte)? == 0 {
                break;
            }
            answer.push(byte[0]);
        }
        Ok(answer)
    };
    assert_eq!(ask().unwrap(), b"+PONG\r\n");
    for bytes in 0..7 {
        proxy.set(Fault::CutsAnswers(bytes));
        let cut = usize::try_from(bytes).unwrap();
        assert_eq!(ask().unwrap(), b"+PONG\r\n"[..cut]);
    }
    proxy.set(Fault::CutsAnswers(7));
    assert_eq!(ask().unwrap(), b"+PONG\r\n");
    proxy.set(Fault::ResetsAnswers(3));
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionReset);
    proxy.set(Fault::CutsQuestions(4));
    assert_eq!(ask().unwrap(), b"");
    proxy.set(Fault::Refuses);
    // Asked once: each connection is counted below.
    let refused = ask();
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.is_empty()));
    proxy.set(Fault::Hangs);
    assert!(matches!(
        ask().unwrap_err().kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    proxy.set(Fault::Delays(Duration::from_millis(20)));
    let began = Instant::now();
    assert_eq!(ask().unwrap(), b"+PONG\r\n");
    assert!(began.elapsed() >= Duration::from_millis(40));
    assert_eq!(proxy.connections(), 14);
    proxy.set(Fault::Random(7));
    let whole = (0..100)
        .filter(|_| ask().is_ok_and(|answer| answer == b"+PONG\r\n"))
        .count();
    assert!((20..80).contains(&whole), "{whole}");
}
