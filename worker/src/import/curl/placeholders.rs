//! What documentation writes where a value belongs, and what a resource is called.

use percent_encoding::percent_decode_str;

use super::super::marked;
use super::super::report::{Report, quoted};

/// The last part of the path, which the resource is called by.
pub(super) fn name_of(path: &str) -> String {
    let last = path.split('/').rfind(|part| !part.is_empty()).unwrap_or_default();
    let decoded = percent_decode_str(last).decode_utf8_lossy();
    let name = match marked::only_variable(last) {
        Some(name) => name.to_owned(),
        None => marked::shown(&decoded),
    };
    if name.trim().is_empty() { "call".to_owned() } else { name }
}

/// What documentation writes for a value becomes a variable: `{id}`, `{{id}}`, and `:id` as a part of a path.
pub(super) fn with_variables(url: &str, report: &mut Report) -> String {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let inside = after.trim_start_matches('{');
        let Some((name, tail)) = inside.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        if is_name(name) {
            report.changed(format!("{} in the URL is the variable `{{{{{name}}}}}`", quoted(&format!("{{{name}}}"))));
            out.push_str(&marked::variable(name));
            rest = tail.trim_start_matches('}');
        } else if name.contains(',') && !name.contains(['/', '?', '"']) {
            let first = name.split(',').next().unwrap_or_default();
            let why = "a resource makes one call: the first of these is taken";
            report.left_out(quoted(&format!("{{{name}}}")), why);
            out.push_str(first);
            rest = tail;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    let (address, query) = out.split_once('?').map_or((out.as_str(), ""), |(address, query)| (address, query));
    let part = |part: &str| match part.strip_prefix(':').filter(|name| is_name(name)) {
        Some(name) => {
            report.changed(format!("{} in the URL is the variable `{{{{{name}}}}}`", quoted(part)));
            marked::variable(name)
        }
        None => part.to_owned(),
    };
    let address: Vec<String> = address.split('/').map(part).collect();
    let address = address.join("/");
    if query.is_empty() { address } else { format!("{address}?{query}") }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
