//! Exit codes: 0 done, 1 the thing asked about failed, 2 wrong usage, 64 bad configuration, 69 a needed service cannot
//! be reached, 70 stuck.

use std::process::ExitCode;
use std::sync::Arc;

use super::output;
use crate::admin::collections;
use crate::job::Failure;
use crate::telemetry::printable::{Lines, printable};
use crate::{amqp, api, config, http, store, worker};

/// The thing asked about failed.
pub(super) const FAILED: u8 = 1;
/// Bad configuration.
pub(super) const CONFIGURATION: u8 = 64;
/// A needed service cannot be reached.
pub(super) const UNAVAILABLE: u8 = 69;

/// Says how the command line is used, or what is wrong with these arguments, which scripts may have from other people.
pub(super) fn wrong_usage(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    if !error.use_stderr() || printable(&text, Lines::Kept) == text {
        drop(error.print());
    } else {
        output::note(&text);
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FAILED))
}

/// Says what went wrong and turns it into the exit code that scripts read.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    output::note(&format!("error: {}", with_causes(error)));
    ExitCode::from(code_of(error))
}

/// The error followed by its causes, without those that a message before them quotes.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| {
        if text.is_empty() {
            cause
        } else if text.contains(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

/// Says how a call failed.
pub(super) fn failed(failure: &Failure) -> ExitCode {
    output::note(&format!("error: {}: {}", failure.code, failure.message));
    if let Some(body) = failure.body.as_deref().filter(|body| !body.is_empty()) {
        output::note(&format!("the answer was: {body}"));
    }
    ExitCode::from(FAILED)
}

fn code_of(error: &anyhow::Error) -> u8 {
    error.chain().find_map(code_of_cause).unwrap_or(FAILED)
}

fn code_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<config::Error>() || cause.is::<http::Error>() {
        return Some(CONFIGURATION);
    }
    if let Some(collections::Error::Store(error)) = cause.downcast_ref::<collections::Error>() {
        return Some(of_store(error));
    }
    if let Some(error) = cause.downcast_ref::<store::Error>() {
        return Some(of_store(error));
    }
    if let Some(error) = cause.downcast_ref::<Arc<store::Error>>() {
        return Some(of_store(error));
    }
    if let Some(error) = cause.downcast_ref::<amqp::Error>() {
        return Some(of_broker(error));
    }
    if let Some(api::StartError::Server(_)) = cause.downcast_ref() {
        return Some(FAILED);
    }
    match cause.downcast_ref::<worker::Error>()? {
        worker::Error::Store(error) => Some(of_store(error)),
        worker::Error::Amqp(error) => Some(of_broker(error)),
        worker::Error::Stuck(_) => Some(worker::STUCK),
        _ => Some(CONFIGURATION),
    }
}

fn of_store(error: &store::Error) -> u8 {
    if error.is_transient() {
        UNAVAILABLE
    } else if error.is_misconfigured() {
        CONFIGURATION
    } else {
        FAILED
    }
}

fn of_broker(error: &amqp::Error) -> u8 {
    if error.is_misconfigured() { CONFIGURATION } else { UNAVAILABLE }
}
