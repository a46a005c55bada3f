//! The table of routes: the router, the scopes and the OpenAPI document are made from it.

use std::collections::BTreeMap;

use axum::http::Method;
use axum::response::Response;
use futures_util::future::BoxFuture;

use super::access::{Caller, Scope};
use super::error::Error;
use super::request::{self, Request};

/// What answers a route.
pub(super) type Handler = fn(Request) -> BoxFuture<'static, Result<Response, Error>>;

/// Who may use a route.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs {
    /// Everybody, without a token.
    Public,
    /// Every valid token.
    Any,
    /// One of these scopes.
    Scopes(&'static [Scope]),
}

/// A method and a path of the API.
pub(super) struct Route {
    /// `GET` also answers `HEAD`.
    pub(super) method: Method,
    /// Below the base path, `{name}` for parameters.
    pub(super) path: &'static str,
    /// Who may use it.
    pub(super) needs: Needs,
    /// Whether tokens that are limited to connectors may use it.
    pub(super) limited: bool,
    /// What it is called in the OpenAPI document.
    pub(super) operation: &'static str,
    /// One sentence for the OpenAPI document.
    pub(super) summary: &'static str,
    /// The parameters of its query, as `openapi/parameters.json` describes them.
    pub(super) query: &'static [&'static str],
    /// The schema of its body, as `openapi/schemas.json` has it.
    pub(super) body: Option<&'static str>,
    /// Statuses of good answers with the schemas of their bodies; `""` for none.
    pub(super) answers: &'static [(u16, &'static str)],
    /// Further statuses of refusals, beside those that all routes of its kind have.
    pub(super) refusals: &'static [u16],
    /// Whether answers of third parties are passed on, with whatever status and media type they have.
    pub(super) passes_on: bool,
    /// What answers it.
    pub(super) handler: Handler,
}

impl Route {
    /// A route with what most of them have.
    pub(super) const fn new(
        method: Method,
        path: &'static str,
        needs: Needs,
        operation: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            needs,
            limited: true,
            operation,
            summary: "",
            query: &[],
            body: None,
            answers: &[],
            refusals: &[],
            passes_on: false,
            handler,
        }
    }

    /// The sentence of the OpenAPI document.
    pub(super) const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// The parameters of its query.
    pub(super) const fn query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }

    /// The schema of its body.
    pub(super) const fn body(mut self, schema: &'static str) -> Self {
        self.body = Some(schema);
        self
    }

    /// Good answers.
    pub(super) const fn answers(mut self, answers: &'static [(u16, &'static str)]) -> Self {
        self.answers = answers;
        self
    }

    /// Further refusals.
    pub(super) const fn refusals(mut self, refusals: &'static [u16]) -> Self {
        self.refusals = refusals;
        self
    }

    /// Answers of third parties are passed on.
    pub(super) const fn passes_on(mut self) -> Self {
        self.passes_on = true;
        self
    }

    /// Tokens that are limited to connectors may not use it.
    pub(super) const fn unlimited_only(mut self) -> Self {
        self.limited = false;
        self
    }

    /// Whether this caller may use it.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub(super) fn admit(&self, caller: &Caller) -> Result<(), Error> {
        if caller.scopes.is_empty() {
            return Err(Error::forbidden("this token has none of the scopes read, execute, manage, admin"));
        }
        if let Needs::Scopes(scopes) = self.needs
            && !scopes.iter().any(|scope| caller.may(*scope))
        {
            let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
            let message =
                format!("this needs a token with the scope {}; ask an administrator for one", names.join(" or "));
            return Err(Error::forbidden(message));
        }
        if !self.limited && caller.is_limited() {
            return Err(Error::forbidden("this token is limited to some connectors; this needs one that is not"));
        }
        Ok(())
    }
}

/// All routes, found by method and path.
pub(super) struct Router {
    routes: Vec<Route>,
    /// For each path, the routes by method.
    paths: matchit::Router<BTreeMap<String, usize>>,
}

/// Where a path leads.
pub(super) struct Found<'a> {
    methods: &'a BTreeMap<String, usize>,
    routes: &'a [Route],
    parameters: Vec<(String, String)>,
}

impl Router {
    /// A router of these routes.
    ///
    /// # Errors
    /// When two of them are the same: a defect, which a test finds.
    pub(super) fn new(routes: Vec<Route>) -> Result<Self, String> {
        let mut by_path: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
        for (index, route) in routes.iter().enumerate() {
            if by_path.entry(route.path).or_default().insert(route.method.to_string(), index).is_some() {
                return Err(format!("{} {} is there twice", route.method, route.path));
            }
        }
        let mut paths = matchit::Router::new();
        for (path, methods) in by_path {
            paths.insert(path, methods).map_err(|error| format!("{path}: {error}"))?;
        }
        Ok(Self { routes, paths })
    }

    /// Where a path leads that is not decoded yet: `%2F` belongs to a parameter.
    pub(super) fn find(&self, path: &str) -> Option<Found<'_>> {
        let found = self.paths.at(path).ok()?;
        // The path was checked before: what cannot be decoded does not come here.
        let decoded = |text: &str| request::decoded(text).unwrap_or_default();
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        Some(Found { methods: found.value, routes: &self.routes, parameters })
    }
}

impl Found<'_> {
    /// The route of a method; `HEAD` is `GET`.
    pub(super) fn route(&self, method: &Method) -> Option<&Route> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.methods.get(method.as_str()).and_then(|index| self.routes.get(*index))
    }

    /// The methods of this path, for `Allow`.
    pub(super) fn allowed(&self) -> String {
        let mut methods: Vec<&str> = self.methods.keys().map(String::as_str).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.join(", ")
    }

    /// The parameters of the path, decoded.
    pub(super) fn into_parameters(self) -> Vec<(String, String)> {
        self.parameters
    }
}
