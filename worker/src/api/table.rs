//! All routes of the API, in the order of its sections. Each subject's rows name its handlers.

use axum::http::Method;

use super::access::Scope;
use super::routes::{Needs, Route};
use super::{audit, execute, jobs, me, openapi, tokens};

const EXECUTE: Needs = Needs::Scopes(&[Scope::Execute]);
const READ_OR_EXECUTE: Needs = Needs::Scopes(&[Scope::Read, Scope::Execute]);
const MANAGE: Needs = Needs::Scopes(&[Scope::Manage]);
const ADMIN: Needs = Needs::Scopes(&[Scope::Admin]);

/// A handler as the table holds it.
macro_rules! to {
    ($handler:path) => {
        |request| Box::pin($handler(request))
    };
}

/// The whole table.
pub(super) fn routes() -> Vec<Route> {
    [running(), ledger(), access(), about()].into_iter().flatten().collect()
}

/// Section 5: running connectors.
fn running() -> Vec<Route> {
    let (upstream, queued): (&[u16], &[u16]) = (&[404, 422, 502, 504], &[404, 409, 422, 502, 504]);
    let data = "/requests/data_sources/{id}/resources/{endpoint}/data";
    let for_request = "/requests/{request_id}/data_sources/{id}";
    vec![
        Route::new(Method::POST, "/data_sources/{id}/test", MANAGE, "sendDataSource", to!(execute::test))
            .summary("Calls a resource as it is being edited, once.")
            .body("TestCall")
            .answers(&[(200, "DataSourceResponse")])
            .refusals(upstream),
        Route::new(Method::POST, for_request, EXECUTE, "executeDataSourceForRequest", to!(execute::run))
            .summary("Calls a resource for a request.")
            .body("DataSourceCallParameters")
            .answers(&[(200, "DataSourceResponse"), (202, "Job")])
            .refusals(queued),
        Route::new(Method::POST, "/requests/data_sources/{id}", EXECUTE, "executeDataSource", to!(execute::run))
            .summary("Calls a resource.")
            .body("DataSourceCallParameters")
            .answers(&[(200, "DataSourceResponse"), (202, "Job")])
            .refusals(queued),
        Route::new(Method::GET, data, EXECUTE, "getDataFromDataSource", to!(execute::data))
            .summary("Calls a resource; browsers may cache the answer.")
            .query(&["pmds_config", "pmds_data"])
            .answers(&[(200, "DataSourceResponse"), (304, "")])
            .refusals(upstream),
        Route::new(Method::POST, data, EXECUTE, "postDataFromDataSource", to!(execute::data))
            .summary("The same by POST, whose body wins over the query.")
            .query(&["pmds_config", "pmds_data"])
            .answers(&[(200, "DataSourceResponse"), (304, "")])
            .refusals(upstream),
    ]
}

/// Section 6: the ledger.
fn ledger() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/jobs/{id}", READ_OR_EXECUTE, "getJobById", to!(jobs::show))
            .summary("Shows a job, when it ended or after `wait` seconds.")
            .query(&["wait"])
            .answers(&[(200, "Job")])
            .refusals(&[422]),
    ]
}

/// Section 7: tokens and the audit log.
fn access() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/tokens", ADMIN, "getTokens", to!(tokens::list))
            .summary("Lists access tokens, without their secrets.")
            .query(&["filter", "order_by", "order_direction", "per_page", "page"])
            .answers(&[(200, "Tokens"), (304, "")])
            .refusals(&[422]),
        Route::new(Method::POST, "/tokens", ADMIN, "createToken", to!(tokens::create))
            .summary("Makes an access token, whose secret is shown once.")
            .body("NewToken")
            .answers(&[(201, "CreatedToken")]),
        Route::new(Method::GET, "/tokens/{id}", ADMIN, "getTokenById", to!(tokens::show))
            .summary("Shows an access token, without its secret.")
            .answers(&[(200, "Token")]),
        Route::new(Method::DELETE, "/tokens/{id}", ADMIN, "revokeToken", to!(tokens::revoke))
            .summary("Revokes an access token.")
            .answers(&[(204, "")]),
        Route::new(Method::GET, "/audit", ADMIN, "getAudit", to!(audit::list))
            .summary("Lists who changed what, the newest first.")
            .query(&["per_page", "after"])
            .answers(&[(200, "AuditRows"), (304, "")])
            .refusals(&[422]),
        Route::new(Method::GET, "/audit/verify", ADMIN, "verifyAudit", to!(audit::verify))
            .summary("Reads the whole audit log and tells where it was changed.")
            .answers(&[(200, "AuditVerified")]),
    ]
}

/// Section 7: who asks, and whom.
fn about() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/me", Needs::Any, "getMe", to!(me::me))
            .summary("Tells whose token it is and what it may do.")
            .answers(&[(200, "Me")]),
        Route::new(Method::GET, "/version", Needs::Any, "getVersion", to!(me::version))
            .summary("Tells the version of this software and of its API.")
            .answers(&[(200, "Version")]),
        Route::new(Method::GET, "/openapi.json", Needs::Public, "getOpenApi", to!(openapi::serve))
            .summary("The description of this API.")
            .answers(&[(200, "OpenApi")]),
    ]
}
