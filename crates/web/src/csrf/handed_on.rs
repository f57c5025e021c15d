//! The body that the handler gets: what was read of it, and the rest, which is watched.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use cloakroom_core::csrf::FormFault;
use http_body::{Body as _, Frame, SizeHint};

use super::body::{End, Pieces, Reading};
use super::form::Scan;
use super::spool::{ReadingBack, Spool};
use crate::visit::{BodyFailure, Visit};

/// What was read of a body, what was put aside, and the rest of it.
pub(super) struct HandedOn {
    read: VecDeque<Bytes>,
    spool: Option<ReadingBack>,
    /// What was read behind what is in the spool.
    behind: VecDeque<Bytes>,
    /// The bytes in all three.
    held: u64,
    rest: Reading,
    scan: Scan,
    visit: Visit,
    failed: bool,
}

impl HandedOn {
    /// The body as it came; nothing of it was put aside.
    pub(super) fn new(read: Pieces, rest: Reading, scan: Scan, visit: Visit) -> Self {
        let held = read.length as u64;
        Self {
            read: read.into_queue(),
            spool: None,
            behind: VecDeque::new(),
            held,
            rest,
            scan,
            visit,
            failed: false,
        }
    }

    /// The same with what was put aside, and what was read then.
    pub(super) fn with_spool(mut self, spool: Spool, behind: Pieces) -> Self {
        self.held += spool.length() + behind.length as u64;
        self.spool = Some(spool.read_back());
        self.behind = behind.into_queue();
        self
    }

    fn fail(&mut self, failure: BodyFailure, error: axum::Error) -> Option<FrameResult> {
        self.failed = true;
        self.held = 0;
        self.visit.state().body_failure = Some(failure);
        Some(Err(error))
    }

    fn refuse(&mut self, fault: FormFault) -> Option<FrameResult> {
        self.fail(BodyFailure::Form(fault), axum::Error::new(fault))
    }

    fn hand_on(&mut self, bytes: Bytes) -> Option<FrameResult> {
        self.held = self.held.saturating_sub(bytes.len() as u64);
        Some(Ok(Frame::data(bytes)))
    }

    /// What comes of a frame of the rest, which nobody has looked at yet.
    fn watch(&mut self, frame: Option<FrameResult>) -> Option<FrameResult> {
        let looked = match &frame {
            Some(Ok(frame)) => {
                let pushed = frame.data_ref().map_or(Ok(()), |data| self.scan.push(data));
                // Nobody need ask for what comes behind the last byte.
                pushed.and_then(|()| match self.rest.rest.is_end_stream() {
                    true => self.scan.finish(),
                    false => Ok(()),
                })
            }
            Some(Err(_)) => Ok(()),
            None => self.scan.finish(),
        };
        match looked {
            Ok(()) => frame,
            Err(fault) => self.refuse(fault),
        }
    }
}

type FrameResult = Result<Frame<Bytes>, axum::Error>;

impl http_body::Body for HandedOn {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<FrameResult>> {
        let this = &mut *self;
        if this.failed {
            return Poll::Ready(None);
        }
        if let Some(bytes) = this.read.pop_front() {
            return Poll::Ready(this.hand_on(bytes));
        }
        if let Some(spool) = &mut this.spool {
            match ready!(spool.poll_next(context)) {
                Some(Ok(bytes)) => return Poll::Ready(this.hand_on(bytes)),
                Some(Err(error)) => {
                    tracing::error!(%error, "a form that waited for its token cannot be read back");
                    let error = axum::Error::new(error);
                    return Poll::Ready(this.fail(BodyFailure::Spool, error));
                }
                // Its file is closed and its share given back.
                None => this.spool = None,
            }
        }
        if let Some(bytes) = this.behind.pop_front() {
            return Poll::Ready(this.hand_on(bytes));
        }
        match this.rest.end.take() {
            None => {}
            Some(End::Whole(trailers)) => {
                this.rest.end = Some(End::Whole(None));
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            Some(End::Broken(error)) => {
                this.rest.end = Some(End::Whole(None));
                return Poll::Ready(Some(Err(error)));
            }
        }
        let frame = ready!(Pin::new(&mut this.rest.rest).poll_frame(context));
        Poll::Ready(this.watch(frame))
    }

    fn is_end_stream(&self) -> bool {
        let ended = match &self.rest.end {
            None => self.rest.rest.is_end_stream(),
            Some(End::Whole(trailers)) => trailers.is_none(),
            Some(End::Broken(_)) => false,
        };
        self.failed || (ended && self.held == 0)
    }

    fn size_hint(&self) -> SizeHint {
        if self.failed || self.rest.end.is_some() {
            return SizeHint::with_exact(self.held);
        }
        let rest = self.rest.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(self.held));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(self.held)) {
            hint.set_upper(upper);
        }
        hint
    }
}
