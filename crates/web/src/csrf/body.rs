//! The beginning of a form's body: read for its token, and handed on whole.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt as _;

use crate::error::Error;

/// How far into a body the token is looked for: login forms have some hundred bytes. A form that puts
/// larger fields before its token uses the header, or a route where it may come later.
pub(super) const FARTHEST: usize = 64 << 10;
/// How long so many bytes may take. A browser sends the first with the head.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Frames below this are put together: each that is kept costs more than its bytes.
const SMALL: usize = 4 << 10;

/// A body that is being read.
pub(super) struct Reading {
    pub(super) rest: Body,
    pub(super) end: Option<End>,
}

/// How a body ended.
pub(super) enum End {
    Whole(Option<HeaderMap>),
    Broken(axum::Error),
}

impl Reading {
    /// The next bytes, or `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        while self.end.is_none() {
            self.end = Some(match self.rest.frame().await {
                None => End::Whole(None),
                Some(Err(error)) => End::Broken(error),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => return Some(data),
                    Err(frame) => End::Whole(frame.into_trailers().ok()),
                },
            });
        }
        None
    }

    fn is_whole(&self) -> bool {
        match self.end {
            None => self.rest.is_end_stream(),
            Some(End::Whole(_)) => true,
            Some(End::Broken(_)) => false,
        }
    }
}

/// Reads up to 64 KiB: these, whether they are all, and the rest.
///
/// A body that breaks off has no token, as in Django; whoever reads on finds the same break.
pub(super) async fn read(body: Body) -> Result<(Pieces, bool, Reading), Error> {
    let mut pieces = Pieces::default();
    let mut reading = Reading {
        rest: body,
        end: None,
    };
    let beginning = async {
        while pieces.length < FARTHEST
            && let Some(bytes) = reading.next().await
        {
            pieces.push(bytes);
        }
    };
    tokio::time::timeout(PATIENCE, beginning)
        .await
        .map_err(|_| Error::slow_body())?;
    let whole = reading.is_whole();
    Ok((pieces, whole, reading))
}

/// Bytes in the order in which they came.
#[derive(Default)]
pub(super) struct Pieces {
    sealed: VecDeque<Bytes>,
    /// Small ones that came last.
    small: BytesMut,
    pub(super) length: usize,
}

impl Pieces {
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len();
        if self.length > bytes.len() && bytes.len() < SMALL {
            self.small.extend_from_slice(&bytes);
        } else {
            self.seal();
            self.sealed.push_back(bytes);
        }
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.sealed.push_back(self.small.split().freeze());
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let small = (!self.small.is_empty()).then_some(&self.small[..]);
        self.sealed.iter().map(|piece| &piece[..]).chain(small)
    }

    pub(super) fn contiguous(&self) -> Cow<'_, [u8]> {
        let mut pieces = self.iter();
        match (pieces.next(), pieces.next()) {
            (None, _) => Cow::Borrowed(&[]),
            (Some(only), None) => Cow::Borrowed(only),
            _ => Cow::Owned(self.iter().flatten().copied().collect()),
        }
    }

    pub(super) fn into_queue(mut self) -> VecDeque<Bytes> {
        self.seal();
        self.sealed
    }
}
