//! The servers that tests start: they answer, come back after a kill, and end with their test.

#![cfg(feature = "servers")]

use std::path::Path;

use cloakroom_testing::servers::{MariaDb, Postgres, Redis, RedisCluster, RedisSentinel};

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
