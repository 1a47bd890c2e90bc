//! An endpoint: its method and path, its rules, its handler and its description, all in one row of its dialect.

use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, Route, guard};
use domain::Contract;

use crate::middleware::authenticate;
use crate::openapi::OperationDoc;
use crate::rules::{Access, JsonLimit, Rules};

/// An endpoint.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// The path, with a name in braces for each value in it.
    pub(crate) path: &'static str,
    pub(crate) rules: Rules,
    /// Its description; none for the endpoints that serve the descriptions themselves.
    pub(crate) doc: Option<fn() -> OperationDoc>,
    handler: Route,
}

impl Endpoint {
    /// An endpoint that needs a token.
    pub(crate) fn private<F, Args>(
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
        let handler = Route::new().to(handler);
        Self { method, path, rules: Rules::of(contract), doc: Some(doc), handler }
    }

    /// An endpoint that can be called without a token.
    pub(crate) fn public<F, Args>(
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
        let mut endpoint = Self::private(contract, method, path, handler, doc);
        endpoint.rules.access = Access::Public;
        endpoint
    }

    /// A public endpoint that is not part of the description, because it serves it.
    pub(crate) fn undescribed<F, Args>(path: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let rules = Rules { access: Access::Public, ..Rules::of(Contract::LlmChat) };
        Self { method: Method::GET, path, rules, doc: None, handler: Route::new().to(handler) }
    }

    /// Another status for an invalid field than 422.
    pub(crate) fn bad_field(mut self, status: StatusCode) -> Self {
        self.rules.bad_field = status;
        self
    }

    /// Another limit of the JSON body than the usual one.
    pub(crate) fn json_limit(mut self, limit: JsonLimit) -> Self {
        self.rules.json_limit = limit;
        self
    }

    /// The methods that it serves: what serves GET also serves HEAD.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let head = (self.method == Method::GET).then_some(Method::HEAD);
        std::iter::once(self.method.clone()).chain(head).collect()
    }

    /// The handler behind its rules.
    pub(crate) fn into_route(self) -> Route {
        let methods = self.methods();
        let Self { rules, handler, .. } = self;
        handler
            .guard(guard::fn_guard(move |context| methods.contains(&context.head().method)))
            .wrap(from_fn(move |request, next| authenticate::run(rules, request, next)))
    }
}
