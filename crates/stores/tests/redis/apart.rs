//! Redis watched by Sentinels, and as a Cluster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::session::Store;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::RedisStore;
use cloakroom_testing::servers::{Redis, RedisCluster, RedisSentinel};
use cloakroom_testing::{record, store_contract_without_clearing};

use crate::{create, in_an_hour, new_key};

/// Waits until the server's replica has what it has.
fn copied(server: &Redis) {
    let began = Instant::now();
    let copied = || {
        let info = server.execute("INFO replication");
        let ours = info
            .lines()
            .find_map(|line| line.strip_prefix("master_repl_offset:"));
        let of_replica = info.lines().find_map(|line| line.strip_prefix("slave0:"));
        let of_replica =
            of_replica.and_then(|line| line.split("offset=").nth(1)?.split(',').next());
        ours.is_some() && ours == of_replica
    };
    while !copied() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "the replica has not got it"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn after_a_failover_the_new_master_is_found() {
    let mut servers = RedisSentinel::start();
    let ports: Vec<String> = servers
        .sentinels
        .iter()
        .map(|one| format!("127.0.0.1:{}", one.port()))
        .collect();
    let store = RedisStore::open(&format!("redis+sentinel://{}/site", ports.join(","))).unwrap();
    let key = new_key();
    let version = create(&store, &key, r#"{"a":1}"#).await;
    // The replica is to have it before its master dies.
    copied(&servers.master);
    servers.master.process().kill();
    let began = Instant::now();
    let record = record("{}", in_an_hour());
    let mut errors = 0;
    while store.create(&new_key(), &record).await.is_err() {
        errors += 1;
        assert!(began.elapsed() < Duration::from_secs(60), "no failover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("{errors} errors in {:?}", began.elapsed());
    assert_eq!(servers.master_port(), Some(servers.replica.port()));
    let stored = store.load(&key, Timestamp::now()).await.unwrap().unwrap();
    assert_eq!(stored.version, version);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_cluster_keeps_the_contract_and_survives_a_node() {
    let mut servers = RedisCluster::start();
    let ports: Vec<String> = servers.nodes[..3]
        .iter()
        .map(|one| format!("127.0.0.1:{}", one.port()))
        .collect();
    let url = format!("redis+cluster://{}", ports.join(","));
    store_contract_without_clearing(|| async {
        Arc::new(RedisStore::open(&url).unwrap()) as Arc<dyn Store>
    })
    .await;
    let store = RedisStore::open(&url).unwrap();
    let mut kept = Vec::new();
    for _ in 0..30 {
        let key = new_key();
        kept.push((create(&store, &key, r#"{"a":1}"#).await, key));
    }
    for node in &servers.nodes[..3] {
        copied(node);
    }
    servers.nodes[0].process().kill();
    let began = Instant::now();
    for (version, key) in &kept {
        let stored = loop {
            match store.load(key, Timestamp::now()).await {
                Ok(stored) => break stored.expect("its replica has it"),
                Err(error) => {
                    assert!(began.elapsed() < Duration::from_secs(60), "{error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        assert_eq!(stored.version, *version);
    }
    eprintln!("all are back after {:?}", began.elapsed());
}
