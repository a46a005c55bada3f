//! `openapi`: the description of the API.

use std::process::ExitCode;

use super::output;
use crate::api;

pub(super) fn run() -> ExitCode {
    output::raw(api::openapi_document().as_bytes());
    ExitCode::SUCCESS
}
