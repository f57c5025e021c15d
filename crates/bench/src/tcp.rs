//! The same pages over the loopback interface: what a service pays for a request as a whole, the kernel's part included.
//!
//! The client is a child process, so that its CPU time is not the service's.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::app::App;
use crate::case::Case;
use crate::{clock, drive};

/// Connections that are open at the same time, as a service has more than one visitor.
const CONNECTIONS: usize = 8;

/// A client for one cell of the table.
pub(crate) struct Client {
    child: Child,
    orders: tokio::net::TcpStream,
}

impl Client {
    pub(crate) fn start(runtime: &Runtime, case: Case) -> Self {
        runtime.block_on(async {
            let listener = listen().await;
            let program = std::env::current_exe().expect("this program is a file");
            let child = Command::new(program)
                .arg("client")
                .arg(address(&listener).to_string())
                .arg(case.to_string())
                .stdin(Stdio::null())
                .spawn()
                .expect("this program can be started");
            let (orders, _) = listener.accept().await.expect("the client connects");
            Self { child, orders }
        })
    }

    /// The CPU time of this process while it serves so many requests.
    pub(crate) fn measure(&mut self, runtime: &Runtime, app: &App, count: usize) -> Duration {
        runtime.block_on(async {
            let listener = listen().await;
            let order = format!("{} {count}\n", address(&listener));
            let serving = tokio::spawn(serve(listener, app.clone()));
            self.send(order.as_bytes()).await;
            // All are connected.
            self.wait().await;
            let before = clock::cpu_time();
            self.send(b"go\n").await;
            self.wait().await;
            let taken = clock::cpu_time() - before;
            serving.abort();
            taken
        })
    }

    async fn send(&mut self, order: &[u8]) {
        self.orders
            .write_all(order)
            .await
            .expect("the client reads its orders");
    }

    async fn wait(&mut self) {
        self.orders
            .read_exact(&mut [0])
            .await
            .expect("the client did what it was told");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended by itself, and nothing is left to do if not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn listen() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    listener.expect("the system has a free port")
}

pub(crate) fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("it is bound")
}

pub(crate) async fn serve(listener: TcpListener, app: App) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("it is a TCP stream");
        let service = TowerToHyperService::new(app.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

/// The child: does what it is told until its orders end.
pub(crate) fn client(orders: SocketAddr, case: Case) -> io::Result<()> {
    let mut done = TcpStream::connect(orders)?;
    let mut orders = BufReader::new(done.try_clone()?);
    let mut order = String::new();
    while orders.read_line(&mut order)? > 0 {
        let (address, count) = order
            .trim()
            .split_once(' ')
            .expect("an order has two words");
        let count = count.parse().expect("the second is a number");
        let requests = case.requests_on_the_wire(count);
        let connect = || TcpStream::connect(address);
        let mut connections = (0..CONNECTIONS)
            .map(|_| connect())
            .collect::<io::Result<Vec<_>>>()?;
        done.write_all(b".")?;
        order.clear();
        let _ = orders.read_line(&mut order)?;
        send_all(&mut connections, &requests)?;
        done.write_all(b".")?;
        order.clear();
    }
    Ok(())
}

/// One request on every connection, then the answers, and again.
fn send_all(connections: &mut [TcpStream], requests: &[Vec<u8>]) -> io::Result<()> {
    let mut answer = vec![0; 1 << 16];
    for requests in requests.chunks(connections.len()) {
        for (connection, request) in connections.iter_mut().zip(requests) {
            connection.write_all(request)?;
        }
        for (connection, _) in connections.iter_mut().zip(requests) {
            let mut read = 0;
            while !drive::is_whole(&answer[..read]) {
                match connection.read(&mut answer[read..])? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    more => read += more,
                }
            }
        }
    }
    Ok(())
}
