//! What one connection, and all of them together, may take.

use std::time::Duration;

/// The bounds that [`serve`](super::serve) keeps. Each field's default and its reason is written at the field.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a test names the one limit it shortens and takes the rest from the default"
)]
pub struct Limits {
    /// Connections held at once: 4,096.
    ///
    /// At the limit nothing more is accepted: newcomers wait in the system's queue, whose length the
    /// system bounds. To answer them 503 would cost a thread of work for each, and would turn a short
    /// burst into errors. While it is crowded, connections end after their answer instead of idling, and
    /// a head has only [`crowded_head`](Self::crowded_head) to arrive.
    pub connections: usize,
    /// Connections of one address (of one /64 network in IPv6): 1,024.
    ///
    /// So that one machine cannot take every place. Loopback addresses are exempt, since a proxy on the
    /// same machine brings everybody; so is what [`proxies`](Self::proxies) names.
    pub per_address: usize,
    /// Addresses of proxies, exempt from [`per_address`](Self::per_address): none.
    pub proxies: Vec<std::net::IpAddr>,
    /// For a request's line and headers to arrive, from their first byte (or from the connection): 10 s.
    pub head: Duration,
    /// The same while all places are taken: 2 s, enough for a packet lost once.
    pub crowded_head: Duration,
    /// Between two requests: 75 s, longer than the 60 s for which nginx keeps its connections to us.
    ///
    /// The side that closes last cannot race: if we were the first to close, a proxy would now and then
    /// send a request into a closing connection, and a POST is not sent again.
    pub idle: Duration,
    /// Bytes of a request's line and headers: 32 KiB, answered with 431 beyond.
    pub head_bytes: usize,
    /// Requests at once within one HTTP/2 connection: 100, what browsers expect at least.
    pub streams: u32,
    /// For a peer that does not send its body or does not take our answer: 20 s without a byte.
    pub patience: Duration,
    /// Bytes per second that earn back patience: 500, a tenth of the slowest mobile networks.
    pub slowest: u32,
    /// For requests under way when the server is asked to stop: 10 s.
    pub grace: Duration,
    /// For a peer that is still sending to take note of our last answer: 1 s.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_address: 1024,
            proxies: Vec::new(),
            head: Duration::from_secs(10),
            crowded_head: Duration::from_secs(2),
            idle: Duration::from_secs(75),
            head_bytes: 32 * 1024,
            streams: 100,
            patience: Duration::from_secs(20),
            slowest: 500,
            grace: Duration::from_secs(10),
            linger: Duration::from_secs(1),
        }
    }
}
