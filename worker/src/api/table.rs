//! All routes of the API, in the order of its sections. Each subject's rows name its handlers.

use axum::http::Method;

use super::access::Scope;
use super::routes::{Needs, Route};
use super::{
    accounts, audit, bulk, categories, collections, connector_files, convert, data_sources, dead_letters, examples,
    execute, jobs, keys, me, models, openapi, record_imports, secrets, stats, tokens, trial,
};

const READ: Needs = Needs::Scopes(&[Scope::Read]);
const EXECUTE: Needs = Needs::Scopes(&[Scope::Execute]);
const READ_OR_EXECUTE: Needs = Needs::Scopes(&[Scope::Read, Scope::Execute]);
const EXECUTE_OR_MANAGE: Needs = Needs::Scopes(&[Scope::Execute, Scope::Manage]);
const MANAGE: Needs = Needs::Scopes(&[Scope::Manage]);
const ADMIN: Needs = Needs::Scopes(&[Scope::Admin]);
/// What every list with pages takes.
const LIST: &[&str] = &["filter", "order_by", "order_direction", "per_page", "page"];

/// A handler as the table holds it.
macro_rules! to {
    ($handler:path) => {
        |request| Box::pin($handler(request))
    };
}

/// The whole table.
pub(super) fn routes() -> Vec<Route> {
    [
        connectors(),
        connector_files(),
        connected_accounts(),
        connector_categories(),
        running(),
        ledger(),
        deployed(),
        records(),
        vault(),
        access(),
        about(),
        overview(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Section 4: connectors.
fn connectors() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/data_sources", READ, "getDataSources", to!(data_sources::list))
            .summary("Lists connectors.")
            .query(&[
                "filter",
                "order_by",
                "order_direction",
                "per_page",
                "page",
                "data_source_category_id",
                "status",
                "asset_type",
                "fields",
                "include",
            ])
            .answers(&[(200, "dataSources"), (304, "")])
            .refusals(&[422]),
        Route::new(Method::POST, "/data_sources", MANAGE, "createDataSource", to!(data_sources::create))
            .summary("Makes a connector.")
            .query(&["incomplete"])
            .body("dataSourceEditable")
            .answers(&[(201, "dataSource")])
            .unlimited_only(),
        Route::new(Method::GET, "/data_sources/{id}", READ, "getDataSourceById", to!(data_sources::show))
            .summary("Shows a connector, without a value of its credentials.")
            .query(&["fields", "include"])
            .answers(&[(200, "dataSource"), (304, "")]),
        Route::new(Method::PUT, "/data_sources/{id}", MANAGE, "updateDataSource", to!(data_sources::update))
            .summary("Changes the members of a connector that are given.")
            .body("dataSourceEditable")
            .answers(&[(204, "")])
            .refusals(&[412]),
        Route::new(Method::DELETE, "/data_sources/{id}", MANAGE, "deleteDataSource", to!(data_sources::remove))
            .summary("Removes a connector that no deployed model uses.")
            .query(&["force"])
            .answers(&[(204, "")])
            .refusals(&[412, 422]),
    ]
}

/// Section 4: connectors as files, and section 10: examples.
fn connector_files() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/data_sources/import", MANAGE, "importDataSources", to!(connector_files::import))
            .summary("Adds connectors, or updates those that the records are about: all of them or none.")
            .query(&["existing", "incomplete"])
            .body("dataSourceFile")
            .answers(&[(200, "ImportedDataSources")])
            .unlimited_only(),
        Route::new(Method::GET, "/data_sources/export", READ, "exportDataSources", to!(connector_files::export))
            .summary("Gives connectors as import takes them, or as element templates.")
            .query(&["ids", "as"])
            .answers(&[(200, "ExportedDataSources"), (304, "")])
            .refusals(&[404, 422]),
        Route::new(Method::POST, "/data_sources/convert", MANAGE, "convertToDataSources", to!(convert::convert))
            .summary("Makes records of what another tool wrote; nothing is stored. Also takes the text itself as text/plain.")
            .query(&["kind", "name"])
            .body("ConvertibleText")
            .answers(&[(200, "Conversion")])
            .unlimited_only(),
        Route::new(Method::GET, "/examples", Needs::Any, "getExamples", to!(examples::list))
            .summary("Lists example processes with their connectors and data.")
            .answers(&[(200, "Examples"), (304, "")]),
    ]
}

/// Section 8: accounts of third parties.
fn connected_accounts() -> Vec<Route> {
    const ACCOUNT: &str = "/data_sources/{id}/account";
    let connect = "/data_sources/{id}/connect";
    vec![
        Route::new(Method::POST, connect, MANAGE, "connectAccount", to!(accounts::connect))
            .summary("Says where a browser connects an account of the third party.")
            .body("Connect")
            .answers(&[(200, "Connecting")]),
        Route::new(Method::GET, "/oauth/callback", Needs::Public, "finishConnectingAccount", to!(accounts::returned))
            .summary("Where browsers come back to with a code of the third party; answers a page.")
            .query(&["authorization_code", "authorization_state", "authorization_error"])
            .answers(&[(200, "Page"), (303, ""), (400, "Page")]),
        Route::new(Method::GET, ACCOUNT, READ, "getAccount", to!(accounts::show))
            .summary("Says whether an account is connected, and what for.")
            .answers(&[(200, "Account")]),
        Route::new(Method::DELETE, ACCOUNT, MANAGE, "disconnectAccount", to!(accounts::disconnect))
            .summary("Forgets the account and its tokens.")
            .answers(&[(204, "")]),
    ]
}

/// Section 4: categories.
fn connector_categories() -> Vec<Route> {
    const ALL: &str = "/data_source_categories";
    const ONE: &str = "/data_source_categories/{id}";
    vec![
        Route::new(Method::GET, ALL, READ, "getDataSourceCategories", to!(categories::list))
            .summary("Lists the categories of connectors.")
            .query(LIST)
            .answers(&[(200, "DataSourceCategories"), (304, "")])
            .refusals(&[422]),
        Route::new(Method::POST, ALL, MANAGE, "createDataSourceCategory", to!(categories::create))
            .summary("Makes a category.")
            .body("dataSourceCategoryEditable")
            .answers(&[(201, "DataSourceCategory")])
            .unlimited_only(),
        Route::new(Method::GET, ONE, READ, "getDataSourceCategoryById", to!(categories::show))
            .summary("Shows a category.")
            .answers(&[(200, "DataSourceCategory"), (304, "")]),
        Route::new(Method::PUT, ONE, MANAGE, "updateDataSourceCategory", to!(categories::update))
            .summary("Changes the members of a category that are given.")
            .body("dataSourceCategoryEditable")
            .answers(&[(204, "")])
            .refusals(&[412])
            .unlimited_only(),
        Route::new(Method::DELETE, ONE, MANAGE, "deleteDataSourceCategory", to!(categories::remove))
            .summary("Removes a category that no connector is in.")
            .answers(&[(204, "")])
            .refusals(&[412, 422])
            .unlimited_only(),
    ]
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
            .refusals(upstream)
            .passes_on(),
        Route::new(Method::POST, for_request, EXECUTE, "executeDataSourceForRequest", to!(execute::run))
            .summary("Calls a resource for a request.")
            .body("DataSourceCallParameters")
            .answers(&[(200, "DataSourceResponse"), (202, "Job")])
            .refusals(queued)
            .passes_on(),
        Route::new(Method::POST, "/requests/data_sources/{id}", EXECUTE, "executeDataSource", to!(execute::run))
            .summary("Calls a resource.")
            .body("DataSourceCallParameters")
            .answers(&[(200, "DataSourceResponse"), (202, "Job")])
            .refusals(queued)
            .passes_on(),
        Route::new(Method::POST, "/try", READ_OR_EXECUTE, "tryResource", to!(trial::run))
            .summary("Tries a call as it is being edited: the request, the answer, what is mapped.")
            .body("Try")
            .answers(&[(200, "Tried")])
            .refusals(&[404]),
        Route::new(Method::GET, data, EXECUTE, "getDataFromDataSource", to!(execute::data))
            .summary("Calls a resource; browsers may cache the answer.")
            .query(&["pmds_config", "pmds_data"])
            .answers(&[(200, "DataSourceResponse"), (304, "")])
            .refusals(upstream)
            .passes_on(),
        Route::new(Method::POST, data, EXECUTE, "postDataFromDataSource", to!(execute::data))
            .summary("The same by POST, whose body wins over the query.")
            .query(&["pmds_config", "pmds_data"])
            .answers(&[(200, "DataSourceResponse"), (304, "")])
            .refusals(upstream)
            .passes_on(),
    ]
}

/// Section 6: the ledger and the dead letters.
fn ledger() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/jobs", READ, "getJobs", to!(jobs::list))
            .summary("Lists jobs, the newest first.")
            .query(jobs::QUERY)
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
            .body("ModelToLint")
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

/// Section 10: secrets and keys.
fn vault() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/secrets", MANAGE, "getSecrets", to!(secrets::list))
            .summary("Lists secrets and what names them, without their values.")
            .answers(&[(200, "Secrets"), (304, "")])
            .unlimited_only(),
        Route::new(Method::GET, "/secrets/{name}", MANAGE, "getSecretByName", to!(secrets::show))
            .summary("Shows a secret and what names it, without its value.")
            .answers(&[(200, "Secret"), (304, "")])
            .unlimited_only(),
        Route::new(Method::PUT, "/secrets/{name}", MANAGE, "putSecret", to!(secrets::put))
            .summary("Sets a secret's value, or where it may be sent.")
            .body("SecretEditable")
            .answers(&[(204, "")])
            .unlimited_only(),
        Route::new(Method::DELETE, "/secrets/{name}", MANAGE, "deleteSecret", to!(secrets::remove))
            .summary("Removes a secret that nothing names.")
            .query(&["force"])
            .answers(&[(204, "")])
            .refusals(&[422])
            .unlimited_only(),
        Route::new(Method::GET, "/keys", ADMIN, "getKeys", to!(keys::list))
            .summary("Lists the keys, and how many values each has encrypted.")
            .answers(&[(200, "Keys"), (304, "")]),
        Route::new(Method::POST, "/keys/rotate", ADMIN, "rotateKeys", to!(keys::rotate))
            .summary("Begins to encrypt everything with a new key.")
            .answers(&[(202, "Rotation")])
            .refusals(&[409]),
    ]
}

/// Collections of records (COLLECTIONS 2, 6); not for tokens that are limited to connectors.
fn records() -> Vec<Route> {
    const ALL: &str = "/collections/{c}/records";
    const ONE: &str = "/collections/{c}/records/{id}";
    let conflict: &[u16] = &[404, 409, 412, 422];
    let listed: &[&str] = &["pmql", "filter", "groupBy", "order_by", "order_direction", "per_page", "page", "include"];
    let route = |method, path, needs, operation, summary| {
        Route::new(method, path, needs, operation, to!(collections::answer)).summary(summary).unlimited_only()
    };
    vec![
        route(Method::GET, "/collections", READ, "getCollections", "Lists collections.")
            .query(&["filter", "order_by", "order_direction", "per_page", "page"])
            .answers(&[(200, "Collections"), (304, "")])
            .refusals(&[422]),
        route(Method::POST, "/collections", MANAGE, "createCollection", "Makes a collection and its connector.")
            .body("CollectionEditable")
            .answers(&[(201, "Collection")]),
        Route::new(
            Method::POST,
            "/collections/import",
            MANAGE,
            "importCollection",
            to!(record_imports::import_collection),
        )
        .summary("Makes a collection of an exported one.")
        .body("CollectionDocument")
        .answers(&[(201, "Collection")])
        .unlimited_only(),
        route(Method::GET, "/collections/{c}", READ, "getCollectionById", "Shows a collection.")
            .answers(&[(200, "Collection")]),
        route(Method::PUT, "/collections/{c}", MANAGE, "updateCollection", "Changes a collection.")
            .body("CollectionEditable")
            .answers(&[(204, "")])
            .refusals(conflict),
        route(Method::DELETE, "/collections/{c}", MANAGE, "deleteCollection", "Removes a collection with its records.")
            .query(&["force"])
            .answers(&[(204, "")])
            .refusals(&[422]),
        route(Method::DELETE, "/collections/{c}/truncate", MANAGE, "truncateCollection", "Removes all records.")
            .answers(&[(204, "")])
            .refusals(conflict),
        route(Method::GET, "/collections/{c}/columns", READ, "getCollectionColumns", "Lists the columns.")
            .answers(&[(200, "Columns")]),
        route(Method::POST, "/collections/{c}/export", READ, "exportCollection", "The collection with its records.")
            .answers(&[(200, "CollectionDocument")]),
        route(Method::GET, ALL, READ, "getRecords", "Lists records.")
            .query(listed)
            .answers(&[(200, "Records")])
            .refusals(&[422]),
        route(Method::POST, ALL, EXECUTE, "createRecord", "Makes a record.")
            .body("RecordEditable")
            .answers(&[(201, "Record")])
            .refusals(conflict),
        route(
            Method::GET,
            "/collections/{c}/records/export",
            READ,
            "exportRecords",
            "Records as a file, as they come.",
        )
        .query(&["format", "pmql", "filter", "order_by", "order_direction", "columns", "bom", "formulas"])
        .answers(&[(200, "RecordsFile")])
        .refusals(&[422]),
        Route::new(
            Method::POST,
            "/collections/{c}/records/import",
            MANAGE,
            "importRecords",
            to!(record_imports::import),
        )
        .summary("Makes and changes records from a file, as it comes.")
        .query(&["format", "mode", "key", "on_match", "dry_run", "delimiter", "encoding"])
        .body("RecordsFile")
        .answers(&[(200, "ImportReport"), (422, "RefusedImport")])
        .unlimited_only(),
        route(Method::GET, ONE, READ, "getRecordById", "Shows a record.").answers(&[(200, "Record"), (304, "")]),
        route(Method::PUT, ONE, EXECUTE, "replaceRecord", "Replaces the data of a record.")
            .body("RecordEditable")
            .answers(&[(204, "")])
            .refusals(conflict),
        route(Method::PATCH, ONE, EXECUTE, "patchRecord", "Merges into the data of a record (RFC 7396).")
            .body("RecordEditable")
            .answers(&[(200, "Record")])
            .refusals(conflict),
        route(Method::DELETE, ONE, EXECUTE, "deleteRecord", "Removes a record.")
            .answers(&[(204, "")])
            .refusals(conflict),
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
        Route::new(Method::GET, "/settings", ADMIN, "getSettings", to!(stats::settings))
            .summary("Lists the settings of the process that answers, secrets masked.")
            .answers(&[(200, "Settings"), (304, "")]),
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
