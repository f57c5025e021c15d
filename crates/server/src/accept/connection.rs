//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderMap, Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tower::ServiceExt as _;
use tracing::debug;

use super::activity::Activity;
use super::body::{AnswerBody, PatientBody};
use super::limits::Limits;
use super::stream::WatchedStream;

/// What the accept loop tells every connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// There is room.
    Calm,
    /// Every place is taken: who has nothing to do goes.
    Crowded,
    /// The server stops: finish what is under way, begin nothing.
    Closing,
}

/// How HTTP is spoken on every connection.
pub(super) fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    // hyper's own count of at most 100 headers stays: naming it would cost an allocation per request.
    // Our own deadlines cover heads and idling, so hyper's timer for heads need not run.
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes.max(SMALLEST_BUFFER));
    // Resets are bounded by h2's own defaults (20 pending, 1,024 for our own errors); windows are small,
    // since what a login site is sent is small, and each connection can make us keep one window.
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_send_buf_size(WINDOW as usize)
        .keep_alive_interval(limits.patience)
        .keep_alive_timeout(limits.patience);
    protocol
}

/// Serves one connection until its end, the peer's or ours.
pub(super) async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    protocol: auto::Builder<TokioExecutor>,
    limits: Arc<Limits>,
    mood: watch::Receiver<Mood>,
) {
    let activity = Activity::new(Instant::now());
    let (stream, handed_back) = WatchedStream::new(stream, activity.clone(), &limits);
    let service = {
        let (activity, limits) = (activity.clone(), Arc::clone(&limits));
        service_fn(move |request| answer(app.clone(), request, peer, &activity, &limits))
    };
    let connection = protocol.serve_connection(TokioIo::new(stream), service);
    match watch_over(connection, &activity, &limits, mood).await {
        Ended::ByHttp => take_leave(handed_back, false, &limits).await,
        Ended::WithError(error) => {
            debug!(%peer, error = %*error, "a connection ended with an error");
            take_leave(handed_back, true, &limits).await;
        }
        Ended::TooSlow => debug!(%peer, "a connection was too slow, or idle, and is closed"),
    }
}

enum Ended {
    ByHttp,
    WithError(axum::BoxError),
    TooSlow,
}

async fn watch_over<S, F>(
    connection: auto::Connection<'_, TokioIo<WatchedStream>, S, TokioExecutor>,
    activity: &Activity,
    limits: &Limits,
    mut mood: watch::Receiver<Mood>,
) -> Ended
where
    S: hyper::service::Service<
            Request<Incoming>,
            Response = Response<AnswerBody>,
            Error = Infallible,
            Future = F,
        >,
    F: Future<Output = Result<Response<AnswerBody>, Infallible>> + Send + 'static,
{
    let mut connection = pin!(connection);
    let mut alarm = pin!(tokio::time::sleep(limits.head));
    let mut leave_by = None;
    loop {
        let now = Instant::now();
        let mood_now = *mood.borrow_and_update();
        let head = if mood_now == Mood::Calm {
            limits.head
        } else {
            limits.crowded_head.min(limits.head)
        };
        let idle = if leave_by.is_some() {
            head
        } else {
            limits.idle
        };
        let deadline = activity
            .deadline(head, idle)
            .map(|deadline| leave_by.map_or(deadline, |leave_by| deadline.max(leave_by)));
        let overdue = deadline.is_some_and(|deadline| deadline <= now);
        let may_leave = mood_now != Mood::Calm || overdue;
        if leave_by.is_none() && (mood_now == Mood::Closing || activity.is_idle() && may_leave) {
            // Ends at once in HTTP/1 when it is idle, after a farewell in HTTP/2, else after the answer.
            connection.as_mut().graceful_shutdown();
            leave_by = Some(now + head);
        } else if overdue {
            return Ended::TooSlow;
        }
        // Nobody wakes us when a request ends or a head begins, so we look now and then: the deadlines
        // are kept within a quarter.
        let look = now + head / 4;
        alarm
            .as_mut()
            .reset(deadline.map_or(look, |deadline| deadline.clamp(now, look)));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended.map_or_else(Ended::WithError, |()| Ended::ByHttp),
            // The accept loop outlives its connections, so this cannot fail; were it gone, we only look later.
            Ok(()) = mood.changed() => {}
            () = alarm.as_mut() => {}
        }
    }
}

/// Hands one request to the application.
fn answer(
    app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    activity: &Activity,
    limits: &Limits,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + Send + use<> {
    let under_way = activity.begin(request.version() == Version::HTTP_2);
    let mut request = request.map(|body| Body::new(PatientBody::new(body, limits)));
    drop_underscores(request.headers_mut());
    request.extensions_mut().insert(ConnectInfo(peer));
    async move {
        let response = app.oneshot(request).await?;
        Ok(response.map(|body| AnswerBody::new(body, under_way)))
    }
}

/// Removes headers whose name has an underscore: WSGI servers and CGI programs cannot tell `Remote_User` from
/// `Remote-User`, so a client could speak with a proxy's voice (CVE-2015-0219, CVE-2026-3902).
fn drop_underscores(headers: &mut HeaderMap) {
    while let Some(name) = headers.keys().find(|name| name.as_str().contains('_')) {
        let name = name.clone();
        debug!(%name, "a header is dropped for the underscore in its name");
        headers.remove(name);
    }
}

/// Closes the connection so that our last answer arrives.
///
/// To close while the peer is still sending resets the connection, and a reset discards what the peer has not
/// read yet: the 431 that says why. So we read on for a moment and forget it.
async fn take_leave(handed_back: oneshot::Receiver<TcpStream>, failed: bool, limits: &Limits) {
    let Ok(mut stream) = handed_back.await else {
        return;
    };
    let mut buffer = [0; 4096];
    let still_sending = stream.try_read(&mut buffer).is_ok_and(|bytes| bytes > 0);
    if !failed && !still_sending {
        return;
    }
    let drained = async {
        stream.shutdown().await?;
        while stream.read(&mut buffer).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Either way it is over.
    let _ = tokio::time::timeout(limits.linger, drained).await;
}

/// As hyper demands.
const SMALLEST_BUFFER: usize = 8192;
const WINDOW: u32 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// CVE-2026-3902, CVE-2015-0219.
    #[test]
    fn headers_with_underscores_are_dropped_however_often_they_come() {
        let mut headers = HeaderMap::new();
        for name in [
            "remote_user",
            "remote_user",
            "x_forwarded_proto",
            "remote-user",
        ] {
            headers.append(name, http::HeaderValue::from_static("admin"));
        }
        drop_underscores(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["remote-user"]);
    }
}
