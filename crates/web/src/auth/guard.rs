//! Pages for some users: what the others get.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts as _, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use tower_layer::Layer;
use tower_service::Service;

use super::{Permissions, User, required};
use crate::error::Error;
use crate::tokens::Bearer;
use crate::visit::Visit;

/// A layer for routes that only users with this permission may see, written `app_label.codename`.
///
/// Who is not signed in gets what [`login_required`](crate::login_required) answers, who is and has it not 403. A
/// superuser has every permission.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::permission_required;
///
/// let app: Router =
///     Router::new().route("/orders/", get(|| async { "1, 2, 3" }).layer(permission_required("shop.view_order")));
/// ```
pub fn permission_required(permission: impl Into<String>) -> Guard {
    permissions_required([permission])
}

/// The same for users who have all of several permissions (`has_perms`).
pub fn permissions_required(permissions: impl IntoIterator<Item = impl Into<String>>) -> Guard {
    let permissions = permissions.into_iter().map(Into::into);
    Guard::new(Test::Permissions(permissions.collect()))
}

/// A layer for routes that only users may see who pass a test.
///
/// Nobody who is not signed in is put to the test: they get what [`login_required`](crate::login_required) answers. Who
/// fails it gets 403; [`or_login`](Guard::or_login) is Django's way.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::user_passes_test;
///
/// let employees = user_passes_test(|user| user.email.ends_with("@example.com"));
/// let app: Router = Router::new().route("/lunch/", get(|| async { "soup" }).layer(employees));
/// ```
pub fn user_passes_test(test: impl Fn(&User) -> bool + Send + Sync + 'static) -> Guard {
    Guard::new(Test::User(Arc::new(test)))
}

/// A layer for routes that only active users may see who are staff (`is_staff`).
pub fn staff_required() -> Guard {
    user_passes_test(|user| user.is_active && user.is_staff)
}

/// A layer for routes that only active superusers may see.
pub fn superuser_required() -> Guard {
    user_passes_test(|user| user.is_active && user.is_superuser)
}

/// Made by [`permission_required`] and its like: a layer inside Cloakroom's.
#[derive(Clone, Debug)]
#[must_use]
pub struct Guard {
    test: Test,
    speaks: Speaks,
    refused: Refused,
}

impl Guard {
    const fn new(test: Test) -> Self {
        Self {
            test,
            speaks: Speaks::Session,
            refused: Refused::Forbidden,
        }
    }

    /// The same for requests that an access token speaks for, and for no others, as with
    /// [`bearer_required`](crate::bearer_required): the session's user is not asked for.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use cloakroom::permission_required;
    ///
    /// let orders = permission_required("shop.view_order").of_bearer();
    /// let app: Router = Router::new().route("/api/orders/", get(|| async { "1, 2, 3" }).layer(orders));
    /// ```
    pub const fn of_bearer(mut self) -> Self {
        self.speaks = Speaks::Bearer;
        self
    }

    /// Sends a user who may not see the page to the login page too, as Django's decorators do: perhaps there is
    /// another account. What is no browser's page load gets 403 all the same.
    ///
    /// The login page must then show its form to users who are signed in. One that sends them on instead sends them
    /// back here, in a circle.
    pub const fn or_login(mut self) -> Self {
        self.refused = Refused::ToLogin;
        self
    }

    /// Whether the request may go on.
    async fn check(&self, parts: &mut Parts) -> Result<(), Error> {
        let visit = Visit::of(parts)?.clone();
        let user = match self.speaks {
            Speaks::Session => required::signed_in(&visit, parts).await?,
            Speaks::Bearer => Bearer::from_request_parts(parts, &()).await?.user().clone(),
        };
        let passes = match &self.test {
            Test::User(test) => test(&user),
            Test::Permissions(wanted) => {
                let has = Permissions::load(&visit, &user).await?;
                wanted.iter().all(|permission| has.has(permission))
            }
        };
        match (passes, self.refused, self.speaks) {
            (true, ..) => Ok(()),
            (false, Refused::ToLogin, Speaks::Session) => {
                Err(required::to_login(&visit, parts).unwrap_or_else(Error::permission_denied))
            }
            (false, ..) => Err(Error::permission_denied()),
        }
    }
}

#[derive(Clone)]
enum Test {
    Permissions(Arc<[String]>),
    User(Arc<dyn Fn(&User) -> bool + Send + Sync>),
}

impl fmt::Debug for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permissions(wanted) => wanted.fmt(formatter),
            Self::User(_) => formatter.write_str("user_passes_test(..)"),
        }
    }
}

/// What says whose the request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Session,
    Bearer,
}

/// What users get who fail the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Forbidden,
    ToLogin,
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            guard: self.clone(),
            inner,
        }
    }
}

/// A service behind a [`Guard`].
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was polled ready is the one to call; the clone waits for its turn.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let guard = self.guard.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match guard.check(&mut parts).await {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await,
                Err(error) => Ok(error.into_response()),
            }
        })
    }
}
