//! All routes of the API, in the order of its sections. Each subject's rows name its handlers.

use axum::http::Method;

use super::access::Scope;
use super::routes::{Needs, Route};
use super::{audit, bulk, dead_letters, execute, jobs, me, models, openapi, stats, tokens, trial};

const READ: Needs = Needs::Scopes(&[Scope::Read]);
const EXECUTE: Needs = Needs::Scopes(&[Scope::Execute]);
const READ_OR_EXECUTE: Needs = Needs::Scopes(&[Scope::Read, Scope::Execute]);
const EXECUTE_OR_MANAGE: Needs = Needs::Scopes(&[Scope::Execute, Scope::Manage]);
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
    [running(), ledger(), deployed(), access(), about(), overview()].into_iter().flatten().collect()
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
        Route::new(Method::POST, "/try", READ_OR_EXECUTE, "tryResource", to!(trial::run))
            .summary("Tries a call as it is being edited: the request, the answer, what is mapped.")
            .body("Try")
            .answers(&[(200, "Tried")])
            .refusals(&[404]),
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

/// Section 6: the ledger and the dead letters.
fn ledger() -> Vec<Route> {
    const FILTERS: &[&str] = &[
        "state",
        "status",
        "code",
        "request",
        "engine",
        "connector",
        "resource",
        "process",
        "element",
        "from",
        "to",
        "q",
        "per_page",
        "after",
    ];
    vec![
        Route::new(Method::GET, "/jobs", READ, "getJobs", to!(jobs::list))
            .summary("Lists jobs, the newest first.")
            .query(FILTERS)
            .answers(&[(200, "Jobs"), (304, "")])
            .refusals(&[422]),
        Route::new(Method::GET, "/jobs/{id}", READ_OR_EXECUTE, "getJobById", to!(jobs::show))
            .summary("Shows a job, when it ended or after `wait` seconds.")
            .query(&["wait"])
            .answers(&[(200, "Job")])
            .refusals(&[422]),
        Route::new(Method::POST, "/jobs/{id}/cancel", EXECUTE_OR_MANAGE, "cancelJob", to!(jobs::cancel))
            .summary("Takes a job back.")
            .answers(&[(202, "JobRow")])
            .refusals(&[409]),
        Route::new(Method::POST, "/jobs/{id}/replay", MANAGE, "replayJob", to!(jobs::replay))
            .summary("Runs a job again, as a job of its own.")
            .body("Replay")
            .answers(&[(202, "JobRow")])
            .refusals(&[409]),
        Route::new(Method::GET, "/dead_letters", READ, "getDeadLetters", to!(dead_letters::list))
            .summary("Lists messages that could not be worked on, the newest first.")
            .query(&["all", "per_page", "after"])
            .answers(&[(200, "DeadLetters"), (304, "")])
            .refusals(&[422])
            .unlimited_only(),
        Route::new(Method::GET, "/dead_letters/{number}", READ, "getDeadLetterById", to!(dead_letters::show))
            .summary("Shows a dead letter with its message.")
            .answers(&[(200, "DeadLetter")])
            .unlimited_only(),
        Route::new(
            Method::POST,
            "/dead_letters/{number}/replay",
            MANAGE,
            "replayDeadLetter",
            to!(dead_letters::replay),
        )
        .summary("Publishes the message of a dead letter again.")
        .answers(&[(200, "DeadLetterRow")])
        .unlimited_only(),
    ]
}

/// Section 6: models. What is no connector is not for tokens that are limited to connectors.
fn deployed() -> Vec<Route> {
    let version = "/models/{process}/{version}";
    vec![
        Route::new(Method::GET, "/models", READ, "getModels", to!(models::list))
            .summary("Lists deployed versions of processes, the newest of each first.")
            .query(&["process", "include"])
            .answers(&[(200, "Models"), (304, "")]),
        Route::new(Method::POST, "/models", MANAGE, "deployModel", to!(models::deploy))
            .summary("Deploys the connector tasks of a model.")
            .query(&["version", "file"])
            .body("Bpmn")
            .answers(&[(201, "DeployedModel")])
            .refusals(&[409])
            .unlimited_only(),
        Route::new(Method::POST, "/models/lint", READ, "lintModel", to!(models::lint))
            .summary("Finds what is wrong in a model, or works otherwise than it was meant.")
            .body("Bpmn")
            .answers(&[(200, "LintedModel")])
            .unlimited_only(),
        Route::new(Method::GET, version, READ, "getModelVersion", to!(models::show))
            .summary("Shows the connector tasks of a version, or its file where XML is accepted.")
            .query(&["include"])
            .answers(&[(200, "Model"), (304, "")]),
        Route::new(Method::DELETE, version, MANAGE, "removeModelVersion", to!(models::remove))
            .summary("Removes a version, whose name is not given again.")
            .answers(&[(204, "")])
            .unlimited_only(),
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

/// Section 10: what the overview shows, and what is done to many jobs.
fn overview() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/stats", READ, "getStats", to!(stats::stats))
            .summary("Tells how calls went, and what needs somebody.")
            .query(&["period", "process", "version"])
            .answers(&[(200, "Stats"), (304, "")])
            .refusals(&[422]),
        Route::new(Method::GET, "/workers", READ, "getWorkers", to!(stats::workers))
            .summary("Lists workers, and the queues that they take jobs from.")
            .answers(&[(200, "Workers"), (304, "")]),
        Route::new(Method::POST, "/jobs/bulk", MANAGE, "startBulk", to!(bulk::start))
            .summary("Does the same to many jobs.")
            .body("NewBulk")
            .answers(&[(200, "BulkCount"), (202, "StartedBulk")]),
        Route::new(Method::GET, "/bulk/{id}", MANAGE, "getBulkById", to!(bulk::show))
            .summary("Tells how far it is.")
            .answers(&[(200, "Bulk")]),
        Route::new(Method::DELETE, "/bulk/{id}", MANAGE, "stopBulk", to!(bulk::stop))
            .summary("Stops it.")
            .answers(&[(204, "")]),
    ]
}
