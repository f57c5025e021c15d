//! The addresses at which simplejwt hands tokens out.

use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Tokens;
use crate::auth::Auth;
use crate::error::Error;
use crate::site::Cloakroom;

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

#[derive(Deserialize)]
struct Refresh {
    refresh: String,
}

impl Cloakroom {
    /// Three routes that take and answer what those of simplejwt do, as JSON by POST: `/api/token/` (`username` and
    /// `password`: a pair), `/api/token/refresh/` (`refresh`: the next pair) and `/api/token/blacklist/` (`refresh`: it
    /// and its family end).
    ///
    /// They have their layer, so they are merged behind the site's own. What they answer goes to a program that asked
    /// for it by itself, sets no cookie and depends on none; so they need no CSRF token.
    ///
    /// ```
    /// # use axum::{Router, routing::get};
    /// # use cloakroom::Cloakroom;
    /// # async fn index() {}
    /// # fn app(cloakroom: &Cloakroom) -> Router {
    /// let pages = Router::new().route("/", get(index)).layer(cloakroom.layer());
    /// pages.merge(cloakroom.token_routes())
    /// # }
    /// ```
    pub fn token_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .route("/api/token/", post(obtain))
            .route("/api/token/refresh/", post(refresh))
            .route("/api/token/blacklist/", post(end))
            .layer(self.layer().csrf_exempt())
    }
}

async fn obtain(auth: Auth, Json(sent): Json<Credentials>) -> Result<Response, Error> {
    // Whose session the browser may have beside it is another login.
    let tokens = Tokens::of(auth.visit.site());
    match auth.authenticate(&sent.username, &sent.password).await? {
        Some(user) => Ok(answer(StatusCode::OK, &json!(tokens.obtain(&user).await?))),
        None => {
            let refusal = json!({
                "error": "no_active_account",
                "detail": "No active account found with the given credentials"
            });
            let mut response = answer(StatusCode::UNAUTHORIZED, &refusal);
            let challenge = http::HeaderValue::from_static("Bearer realm=\"api\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            Ok(response)
        }
    }
}

async fn refresh(tokens: Tokens, Json(sent): Json<Refresh>) -> Result<Response, Error> {
    let pair = tokens.refresh(&sent.refresh).await?;
    let pair = pair.ok_or_else(|| Error::token(true))?;
    Ok(answer(StatusCode::OK, &json!(pair)))
}

async fn end(tokens: Tokens, Json(sent): Json<Refresh>) -> Result<Response, Error> {
    tokens.end(&sent.refresh).await?;
    Ok(answer(StatusCode::OK, &json!({})))
}

fn answer(status: StatusCode, value: &Value) -> Response {
    // RFC 6749, section 5.1.
    (status, [(CACHE_CONTROL, "no-store")], Json(value)).into_response()
}
