//! `$…` sources: RFC 9535, with the work of a path estimated before it is evaluated.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::path_error::PathError;

/// The longest path, bytes.
const LENGTH: usize = 1_024;
/// Brackets and parentheses inside one another.
const DEPTH: usize = 8;
/// Nodes that a path may look at.
const WORK: f64 = 4e6;
/// How often `match` and `search` may compile a pattern, and what a pattern may compile to, bytes.
const PATTERNS: f64 = 20_000.0;
const PATTERN_SIZE: usize = 64 * 1024;
/// How many texts of an answer may be patterns.
const TEXTS: usize = 1_000;

/// A parsed path.
#[derive(Debug)]
pub(super) struct Path {
    query: JsonPath,
    shape: Shape,
    /// The names before anything else; none where the work is measured by the whole answer.
    beginning: Vec<String>,
}

/// What a path consists of, outside of its quoted names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Shape {
    /// `..`
    descendants: i32,
    /// `?`
    filters: i32,
    /// `$` inside of filters.
    roots: i32,
    /// `match(` and `search(`, which compile their pattern for every node.
    patterns: i32,
    /// Whether one of those patterns is not written down.
    reads_patterns: bool,
    /// Whether it may find more than one value.
    plural: bool,
}

/// Parses a path.
pub(super) fn parse(source: &str) -> Result<Path, PathError> {
    #[cfg(test)]
    crate::testing::parse_count::increment();
    if source.len() > LENGTH {
        return Err(PathError::of_all(format!("the path is longer than {LENGTH} bytes")));
    }
    let shape = shape(source).map_err(PathError::of_all)?;
    if shape.patterns > 0 {
        texts(source).iter().try_for_each(|text| check_pattern(text)).map_err(PathError::of_all)?;
    }
    match JsonPath::parse(source) {
        Ok(query) => {
            let beginning = if shape.is_measured() { Vec::new() } else { beginning(source) };
            Ok(Path { query, shape, beginning })
        }
        Err(error) => Err(PathError::new(source, "a JSONPath", error.position(), error.message())),
    }
}

impl Path {
    /// A singular query gives the value or `""`, any other the list of values (CONTRACT 6).
    pub(super) fn find(&self, value: &Value) -> Result<Value, String> {
        if self.shape.is_measured() {
            let work = self.work(value);
            if self.shape.patterns > 0 {
                self.check_patterns(value)?;
            }
            if work > WORK {
                return Err(format!(
                    "the path would look at some {work:.0} nodes of this answer; at most {WORK} are looked at"
                ));
            }
        }
        let found = self.query.query(value);
        if self.shape.plural {
            return Ok(Value::Array(found.all().into_iter().cloned().collect()));
        }
        Ok(found.first().cloned().unwrap_or_else(|| Value::from("")))
    }

    /// Whether it looks at a node more than a few times.
    pub(super) fn is_long(&self) -> bool {
        self.shape.patterns > 0 || self.shape.descendants + self.shape.filters + self.shape.roots > 1
    }

    /// The names that it begins with; none where its work is measured by the whole answer.
    pub(super) fn beginning(&self) -> impl Iterator<Item = &str> {
        self.beginning.iter().map(String::as_str)
    }

    /// Each node may be matched against a pattern, which is compiled for it; a pattern that is not written down is a text of
    /// the answer.
    fn check_patterns(&self, value: &Value) -> Result<(), String> {
        let (mut nodes, mut visits) = (0_f64, 0_f64);
        measure(value, 1.0, &mut nodes, &mut visits);
        let compiled = nodes * f64::from(self.shape.patterns);
        if compiled > PATTERNS {
            return Err(format!(
                "`match` and `search` would compile some {compiled:.0} patterns for this answer; at most {PATTERNS} are \
                 compiled"
            ));
        }
        if self.shape.reads_patterns {
            let mut left = TEXTS;
            check_texts(value, &mut left)?;
        }
        Ok(())
    }

    /// Every descent and every filter may visit each node once for each of its ancestors; a filter that begins at the root
    /// begins there for each node.
    fn work(&self, value: &Value) -> f64 {
        let (mut nodes, mut visits) = (0_f64, 0_f64);
        measure(value, 1.0, &mut nodes, &mut visits);
        let steps = (self.shape.descendants + self.shape.filters - 1).max(0);
        let visits_per_node = visits / nodes;
        visits * visits_per_node.powi(steps) * nodes.powi(self.shape.roots)
    }
}

impl Shape {
    /// Whether the work depends on more of a value than the path finds.
    fn is_measured(self) -> bool {
        self.roots + self.descendants + self.filters > 0
    }
}

/// The names before the first bracket or wildcard; the library does not show the segments that it parsed.
fn beginning(source: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = Vec::new();
    let mut rest = source.strip_prefix('$').unwrap_or_default();
    while let Some(segment) = rest.strip_prefix('.') {
        let end = segment.find(|c| !is_part(c)).unwrap_or(segment.len());
        let Some((name, after)) = segment.split_at_checked(end) else { break };
        // What a space or a letter of another script follows may be a part of a name.
        if name.is_empty() || !(after.is_empty() || after.starts_with(['.', '['])) {
            break;
        }
        names.push(name.to_owned());
        rest = after;
    }
    names
}

fn measure(value: &Value, depth: f64, nodes: &mut f64, visits: &mut f64) {
    *nodes += 1.0;
    *visits += depth;
    match value {
        Value::Array(list) => list.iter().for_each(|item| measure(item, depth + 1.0, nodes, visits)),
        Value::Object(map) => map.values().for_each(|item| measure(item, depth + 1.0, nodes, visits)),
        _ => {}
    }
}

fn shape(source: &str) -> Result<Shape, String> {
    let mut shape = Shape::default();
    let (mut quote, mut escaped, mut last) = (None, false, ' ');
    // What is open: whether it is the parenthesis of `match` or `search`.
    let mut open: Vec<bool> = Vec::new();
    let mut after_text = false;
    for (index, character) in source.char_indices() {
        if let Some(mark) = quote {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                other if other == mark => (quote, after_text) = (None, true),
                _ => {}
            }
            continue;
        }
        match character {
            '\'' | '"' => quote = Some(character),
            '[' => open.push(false),
            '(' => {
                open.push(names_pattern(source, index));
                shape.patterns += i32::from(names_pattern(source, index));
            }
            ']' | ')' => shape.reads_patterns |= open.pop() == Some(true) && !after_text,
            '.' if last == '.' => {
                shape.descendants += 1;
                shape.plural = true;
            }
            '?' => {
                shape.filters += 1;
                shape.plural = true;
            }
            '*' | ':' | ',' => shape.plural = true,
            '$' if index > 0 => shape.roots += 1,
            _ => {}
        }
        after_text &= character.is_whitespace();
        if open.len() > DEPTH {
            return Err(format!("the path nests deeper than {DEPTH} levels"));
        }
        last = character;
    }
    Ok(shape)
}

/// Whether the parenthesis at `index` follows `match` or `search`.
fn names_pattern(source: &str, index: usize) -> bool {
    source.get(..index).is_some_and(|before| before.ends_with("match") || before.ends_with("search"))
}

/// The texts in quotes.
fn texts(source: &str) -> Vec<String> {
    let (mut texts, mut quote, mut text, mut escaped) = (Vec::new(), None, String::new(), false);
    for character in source.chars() {
        let Some(mark) = quote else {
            quote = matches!(character, '\'' | '"').then_some(character);
            continue;
        };
        match character {
            _ if escaped => {
                escaped = false;
                // JSON knows all escapes but that of the other quote.
                text.extend(if character == '\'' { vec!['\''] } else { vec!['\\', character] });
            }
            '\\' => escaped = true,
            other if other == mark => {
                let json = format!("\"{text}\"");
                texts.extend(serde_json::from_str::<String>(&json));
                (quote, text) = (None, String::new());
            }
            '"' => text.push_str("\\\""),
            other => text.push(other),
        }
    }
    texts
}

/// A pattern that does not compile matches nothing, and is cheap.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let compiled = regex::RegexBuilder::new(&format!("(?R)^({pattern})$")).size_limit(PATTERN_SIZE).build();
    match compiled {
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(format!("the pattern `{pattern}` compiles to more than {PATTERN_SIZE} bytes; write a smaller one"))
        }
        _ => Ok(()),
    }
}

fn check_texts(value: &Value, left: &mut usize) -> Result<(), String> {
    match value {
        Value::String(text) => {
            *left = left.checked_sub(1).ok_or_else(|| {
                format!("the pattern is one of more than {TEXTS} texts of this answer; write it into the path")
            })?;
            check_pattern(text)
        }
        Value::Array(list) => list.iter().try_for_each(|item| check_texts(item, left)),
        Value::Object(map) => map.values().try_for_each(|item| check_texts(item, left)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_begins_with_the_names_before_anything_else() {
        for (path, expected) in [
            ("$.a.b", "a b"),
            ("$.a_1.b[0].c", "a_1 b"),
            ("$.a.*", "a"),
            ("$.a .b", ""),
            ("$.a.bé.c", "a"),
            ("$['a'].b", ""),
            ("$", ""),
            ("$.a[?@.b]", ""),
            ("$.a..b", ""),
        ] {
            assert_eq!(parse(path).unwrap().beginning().collect::<Vec<_>>().join(" "), expected, "{path}");
        }
    }

    #[test]
    fn patterns_are_small_and_compiled_no_more_often_than_a_job_may_take() {
        for large in
            [r"$[?search(@,'\\p{L}{300}')]", r"$[?match(@.a, '\u005cp{L}{300}' )]", r#"$[?search("\\p{L}{300}", 'a')]"#]
        {
            assert!(parse(large).unwrap_err().to_string().contains("compiles to more than"), "{large}");
        }
        let texts = |count: usize| Value::from(vec![Value::from("abc"); count]);
        let found = |path: &str, value: &Value| parse(path).unwrap().find(value);
        assert_eq!(found("$[?search(@,'b')]", &texts(10_000)).unwrap(), texts(10_000));
        assert!(found("$[?search(@,'b')]", &texts(20_001)).unwrap_err().contains("at most 20000"));
        let from_answer = json!([{"a": "x", "p": r"\p{L}{300}"}]);
        for path in ["$[?search(@.a, @.p)]", "$[?(@.a=='x') && search(@.a, @['p'])]", "$[?match(@.a, value(@.p))]"] {
            assert!(found(path, &from_answer).unwrap_err().contains("compiles to more than"), "{path}");
        }
        assert_eq!(found("$[?search(@.a, 'x' )]", &from_answer).unwrap(), from_answer, "a text that is no pattern");
        let many = Value::from((0..1_001).map(|n| json!({"a": n.to_string()})).collect::<Vec<_>>());
        assert!(found("$[?search('1', @.a)]", &many).unwrap_err().contains("more than 1000 texts"));
    }

    /// RFC 9535's compliance suite, through the function that rows use.
    #[test]
    fn suite_of_json_path() {
        let Some(folder) = crate::testing::suites::folder("jsonpath") else { return };
        let text = std::fs::read_to_string(folder.join("cts.json")).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        let cases = suite["tests"].as_array().unwrap();
        for case in cases {
            let (name, selector) = (&case["name"], case["selector"].as_str().unwrap());
            let parsed = parse(selector);
            if case["invalid_selector"] == true {
                assert!(parsed.is_err(), "{name}: {selector}");
                continue;
            }
            let path = parsed.unwrap_or_else(|problem| panic!("{name}: {problem}"));
            let found: Vec<Value> = path.query.query(&case["document"]).all().into_iter().cloned().collect();
            let found = Value::Array(found);
            match case.get("results") {
                Some(several) => assert!(several.as_array().unwrap().contains(&found), "{name}: {found}"),
                None => assert_eq!(found, case["result"], "{name}"),
            }
            let mapped = path.find(&case["document"]).unwrap();
            let expected = match (&found, path.shape.plural) {
                (Value::Array(list), false) => list.first().cloned().unwrap_or_else(|| Value::from("")),
                _ => found.clone(),
            };
            assert_eq!(mapped, expected, "{name}: one value or a list of them");
            assert!(path.shape.plural || found.as_array().unwrap().len() < 2, "{name}: {selector} is not singular");
        }
        assert!(cases.len() >= 700, "{} cases", cases.len());
    }
}
