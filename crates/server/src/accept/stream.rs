//! A connection's bytes, watched: what arrives is noted, and an answer that is not taken ends the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::activity::Activity;
use super::limits::Limits;
use super::patience::Patience;

/// Hands the TCP connection back when HTTP is done with it, so that it can be closed with care.
#[derive(Debug)]
pub(super) struct WatchedStream {
    inner: Option<TcpStream>,
    activity: Activity,
    patience: Patience,
    hand_back: Option<oneshot::Sender<TcpStream>>,
}

impl WatchedStream {
    pub(super) fn new(
        inner: TcpStream,
        activity: Activity,
        limits: &Limits,
    ) -> (Self, oneshot::Receiver<TcpStream>) {
        let (sender, receiver) = oneshot::channel();
        let stream = Self {
            inner: Some(inner),
            activity,
            patience: Patience::new(limits),
            hand_back: Some(sender),
        };
        (stream, receiver)
    }

    fn inner(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(
            self.inner
                .as_mut()
                .expect("only dropping takes the connection out"),
        )
    }

    fn watch_write(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(written) => {
                if let Ok(bytes) = written {
                    self.patience.moved(bytes);
                }
                Poll::Ready(written)
            }
            Poll::Pending => {
                ready!(self.patience.poll_wait(context));
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the peer does not take the answer",
                )))
            }
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.inner().poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.arrived(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.inner().poll_write(context, bytes);
        self.watch_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.inner().poll_write_vectored(context, slices);
        self.watch_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(context)
    }
}

impl Drop for WatchedStream {
    fn drop(&mut self) {
        if let (Some(inner), Some(hand_back)) = (self.inner.take(), self.hand_back.take()) {
            // Nobody waits for it any more when the whole connection is dropped: then it is closed here.
            let _ = hand_back.send(inner);
        }
    }
}
