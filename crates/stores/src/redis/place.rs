//! Where the servers are: what the URL says.

use std::fmt;

use cloakroom_core::session::StoreError;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, TlsMode};

/// Where to connect to. Shown without user and password.
pub(super) enum Place {
    Alone(Box<ConnectionInfo>),
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        /// The name under which they know the master.
        name: String,
        /// How to sign in at the master, whose address they tell.
        master: Box<ConnectionInfo>,
    },
    Cluster(Vec<ConnectionInfo>),
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(unknown)?;
        let (base, kind) = scheme.split_once(['+', '-']).unwrap_or((scheme, ""));
        if !matches!(base, "redis" | "rediss" | "valkey" | "valkeys") {
            return Err(unknown());
        }
        match kind {
            "sentinel" => Self::sentinel(base, rest),
            "cluster" => {
                let (user, hosts, path) = parts(rest);
                if !path.is_empty() {
                    // A Cluster has one database, and no other options.
                    return Err(unknown());
                }
                let nodes = hosts.map(|host| node(&format!("{base}://{user}{host}")));
                Ok(Self::Cluster(nodes.collect::<Result<_, _>>()?))
            }
            "" | "unix" => Ok(Self::Alone(Box::new(node(url)?))),
            _ => Err(unknown()),
        }
    }

    fn sentinel(base: &str, rest: &str) -> Result<Self, StoreError> {
        let (user, hosts, path) = parts(rest);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (name, database) = path.split_once('/').unwrap_or((path, ""));
        if name.is_empty() {
            return Err(unknown());
        }
        let mut own = String::new();
        let mut own_password = String::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sentinel_user", value)) => value.clone_into(&mut own),
                Some(("sentinel_password", value)) => own_password = format!(":{value}"),
                _ => return Err(unknown()),
            }
        }
        let own = if own.is_empty() && own_password.is_empty() {
            String::new()
        } else {
            format!("{own}{own_password}@")
        };
        let sentinels = hosts.map(|host| {
            // Behind the last colon stands a port, unless that is inside an IPv6 address.
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(_, port)| !port.contains(']'));
            let port = if has_port { "" } else { ":26379" };
            node(&format!("{base}://{own}{host}{port}"))
        });
        Ok(Self::Sentinel {
            sentinels: sentinels.collect::<Result<_, _>>()?,
            name: name.to_owned(),
            // The host is only there to be a whole URL.
            master: Box::new(node(&format!("{base}://{user}localhost/{database}"))?),
        })
    }

    /// What asks the Sentinels.
    pub(super) fn sentinel_client(
        sentinels: &[ConnectionInfo],
        name: &str,
        master: &ConnectionInfo,
    ) -> redis::RedisResult<SentinelClient> {
        let info = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(master.redis_settings().clone());
        let info = match master.addr() {
            ConnectionAddr::TcpTls {
                insecure: false, ..
            } => info.set_tls_mode(TlsMode::Secure),
            ConnectionAddr::TcpTls { .. } => info.set_tls_mode(TlsMode::Insecure),
            _ => info,
        };
        SentinelClient::build(
            sentinels.to_vec(),
            name,
            Some(info),
            SentinelServerType::Master,
        )
    }

    pub(super) fn cluster_client(nodes: &[ConnectionInfo]) -> ClusterClientBuilder {
        ClusterClient::builder(nodes.to_vec())
    }

    pub(super) fn uses_tls(&self) -> bool {
        let tls = |info: &ConnectionInfo| matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        match self {
            Self::Alone(info) => tls(info),
            Self::Sentinel { master, .. } => tls(master),
            Self::Cluster(nodes) => nodes.iter().any(tls),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = |nodes: &[ConnectionInfo]| {
            let hosts = nodes.iter().map(|node| node.addr().to_string());
            hosts.collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Alone(info) => write!(formatter, "the Redis server at {}", info.addr()),
            Self::Sentinel {
                sentinels, name, ..
            } => write!(
                formatter,
                "the Redis server {name} of the Sentinels at {}",
                hosts(sentinels)
            ),
            Self::Cluster(nodes) => write!(formatter, "the Redis Cluster at {}", hosts(nodes)),
        }
    }
}

/// What stands before `@` with it, the hosts, and what stands after the first slash.
fn parts(rest: &str) -> (&str, impl Iterator<Item = &str>, &str) {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    (user, hosts.split(','), path)
}

fn node(url: &str) -> Result<ConnectionInfo, StoreError> {
    // Its own error is not shown: it may repeat what it was given.
    url.into_connection_info().map_err(|_| unknown())
}

fn unknown() -> StoreError {
    StoreError::new(
        "the Redis URL is not understood; it should look like redis://host:6379/0, \
         redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_its_password() {
        for (url, shown) in [
            ("redis://127.0.0.1", "the Redis server at 127.0.0.1:6379"),
            (
                "redis://ann:secret@127.0.0.1:7000/3",
                "the Redis server at 127.0.0.1:7000",
            ),
            ("valkey://:secret@cache", "the Redis server at cache:6379"),
            ("rediss://:secret@cache/1", "the Redis server at cache:6379"),
            (
                "redis+unix:///run/redis.sock?pass=secret",
                "the Redis server at /run/redis.sock",
            ),
            (
                "redis+sentinel://ann:secret@one,two:26380,[::1]/site/2?sentinel_password=secret",
                "the Redis server site of the Sentinels at one:26379, two:26380, ::1:26379",
            ),
            (
                "redis+cluster://:secret@one:7000,two",
                "the Redis Cluster at one:7000, two:6379",
            ),
        ] {
            assert_eq!(Place::parse(url).unwrap().to_string(), shown, "{url}");
        }
    }

    #[test]
    fn each_part_of_the_url_counts() {
        let Place::Alone(info) = Place::parse("rediss://ann:s%40d@cache:7000/3").unwrap() else {
            panic!("it is one server");
        };
        assert_eq!(info.redis_settings().db(), 3);
        assert_eq!(info.redis_settings().username(), Some("ann"));
        assert_eq!(info.redis_settings().password(), Some("s@d"));
        let url = "valkeys+sentinel://ann:s%40d@one/site/2?sentinel_user=bob&sentinel_password=p";
        let place = Place::parse(url).unwrap();
        assert!(place.uses_tls());
        let Place::Sentinel {
            sentinels,
            name,
            master,
        } = place
        else {
            panic!("Sentinels know it");
        };
        assert_eq!(name, "site");
        assert_eq!(master.redis_settings().db(), 2);
        assert_eq!(master.redis_settings().password(), Some("s@d"));
        assert_eq!(sentinels[0].redis_settings().username(), Some("bob"));
        assert_eq!(sentinels[0].redis_settings().password(), Some("p"));
        assert!(!Place::parse("redis+cluster://one").unwrap().uses_tls());
    }

    #[test]
    fn other_urls_are_refused_without_repeating_them() {
        for url in [
            "",
            "redis",
            "http://host",
            "redis+http://host",
            "redis://",
            "redis://host/name?x=secret",
            "redis+sentinel://host",
            "redis+sentinel://host/name/x",
            "redis+sentinel://host/name?other=secret",
            "redis+cluster://host/1",
            "redis+cluster://",
        ] {
            let Err(error) = Place::parse(url) else {
                panic!("{url} is understood");
            };
            assert!(
                error.to_string().starts_with("the Redis URL is not"),
                "{url}"
            );
            assert!(std::error::Error::source(&error).is_none());
        }
    }
}
