//! A page's service: a plain router, or one in our layer as a whole.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use cloakroom::CloakroomService;
use futures_util::future::Either;
use http::Request;
use tower_service::Service;

#[derive(Clone)]
pub(crate) enum App {
    Plain(Router),
    InLayer(CloakroomService<Router>),
}

type InLayer = <CloakroomService<Router> as Service<Request<Body>>>::Future;

impl<B> Service<Request<B>> for App
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, InLayer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self {
            Self::Plain(router) => Either::Left(router.call(request)),
            Self::InLayer(service) => Either::Right(service.call(request)),
        }
    }
}
