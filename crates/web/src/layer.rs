//! The one layer, and the life of a request from top to bottom.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http::Request;
use http::header::COOKIE;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::auth::everywhere;
use crate::csrf;
use crate::error::{Error, json};
use crate::finish::{Carrying, Finish, finish};
use crate::host::Head;
use crate::site::Site;
use crate::visit::Visit;

/// Made by [`Cloakroom::layer`](crate::Cloakroom::layer).
#[derive(Clone)]
pub struct CloakroomLayer {
    site: Arc<Site>,
    csrf: Check,
    login_required: bool,
}

impl CloakroomLayer {
    pub(crate) fn new(site: Arc<Site>) -> Self {
        Self {
            csrf: Check::Beginning,
            login_required: site.login_required_everywhere,
            site,
        }
    }

    /// The same layer for pages that everybody may see on a site where a
    /// [login is required everywhere](crate::Cloakroom::login_required_everywhere): Django's `login_not_required`. Exactly
    /// the routes it wraps are exempt.
    #[must_use]
    pub const fn login_not_required(mut self) -> Self {
        self.login_required = false;
        self
    }

    /// The same layer without the CSRF check, for routes that other programs call: Django's `csrf_exempt`.
    /// Exactly the routes it wraps are exempt.
    ///
    /// # Security
    /// Any page can make a signed-in browser send any form here. Let these routes ask for something else
    /// than the session: a signature, a token of their own.
    #[must_use]
    pub fn csrf_exempt(mut self) -> Self {
        self.csrf = Check::Exempt;
        self
    }

    /// The same layer for forms whose token may come late: behind large files, say, in a page that cannot be changed.
    ///
    /// Elsewhere the token is looked for in the first 64 KiB of a body; whoever cannot put it there sends the header. Here
    /// a `multipart/form-data` body is read on until its token is found, up to `limit` bytes. What is more than 64 KiB
    /// waits in a file without a name ([`spool_folder`](crate::CsrfConfig::spool_folder)) within what the whole site
    /// may keep so ([`spool_quota`](crate::CsrfConfig::spool_quota)). As soon as the token is there it is checked: a wrong one
    /// is refused, a right one starts the handler, which gets the body whole, and what is still to come as it comes.
    ///
    /// A body that goes beyond the limit without a token gets 413, one for which no room is left 503. Each 64 KiB
    /// have 30 seconds.
    ///
    /// ```
    /// # use axum::{Router, routing::post};
    /// # async fn import() {}
    /// # fn routes(cloakroom: &cloakroom::Cloakroom) -> Router {
    /// let uploads = Router::new()
    ///     .route("/import/", post(import))
    ///     .layer(cloakroom.layer().csrf_token_anywhere(100 << 20));
    /// # uploads }
    /// ```
    ///
    /// # Security
    /// Whoever has got a cookie of the site, which any visitor has, can have so many bytes written to the disk.
    #[must_use]
    pub fn csrf_token_anywhere(mut self, limit: u64) -> Self {
        self.csrf = Check::Anywhere { limit };
        self
    }
}

/// How far the CSRF check looks into a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Exempt,
    Beginning,
    Anywhere { limit: u64 },
}

impl fmt::Debug for CloakroomLayer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CloakroomLayer")
            .field("csrf", &self.csrf)
            .field("login_required", &self.login_required)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for CloakroomLayer {
    type Service = CloakroomService<S>;

    fn layer(&self, inner: S) -> CloakroomService<S> {
        CloakroomService {
            layer: self.clone(),
            inner,
        }
    }
}

/// A service in Cloakroom's layer.
#[derive(Clone, Debug)]
pub struct CloakroomService<S> {
    layer: CloakroomLayer,
    inner: S,
}

impl<S, B> Service<Request<B>> for CloakroomService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture {
            stage: self.begin(request.map(Body::new)),
        }
    }
}

impl<S> CloakroomService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    fn begin(&mut self, request: Request<Body>) -> Stage<S::Future, S::Error> {
        let (mut parts, body) = request.into_parts();
        let config = &self.layer.site.config;
        let bearer = config.csrf.bearer_has_no_cookies && csrf::has_bearer(&parts.headers);
        if bearer {
            parts.headers.remove(COOKIE);
        }

        // Inside another layer of ours: the visit goes on.
        let outer = parts.extensions.get::<Visit>().cloned();
        let nested = outer.is_some();
        let visit = match outer.map_or_else(|| self.visit(&parts, bearer), Ok) {
            Ok(visit) => visit,
            Err(error) => {
                let mut response = error.into_response();
                if json::is_wanted(&parts.headers) {
                    json::rewrite(&mut response);
                }
                return Stage::Refused {
                    response: Some(response),
                };
            }
        };
        if !nested {
            if parts.extensions.is_empty() {
                parts.extensions.clone_from(&self.layer.site.extensions);
            }
            parts.extensions.insert(visit.clone());
        }

        let check = self.layer.csrf;
        let checks = check != Check::Exempt && !bearer && csrf::needs_check(&parts);
        let late = match check {
            Check::Anywhere { limit } => Some(limit),
            Check::Exempt | Check::Beginning => None,
        };
        let saves = !nested && self.layer.site.config.session.save_every_request;
        let for_users = self.layer.login_required;
        if !checks && !saves && !for_users {
            let inner = self.inner.call(Request::from_parts(parts, body));
            return Stage::Handler {
                inner,
                visit: (!nested).then_some(visit),
            };
        }

        // The service that was polled ready is the one to call; the clone waits for its turn.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        Stage::Boxed {
            boxed: Box::pin(async move {
                if saves {
                    visit.load_to_save(&parts.headers).await;
                }
                let checked = if checks && !visit.state().csrf_checked {
                    visit.note_wanted(&parts.headers);
                    csrf::check(&visit, parts, body, late).await.inspect(|_| {
                        visit.state().csrf_checked = true;
                    })
                } else {
                    Ok(Request::from_parts(parts, body))
                };
                let admitted = match checked {
                    Ok(request) if for_users => everywhere::check(&visit, request).await,
                    Ok(request) => Ok(request),
                    Err(error) => Err(error.into_response()),
                };
                let response = match admitted {
                    Ok(request) => inner.call(request).await?,
                    Err(response) => response,
                };
                if nested {
                    return Ok(response);
                }
                Ok(match finish(visit, response) {
                    Finish::Done(response) => response,
                    Finish::Waits(carrying) => carrying.await,
                })
            }),
        }
    }

    fn visit(&self, parts: &http::request::Parts, bearer: bool) -> Result<Visit, Error> {
        let place = self
            .layer
            .site
            .config
            .hosts
            .place(&Head::of(parts))
            .map_err(Error::host)?;
        Ok(Visit::new(Arc::clone(&self.layer.site), place, bearer))
    }
}

type Boxed<E> = Pin<Box<dyn Future<Output = Result<Response, E>> + Send>>;

pin_project! {
    /// The response of a service in Cloakroom's layer. Only a request that checks a form or saves a session is boxed.
    #[derive(Debug)]
    pub struct ResponseFuture<F, E> {
        #[pin]
        stage: Stage<F, E>,
    }
}

pin_project! {
    #[project = Step]
    enum Stage<F, E> {
        Refused { response: Option<Response> },
        Handler { #[pin] inner: F, visit: Option<Visit> },
        Boxed { boxed: Boxed<E> },
        Carrying { carrying: Carrying },
    }
}

impl<F, E> fmt::Debug for Stage<F, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Refused { .. } => "Refused",
            Self::Handler { .. } => "Handler",
            Self::Boxed { .. } => "Boxed",
            Self::Carrying { .. } => "Carrying",
        })
    }
}

impl<F, E> Future for ResponseFuture<F, E>
where
    F: Future<Output = Result<Response, E>>,
    E: 'static,
{
    type Output = Result<Response, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let carrying = match self.as_mut().project().stage.project() {
                Step::Refused { response } => {
                    return Poll::Ready(Ok(response
                        .take()
                        .expect("a future is not polled after its end")));
                }
                Step::Boxed { boxed } => return boxed.as_mut().poll(context),
                Step::Carrying { carrying } => return carrying.as_mut().poll(context).map(Ok),
                Step::Handler { inner, visit } => {
                    let response = ready!(inner.poll(context))?;
                    match visit.take().filter(Visit::is_touched) {
                        None => return Poll::Ready(Ok(response)),
                        Some(visit) => match finish(visit, response) {
                            Finish::Done(response) => return Poll::Ready(Ok(response)),
                            Finish::Waits(carrying) => carrying,
                        },
                    }
                }
            };
            self.as_mut()
                .project()
                .stage
                .set(Stage::Carrying { carrying });
        }
    }
}
