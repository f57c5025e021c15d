//! The beginning of a form's body: read for its token, and handed on whole.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use cloakroom_core::auth::REDIRECT_FIELD_NAME;
use cloakroom_core::csrf::FORM_FIELD;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;

use crate::error::Error;

/// How far into a body the token is looked for: login forms have some hundred bytes. A form that puts
/// larger fields before its token uses the header.
const FARTHEST: usize = 64 << 10;
/// How long those bytes may take. A browser sends them with the head.
const PATIENCE: Duration = Duration::from_secs(30);

/// The fields that we look for.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) token: Option<String>,
    pub(super) next: Option<String>,
}

pub(super) fn is_urlencoded(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default();
    kind.trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Reads up to 64 kB, and gives back a body that begins with them.
///
/// A body that breaks off has no token, as in Django; whoever reads on finds the same break.
pub(super) async fn read(mut body: Body) -> Result<(Fields, Body), Error> {
    let mut read = VecDeque::new();
    let mut length = 0;
    let reading = async {
        while length < FARTHEST {
            match body.frame().await {
                None => return true,
                Some(Err(error)) => {
                    read.push_back(Err(error));
                    return false;
                }
                Some(Ok(frame)) => {
                    length += frame.data_ref().map_or(0, Bytes::len);
                    read.push_back(Ok(frame));
                }
            }
        }
        body.is_end_stream()
    };
    let whole = tokio::time::timeout(PATIENCE, reading)
        .await
        .map_err(|_| Error::slow_body())?;
    let data = read
        .iter()
        .filter_map(|frame| frame.as_ref().ok()?.data_ref());
    let fields = match (data.clone().next(), data.clone().nth(1)) {
        (Some(only), None) => fields(only, whole),
        _ => fields(&data.flatten().copied().collect::<Vec<u8>>(), whole),
    };
    Ok((fields, Body::new(Replayed { read, rest: body })))
}

/// Of repeated fields the last counts, as in Django.
fn fields(bytes: &[u8], whole: bool) -> Fields {
    // The last field of a part of a body may be cut.
    let end = if whole {
        bytes.len()
    } else {
        bytes.iter().rposition(|byte| *byte == b'&').unwrap_or(0)
    };
    let mut fields = Fields::default();
    for (name, value) in form_urlencoded::parse(&bytes[..end]) {
        if name == FORM_FIELD {
            fields.token = Some(value.into_owned());
        } else if name == REDIRECT_FIELD_NAME {
            fields.next = Some(value.into_owned());
        }
    }
    fields
}

/// What was read of a body, and the rest of it.
struct Replayed {
    read: VecDeque<Result<Frame<Bytes>, axum::Error>>,
    rest: Body,
}

impl http_body::Body for Replayed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read: usize = self
            .read
            .iter()
            .filter_map(|frame| Some(frame.as_ref().ok()?.data_ref()?.len()))
            .sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read as u64));
        if let Some(upper) = rest
            .upper()
            .and_then(|upper| upper.checked_add(read as u64))
        {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_whole(body: Body) -> (Option<String>, Vec<u8>) {
        let (fields, body) = read(body).await.unwrap();
        (
            fields.token,
            body.collect().await.unwrap().to_bytes().to_vec(),
        )
    }

    #[tokio::test]
    async fn the_handler_gets_every_byte() {
        for text in [
            "",
            "a=b",
            "csrfmiddlewaretoken=x&a=%zz&&=&b",
            "csrfmiddlewaretoken=a&csrfmiddlewaretoken=x",
        ] {
            let (token, bytes) = read_whole(Body::from(text)).await;
            assert_eq!(bytes, text.as_bytes());
            assert_eq!(
                token.as_deref(),
                text.contains("csrf").then_some("x"),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn a_large_body_is_read_in_part_and_handed_on_whole() {
        let filler = "x".repeat(10 << 20);
        let chunks = |text: String| {
            let chunks: Vec<Result<Bytes, std::io::Error>> = text
                .into_bytes()
                .chunks(1000)
                .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                .collect();
            let frames = http_body_util::StreamBody::new(Chunks(chunks.into()));
            Body::new(frames)
        };
        let early = format!("csrfmiddlewaretoken=x&a={filler}");
        assert_eq!(
            read_whole(chunks(early.clone())).await,
            (Some("x".into()), early.into_bytes())
        );
        let late = format!("a={filler}&csrfmiddlewaretoken=x");
        assert_eq!(
            read_whole(chunks(late.clone())).await,
            (None, late.into_bytes())
        );
        let cut = format!(
            "{}&csrfmiddlewaretoken={filler}",
            "a".repeat(FARTHEST - 100)
        );
        assert_eq!(
            read_whole(chunks(cut)).await.0,
            None,
            "half a token is no token"
        );
    }

    struct Chunks(VecDeque<Result<Bytes, std::io::Error>>);

    impl futures_core::Stream for Chunks {
        type Item = Result<Frame<Bytes>, std::io::Error>;

        fn poll_next(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.pop_front().map(|chunk| chunk.map(Frame::data)))
        }
    }

    #[test]
    fn only_urlencoded_forms_are_read() {
        let is = |value: &str| {
            is_urlencoded(&HeaderMap::from_iter([(
                CONTENT_TYPE,
                value.parse().unwrap(),
            )]))
        };
        assert!(
            is("application/x-www-form-urlencoded")
                && is("Application/X-WWW-Form-Urlencoded; charset=utf-8")
        );
        assert!(!is("multipart/form-data") && !is("application/json") && !is("text/plain"));
        assert!(!is_urlencoded(&HeaderMap::new()));
    }
}
