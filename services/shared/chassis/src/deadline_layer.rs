//! The middleware that gives every request its deadline. One without a deadline costs a look at its headers.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use tower::{Layer, Service};

use crate::{Due, Failure, WithDue, expired};

/// Adds deadlines to a router.
#[derive(Clone)]
pub(crate) struct DeadlineLayer {
    longest: Option<Duration>,
}

impl DeadlineLayer {
    /// No request is waited for longer than `longest`.
    pub(crate) fn new(longest: Option<Duration>) -> Self {
        expired::describe();
        Self { longest }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = DeadlineService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DeadlineService {
            inner,
            longest: self.longest,
        }
    }
}

/// See [`DeadlineLayer`].
#[derive(Clone)]
pub(crate) struct DeadlineService<S> {
    inner: S,
    longest: Option<Duration>,
}

/// Without a deadline, with one, or refused at once.
type Served<F, D> = Either<F, Either<D, Ready<Result<Response, Infallible>>>>;

impl<S> Service<Request> for DeadlineService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Served<S::Future, WithDue<S::Future>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let refused = |failure: Failure| Either::Right(Either::Right(ready(Ok(failure.into_response()))));
        match Due::of(request.headers(), self.longest) {
            Ok(None) => Either::Left(self.inner.call(request)),
            Ok(Some(due)) if due.left().is_err() => {
                expired::count("arrival");
                refused(expired::failure())
            }
            Ok(Some(due)) => Either::Right(Either::Left(due.scope(self.inner.call(request)))),
            Err(error) => refused(Failure::bad_request(error.to_string())),
        }
    }
}
