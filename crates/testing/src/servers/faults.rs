//! A network between a client and a server that goes wrong as it is told.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::schedule::SplitMix64;

/// What the network does to each connection that is made from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It works.
    None,
    /// Connections are closed as soon as they are made.
    Refuses,
    /// Connections are made, and nothing ever comes back.
    Hangs,
    /// Everything takes so long in each direction.
    Delays(Duration),
    /// The connection closes when so many bytes of answers have come through.
    CutsAnswers(u64),
    /// The same with a reset in the place of an orderly end.
    ResetsAnswers(u64),
    /// The connection closes when so many bytes of questions have gone through.
    CutsQuestions(u64),
    /// Each connection has one of these, after a random number of bytes. The seed tells which, connection by
    /// connection.
    Random(u64),
}

/// Stands on a port of its own in front of a server's.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    network: Arc<Network>,
    /// Dropped last: the thread ends with it.
    _stop: watch::Sender<()>,
}

#[derive(Debug)]
struct Network {
    fault: Mutex<Fault>,
    made: AtomicU64,
    /// Changes when the connections that there are must end.
    generation: watch::Sender<u64>,
}

impl Proxy {
    /// Begins to hand everything on to a port of 127.0.0.1.
    #[must_use]
    pub fn to(server: u16) -> Self {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be");
        let port = listener.local_addr().expect("it is bound").port();
        let network = Arc::new(Network {
            fault: Mutex::new(Fault::None),
            made: AtomicU64::new(0),
            generation: watch::Sender::new(0),
        });
        let (stop, mut stopped) = watch::channel(());
        let of_thread = Arc::clone(&network);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a runtime is there");
                tokio::select! {
                    () = accept(listener, server, of_thread) => {}
                    _ = stopped.changed() => {}
                }
            });
        });
        Self {
            port,
            network,
            _stop: stop,
        }
    }

    /// Where clients connect.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What happens to connections from now on. Those that there are end.
    pub fn set(&self, fault: Fault) {
        *self.network.fault() = fault;
        self.network
            .generation
            .send_modify(|generation| *generation += 1);
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.network.made.load(Ordering::SeqCst)
    }
}

impl Network {
    fn fault(&self) -> MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, server: u16, network: Arc<Network>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let number = network.made.fetch_add(1, Ordering::SeqCst);
        let fault = match *network.fault() {
            Fault::Random(seed) => random(seed, number),
            fault => fault,
        };
        let mut generation = network.generation.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                () = connect(client, server, fault) => {}
                _ = generation.changed() => {}
            }
        });
    }
}

fn random(seed: u64, number: u64) -> Fault {
    let mut random = SplitMix64(seed.wrapping_add(number));
    // Mostly within the first answers, now and then much later.
    let reach = [64, 1_000, 20_000][random.below(3)];
    let bytes = random.below(reach) as u64;
    match random.below(8) {
        0 => Fault::Refuses,
        1 => Fault::Hangs,
        2 | 3 => Fault::CutsAnswers(bytes),
        4 => Fault::ResetsAnswers(bytes),
        5 => Fault::CutsQuestions(bytes),
        6 => Fault::Delays(Duration::from_millis(random.below(30) as u64)),
        _ => Fault::None,
    }
}

async fn connect(mut client: TcpStream, server: u16, fault: Fault) {
    if fault == Fault::Refuses {
        return;
    }
    let Ok(mut server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, server))).await
    else {
        return;
    };
    let resets = matches!(fault, Fault::ResetsAnswers(_));
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    if resets {
        // Data that is not acknowledged yet is thrown away, and the other side is told so.
        let _ = client.set_zero_linger();
    }
    let delay = match fault {
        Fault::Delays(time) => time,
        _ => Duration::ZERO,
    };
    let answers = match fault {
        Fault::Hangs => None,
        Fault::CutsAnswers(bytes) | Fault::ResetsAnswers(bytes) => Some(bytes),
        _ => Some(u64::MAX),
    };
    let questions = match fault {
        Fault::CutsQuestions(bytes) => bytes,
        _ => u64::MAX,
    };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let there = hand_on(from_client, to_server, questions, delay);
    let Some(answers) = answers else {
        there.await;
        // Nothing comes back, and nobody says that it will not.
        return std::future::pending().await;
    };
    // One end ends both, so that a limit is reached once for the whole connection.
    tokio::select! {
        () = there => {}
        () = hand_on(from_server, to_client, answers, delay) => {}
    }
}

/// Copies up to `most` bytes, and ends when one more has come or these have gone.
async fn hand_on(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, most: u64, delay: Duration) {
    let mut left = most;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let count = count.min(usize::try_from(left).unwrap_or(usize::MAX));
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        left -= count as u64;
        if left == 0 {
            return;
        }
    }
}
