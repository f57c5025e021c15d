//! The bodies on both sides of a request, watched.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use super::activity::UnderWay;
use super::limits::Limits;
use super::patience::Patience;

/// A request's body that fails when its sender dawdles.
#[derive(Debug)]
pub(super) struct PatientBody {
    inner: Incoming,
    patience: Patience,
}

impl PatientBody {
    pub(super) fn new(inner: Incoming, limits: &Limits) -> Self {
        Self {
            inner,
            patience: Patience::new(limits),
        }
    }
}

impl http_body::Body for PatientBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    self.patience.moved(frame.data_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(self.patience.poll_wait(context));
                Poll::Ready(Some(Err("the request's body arrives too slowly".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// An answer's body; its request is under way until this is dropped.
    pub(super) struct AnswerBody {
        #[pin]
        inner: Body,
        under_way: UnderWay,
    }
}

impl AnswerBody {
    pub(super) const fn new(inner: Body, under_way: UnderWay) -> Self {
        Self { inner, under_way }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().inner.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
