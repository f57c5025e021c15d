//! What was tried at the lesson's views, and what became of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use cloakroom::ErrorKind;
use cloakroom::cookie;
use cloakroom::time::Timestamp;
use http::header::COOKIE;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;

use crate::refused::{Sender, why_refused};

/// The last attempts, whoever made them: an attack comes without the cookie by which we would know whose they are.
#[derive(Clone, Default)]
pub(super) struct Attempts(Arc<Mutex<VecDeque<Attempt>>>);

#[derive(Clone, Serialize)]
pub(super) struct Attempt {
    /// Of the day, in UTC.
    time: String,
    method: String,
    view: String,
    from: &'static str,
    has_cookie: bool,
    /// A star was given, stolen, or kept.
    result: &'static str,
    status: u16,
    outcome: &'static str,
}

/// Whether a handler gave a star: in the extensions of its response.
#[derive(Clone, Copy)]
pub(super) struct Given(pub(super) bool);

impl Attempts {
    const MOST: usize = 12;

    pub(super) fn newest_first(&self) -> Vec<Attempt> {
        let attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.iter().rev().cloned().collect()
    }

    fn add(&self, attempt: Attempt) {
        let mut attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() == Self::MOST {
            attempts.pop_front();
        }
        attempts.push_back(attempt);
    }
}

/// Stands around the views and their layers, so that it sees refusals too.
pub(super) async fn note(
    State((attempts, session_cookie)): State<(Attempts, String)>,
    request: Request,
    next: Next,
) -> Response {
    let sender = Sender::of(request.headers());
    let has_cookie = has_cookie(request.headers(), &session_cookie);
    let method = request.method().clone();
    let view = request.uri().path().trim_matches('/').rsplit('/').next();
    let view = view.unwrap_or_default().to_owned();
    let response = next.run(request).await;
    let given = match response.extensions().get() {
        Some(Given(given)) => *given,
        None => view == "fetched" && response.status().is_success(),
    };
    attempts.add(Attempt {
        time: Timestamp::now()
            .sql_text()
            .chars()
            .skip(11)
            .take(8)
            .collect(),
        method: method.as_str().chars().take(16).collect(),
        from: sender.words(),
        has_cookie,
        result: match sender {
            _ if !given => "kept",
            Sender::Own | Sender::Unsaid => "given",
            Sender::Neighbour | Sender::Stranger => "stolen",
        },
        status: response.status().as_u16(),
        outcome: outcome(&response, &method, sender, &view, given),
        view,
    });
    response
}

fn outcome(
    response: &Response,
    method: &Method,
    sender: Sender,
    view: &str,
    given: bool,
) -> &'static str {
    let kind = response.extensions().get::<ErrorKind>();
    if let Some(ErrorKind::CsrfFailed { no_cookie, .. }) = kind {
        return why_refused(sender, *no_cookie);
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && *method == Method::GET {
        return "A link, an image or an address that is typed in only asks for a page (GET). The view takes nothing but forms \
                (POST): a GET must not change anything.";
    }
    if response.status().is_client_error() || response.status().is_server_error() {
        return "It could not be answered, and nothing was changed.";
    }
    match (given, sender) {
        (true, Sender::Own | Sender::Unsaid) => {
            "A star was given, as one of your own pages asked for."
        }
        (true, _) => {
            "A star was given that you did not ask for. The view is exempt, and your browser sent your cookie along: this is \
             what the token is for."
        }
        (false, _) if view == "exempt" => {
            "The view did run. But the browser kept your session’s cookie back, which is SameSite=Lax and so for this site’s \
             own forms: nobody was there to get a star."
        }
        (false, _) => "There is no session to get a star.",
    }
}

fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    let mut sent = headers.get_all(COOKIE).iter();
    sent.any(|header| cookie::find_last(header.as_bytes(), name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_attempts_make_room() {
        let attempts = Attempts::default();
        for number in 0..20 {
            attempts.add(Attempt {
                time: number.to_string(),
                method: "POST".into(),
                view: "checked".into(),
                from: Sender::Stranger.words(),
                has_cookie: false,
                result: "kept",
                status: 403,
                outcome: "",
            });
        }
        let times: Vec<_> = attempts
            .newest_first()
            .into_iter()
            .map(|attempt| attempt.time)
            .collect();
        assert_eq!(times.len(), Attempts::MOST);
        assert_eq!((times[0].as_str(), times[11].as_str()), ("19", "8"));
    }
}
