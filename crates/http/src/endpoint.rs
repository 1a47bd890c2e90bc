//! An endpoint: its method and path, its rules, its handler and its description, in one row of its dialect.

use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, Route, guard, web};
use domain::Contract;

use crate::middleware::authenticate;
use crate::openapi::OperationDoc;
use crate::rules::{Access, JsonLimit, Rules};

/// An endpoint.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// The path, with the name of each parameter in braces.
    pub(crate) path: &'static str,
    pub(crate) rules: Rules,
    /// Makes the description; `None` for the endpoints that serve the description itself.
    pub(crate) doc: Option<fn() -> OperationDoc>,
    handler: Route,
}

impl Endpoint {
    /// An endpoint that needs a token.
    pub(crate) fn new<F, Args>(
        contract: Contract,
        method: Method,
        path: &'static str,
        handler: F,
        doc: fn() -> OperationDoc,
    ) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self { method, path, rules: Rules::new(contract), doc: Some(doc), handler: web::to(handler) }
    }

    /// A public `GET` endpoint that serves the description, and is therefore not described.
    pub(crate) fn undescribed(path: &'static str, handler: Route) -> Self {
        let rules = Rules { access: Access::Public, ..Rules::new(Contract::LlmChat) };
        Self { method: Method::GET, path, rules, doc: None, handler }
    }

    /// Allows calls without a token.
    pub(crate) fn public(mut self) -> Self {
        self.rules.access = Access::Public;
        self
    }

    /// Sets the status of an invalid field, which is 422 by default.
    pub(crate) fn bad_field(mut self, status: StatusCode) -> Self {
        self.rules.bad_field = status;
        self
    }

    /// Sets the limit of the JSON body.
    pub(crate) fn json_limit(mut self, limit: JsonLimit) -> Self {
        self.rules.json_limit = limit;
        self
    }

    /// The methods that it serves: an endpoint for GET also serves HEAD.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let head = (self.method == Method::GET).then_some(Method::HEAD);
        std::iter::once(self.method.clone()).chain(head).collect()
    }

    /// The route: the handler, behind the checks that the rules ask for.
    pub(crate) fn into_route(self) -> Route {
        let methods = self.methods();
        let Self { rules, handler, .. } = self;
        handler
            .guard(guard::fn_guard(move |context| methods.contains(&context.head().method)))
            .wrap(from_fn(move |request, next| authenticate::run(rules, request, next)))
    }
}
