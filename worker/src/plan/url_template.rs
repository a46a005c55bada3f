//! The URL of a request: the position of a variable decides what it may change (COMPATIBILITY 4.4, CONTRACT 6).

use std::borrow::Cow;
use std::ops::Range;

use url::Url;

use crate::connector::{Invalid, Space};
use crate::job::{Limit, brief};

use super::secrets::Secrets;
use super::template::{Blank, Escape, Scope, Template, TemplateError};

/// What stands before a path that this process answers itself (CONTRACT 6): a name that no network has (RFC 2606), and that
/// nobody may write.
const IN_PROCESS: &str = "http://in-process.invalid";
const IN_PROCESS_HOST: &str = "in-process.invalid";
/// The only paths that it answers.
const COLLECTIONS: &str = "/api/1.0/collections";

/// Whether a rendered URL is answered by this process and not by a network.
pub(super) fn is_in_process(url: &Url) -> bool {
    url.host_str() == Some(IN_PROCESS_HOST)
}

/// Whether the path, with its dots resolved, is below the collections.
fn is_below_collections(url: &Url) -> bool {
    url.path().strip_prefix(COLLECTIONS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A URL's template in three parts: a variable after the first one cannot change scheme, host or port.
#[derive(Debug)]
pub(super) struct UrlTemplate {
    origin: Template,
    path: Template,
    /// With its `?`, and what follows it.
    query: Template,
    /// As written, for messages.
    source: String,
}

impl UrlTemplate {
    pub(super) fn parse(source: &str) -> Result<Self, TemplateError> {
        let (origin, rest) = source.trim().split_at_checked(origin_length(source.trim())).unwrap_or((source, ""));
        let (path, query) = rest.split_at_checked(path_length(rest)).unwrap_or((rest, ""));
        let before = origin.chars().count();
        let query = Template::parse(query).map_err(|e| e.moved_by(before + path.chars().count()))?;
        let path = Template::parse(path).map_err(|e| e.moved_by(before))?;
        let origin = Template::parse(origin)?.closed_to_secrets("a host")?;
        Ok(Self { origin, path, query, source: source.to_owned() })
    }

    /// The absolute URL, without its fragment; variables after the origin are percent-encoded (`html`: ProcessMaker's way).
    pub(super) fn render(
        &self,
        scope: &Scope<'_>,
        html: bool,
        base: Option<&Url>,
        space: Space,
    ) -> Result<Url, Invalid> {
        let invalid = |problem: String| Invalid::new("url", problem);
        let unusable = |e: TemplateError| invalid(e.to_string());
        let slot = |slot: Escape| if html { Escape::Html } else { slot };
        let closed = scope.closed_to_secrets("a host");
        let origin = self.origin.render(&closed, slot(Escape::None)).map_err(unusable)?;
        let (path, blanks) = self.path.render_with_blanks(scope, slot(Escape::Percent)).map_err(unusable)?;
        let in_query = match space {
            Space::Plus => Escape::Form,
            Space::Percent => Escape::Percent,
        };
        let query = self.query.render(scope, slot(in_query)).map_err(unusable)?;
        if let Some(name) = vanished_segment(&path, &blanks) {
            let problem = format!(
                "`{name}` is empty, and it is a whole part of the path: without it another address would be called. Fill \
                 it, or make the `/` before it a part of its section: {{{{#{name}}}}}/{{{{{name}}}}}{{{{/{name}}}}}"
            );
            return Err(invalid(problem));
        }
        let rest = format!("{path}{query}");
        refuse_unsafe(&origin, &rest, self.path.is_constant()).map_err(invalid)?;
        let mut url = self.absolute(&format!("{}{rest}", origin.trim()), base).map_err(invalid)?;
        url.set_fragment(None);
        Ok(url)
    }

    /// Messages quote what was written, never what it was rendered to.
    fn absolute(&self, text: &str, base: Option<&Url>) -> Result<Url, String> {
        if text.is_empty() {
            return Err("the URL is empty".to_owned());
        }
        let url = if text.starts_with('/') {
            let base = base.map_or(IN_PROCESS, Url::as_str).trim_end_matches('/');
            Url::parse(&format!("{base}{text}"))
        } else {
            Url::parse(text)
        };
        let url = url.map_err(|e| format!("`{}` is not a URL: {e}", self.written()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{}` is neither http nor https", self.written()));
        }
        let is_relative = text.starts_with('/');
        if !is_relative && is_in_process(&url) {
            return Err(format!("`{IN_PROCESS_HOST}` is no host; write the path alone"));
        }
        if is_relative && base.is_none() && !(is_in_process(&url) && is_below_collections(&url)) {
            let problem = "a relative URL needs `http.base_url`, which the operator has not set; only /api/1.0/collections is answered without it";
            return Err(problem.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("user name or password stand in the URL; put them into the connector's credentials".to_owned());
        }
        Ok(url)
    }

    fn written(&self) -> Cow<'_, str> {
        brief(self.source.split(['?', '#']).next().unwrap_or_default(), Limit::Bytes(80))
    }
}

/// Whether data can change scheme, host or port of a URL with this template: also by a path that begins without a `/`.
pub fn host_is_variable(source: &str) -> bool {
    UrlTemplate::parse(source).is_ok_and(|template| !template.origin.is_constant())
}

/// The bytes up to the first `/`, `?` or `#` outside of a tag that does not belong to `://`.
fn origin_length(source: &str) -> usize {
    let mut rest = source;
    loop {
        let stop = rest.find(['{', '/', '?', '#', ':']).unwrap_or(rest.len());
        let (_, found) = rest.split_at_checked(stop).unwrap_or((rest, ""));
        let skipped = if found.is_empty() {
            return source.len();
        } else if found.starts_with("{{{") {
            found.find("}}}").map(|end| end + 3)
        } else if found.starts_with("{{") {
            found.find("}}").map(|end| end + 2)
        } else if found.starts_with("://") {
            Some(3)
        } else if found.starts_with(['{', ':']) {
            Some(1)
        } else {
            return source.len() - found.len();
        };
        match skipped.and_then(|length| found.split_at_checked(length)) {
            Some((_, after)) => rest = after,
            None => return source.len(),
        }
    }
}

/// The bytes up to the first `?` or `#` outside of tags and sections; all of it where tags have other delimiters.
fn path_length(rest: &str) -> usize {
    let (mut at, mut sections) = (0, 0_usize);
    while let Some(found) = rest.get(at..).and_then(|after| after.find(['{', '?', '#'])) {
        at += found;
        let tag = rest.get(at..).unwrap_or_default();
        if let Some(inside) = tag.strip_prefix("{{") {
            match inside.trim_start().chars().next() {
                Some('=') => return rest.len(),
                Some('#' | '^') => sections += 1,
                Some('/') => sections = sections.saturating_sub(1),
                _ => {}
            }
            let Some(end) = tag.find("}}") else { return rest.len() };
            at += end + 2;
        } else if tag.starts_with('{') || sections > 0 {
            at += 1;
        } else {
            return at;
        }
    }
    rest.len()
}

/// The first variable that came to nothing where it is all that stands between two `/`.
fn vanished_segment<'a>(path: &str, blanks: &'a [Blank]) -> Option<&'a str> {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let is_segment = |place: &Range<usize>| {
        let (before, after) = (path.get(..place.start).unwrap_or_default(), path.get(place.end..end));
        before.ends_with('/') && after.is_some_and(|after| after.is_empty() || after.starts_with('/'))
    };
    // A secret without a value is none, which is told where secrets are.
    let mut names = blanks.iter().filter(|blank| is_segment(&blank.place)).map(|blank| blank.name.as_str());
    names.find(|name| !Secrets::is_reference(name))
}

/// Refuses what a URL parser would silently drop or turn into another path.
fn refuse_unsafe(origin: &str, rest: &str, constant: bool) -> Result<(), String> {
    if origin.chars().chain(rest.chars()).any(char::is_control) {
        return Err("the URL holds a line break or another control character".to_owned());
    }
    if origin.contains('\\') {
        return Err("the URL holds a backslash before its path".to_owned());
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if !constant && path.split(['/', '\\']).any(is_dots) {
        return Err("a variable turns a part of the path into `.` or `..`".to_owned());
    }
    Ok(())
}
