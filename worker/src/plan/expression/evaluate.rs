//! A tree to a value, counting steps and bytes.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::parse::{Kind, Node, Operator};
use super::{BYTES, EvalContext, Missing, Problem, STEPS, compare, functions, number};
use crate::job::kind_of;
use crate::plan::template::Scope;
use crate::plan::value::{VALUE, member, weight};

pub(super) struct Evaluation<'a, 'b> {
    scope: &'b Scope<'a>,
    pub(super) ctx: EvalContext<'b>,
    missing: Missing,
    steps: usize,
    bytes: usize,
}

pub(super) type Found<'a> = Result<Cow<'a, Value>, Problem>;

impl<'a, 'b> Evaluation<'a, 'b> {
    pub(super) fn new(scope: &'b Scope<'a>, ctx: EvalContext<'b>, missing: Missing) -> Self {
        Self { scope, ctx, missing, steps: STEPS, bytes: BYTES }
    }

    /// Whether what is missing is null.
    pub(super) fn is_lenient(&self) -> bool {
        self.missing == Missing::Null
    }

    /// Counts work; the limit is what makes every evaluation end.
    pub(super) fn spend(&mut self, steps: usize, at: usize) -> Result<(), Problem> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.ok_or_else(|| Problem::new(at, format!("takes more than {STEPS} steps")))?;
        Ok(())
    }

    /// Counts what is produced.
    pub(super) fn produce(&mut self, bytes: usize, at: usize) -> Result<(), Problem> {
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.ok_or_else(|| Problem::new(at, format!("produces more than {BYTES} bytes")))?;
        self.spend(bytes / 256, at)
    }

    /// Counts a value that is copied.
    pub(super) fn copy(&mut self, value: &Value, at: usize) -> Result<(), Problem> {
        self.produce(weight(value, self.bytes), at)
    }

    pub(super) fn value(&mut self, node: &Node) -> Found<'a> {
        self.spend(1, node.at)?;
        match &node.kind {
            Kind::Literal(value) => {
                self.copy(value, node.at)?;
                Ok(Cow::Owned(value.clone()))
            }
            Kind::Name(name) => self.name(name, node.at),
            Kind::Member { of, name, safe } => self.member(of, name, *safe, node.at),
            Kind::Item { of, key } => self.item(of, key, node.at),
            Kind::List(items) => self.list(items),
            Kind::Object(members) => self.object(members),
            Kind::Not(of) => Ok(Cow::Owned(Value::Bool(!self.holds(of)?))),
            Kind::Negate(of) => {
                let value = self.value(of)?;
                owned(number::negate(&value).map_err(|problem| Problem::new(of.at, problem)))
            }
            Kind::Operation { operator, left, right } => self.operation(*operator, left, right),
            Kind::Matches { of, pattern } => self.matches(of, pattern),
            Kind::Choice { condition, yes, no } => self.choice(condition, yes.as_deref(), no.as_deref()),
            Kind::Coalesce { first, second } => match self.leniently(first)? {
                value if value.is_null() => self.value(second),
                value => Ok(value),
            },
            Kind::Call { function, arguments } => functions::call(self, *function, arguments, node.at),
        }
    }

    pub(super) fn holds(&mut self, node: &Node) -> Result<bool, Problem> {
        self.value(node).map(|value| compare::is_truthy(&value))
    }

    /// What is missing is null in here: the left of `??`, the inside of `empty`.
    pub(super) fn leniently(&mut self, node: &Node) -> Found<'a> {
        let before = std::mem::replace(&mut self.missing, Missing::Null);
        let value = self.value(node);
        self.missing = before;
        value
    }

    fn name(&self, name: &str, at: usize) -> Found<'a> {
        match self.scope.get(name) {
            Some(value) => Ok(Cow::Borrowed(value)),
            None if self.missing == Missing::Null => Ok(Cow::Owned(Value::Null)),
            None => Err(Problem::new(
                at,
                format!("there is no variable `{name}`; `{name} ?? ''` stands for nothing where it is missing"),
            )),
        }
    }

    fn member(&mut self, of: &Node, name: &str, safe: bool, at: usize) -> Found<'a> {
        let value = if safe { self.leniently(of)? } else { self.value(of)? };
        if safe && value.is_null() {
            return Ok(Cow::Owned(Value::Null));
        }
        self.part(&value, name, of, at)
    }

    fn item(&mut self, of: &Node, key: &Node, at: usize) -> Found<'a> {
        let (value, key_value) = (self.value(of)?, self.value(key)?);
        let key = compare::text(&key_value).map_err(|problem| Problem::new(key.at, problem))?;
        self.part(&value, &key, of, at)
    }

    /// A member of an object or an item of a list; an error about a missing one names those that exist.
    fn part(&mut self, value: &Cow<'a, Value>, name: &str, of: &Node, at: usize) -> Found<'a> {
        let found = match value {
            Cow::Borrowed(value) => find_member(self.scope, value, name, of).map(Cow::Borrowed),
            Cow::Owned(value) => find_member(self.scope, value, name, of).map(|found| Cow::Owned(found.clone())),
        };
        match found {
            Some(Cow::Owned(found)) => {
                self.copy(&found, at)?;
                Ok(Cow::Owned(found))
            }
            Some(found) => Ok(found),
            None if self.missing == Missing::Null => Ok(Cow::Owned(Value::Null)),
            None => Err(Problem::new(at, not_there(value, name, of))),
        }
    }

    fn list(&mut self, items: &[Node]) -> Found<'a> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.push(self.retained(item)?);
        }
        Ok(Cow::Owned(Value::Array(list)))
    }

    fn object(&mut self, members: &[(Node, Node)]) -> Found<'a> {
        let mut object = Map::new();
        for (key, value) in members {
            let name = self.value(key)?;
            let name = compare::text(&name).map_err(|problem| Problem::new(key.at, problem))?.into_owned();
            object.insert(name, self.retained(value)?);
        }
        Ok(Cow::Owned(Value::Object(object)))
    }

    /// A value that becomes part of a new one.
    fn retained(&mut self, node: &Node) -> Result<Value, Problem> {
        let value = self.value(node)?;
        self.copy(&value, node.at)?;
        Ok(value.into_owned())
    }

    fn choice(&mut self, condition: &Node, yes: Option<&Node>, no: Option<&Node>) -> Found<'a> {
        let value = if yes.is_none() { self.leniently(condition)? } else { self.value(condition)? };
        let chosen = if compare::is_truthy(&value) {
            let Some(yes) = yes else { return Ok(value) };
            Some(yes)
        } else {
            no
        };
        chosen.map_or(Ok(Cow::Owned(Value::Null)), |node| self.value(node))
    }

    fn operation(&mut self, operator: Operator, left: &Node, right: &Node) -> Found<'a> {
        match operator {
            Operator::And => return Ok(Cow::Owned(Value::Bool(self.holds(left)? && self.holds(right)?))),
            Operator::Or => return Ok(Cow::Owned(Value::Bool(self.holds(left)? || self.holds(right)?))),
            _ => {}
        }
        let (a, b) = (self.value(left)?, self.value(right)?);
        let problem = |text: String| Problem::new(left.at, text);
        let yes_or_no = |found: bool| Ok(Value::Bool(found));
        owned(match operator {
            Operator::Add => number::add(&a, &b).map_err(problem),
            Operator::Subtract => number::subtract(&a, &b).map_err(problem),
            Operator::Multiply => number::multiply(&a, &b).map_err(problem),
            Operator::Divide => number::divide(&a, &b).map_err(problem),
            Operator::Remainder => number::remainder(&a, &b).map_err(problem),
            Operator::Power => number::power(&a, &b).map_err(problem),
            Operator::Concatenate => self.concatenated(&a, &b, left, right),
            Operator::Range => self.range(&a, &b, left.at),
            _ => {
                // Comparing is as long as the smaller one.
                let enough = self.steps.saturating_mul(32);
                let (a_size, b_size) = (weight(&a, enough), weight(&b, enough));
                let is_search = matches!(operator, Operator::In | Operator::NotIn);
                self.spend(if is_search { b_size } else { a_size.min(b_size) } / 32, left.at)?;
                compare::holds(operator, &a, &b).map_err(problem).and_then(yes_or_no)
            }
        })
    }

    fn concatenated(&mut self, a: &Value, b: &Value, left: &Node, right: &Node) -> Result<Value, Problem> {
        let a = compare::text(a).map_err(|problem| Problem::new(left.at, problem))?;
        let b = compare::text(b).map_err(|problem| Problem::new(right.at, problem))?;
        self.produce(a.len() + b.len(), left.at)?;
        Ok(Value::from(format!("{a}{b}")))
    }

    fn range(&mut self, a: &Value, b: &Value, at: usize) -> Result<Value, Problem> {
        let whole =
            |value: &Value| value.as_i64().ok_or_else(|| Problem::new(at, "a range is `1..3`: two whole numbers"));
        let (from, to) = (whole(a)?, whole(b)?);
        let items = usize::try_from(from.abs_diff(to)).unwrap_or(usize::MAX).saturating_add(1);
        self.spend(items, at)?;
        self.produce(items.saturating_mul(VALUE), at)?;
        // PHP counts down where the second is smaller.
        let list = if from <= to {
            (from..=to).map(Value::from).collect()
        } else {
            (to..=from).rev().map(Value::from).collect()
        };
        Ok(Value::Array(list))
    }

    fn matches(&mut self, of: &Node, pattern: &Node) -> Found<'a> {
        let value = self.value(of)?;
        let text = compare::text(&value).map_err(|problem| Problem::new(of.at, problem))?;
        self.spend(text.len() / 8, of.at)?;
        let written = self.value(pattern)?;
        let written = compare::text(&written).map_err(|problem| Problem::new(pattern.at, problem))?;
        // To compile one is most of the work that an expression can ask for; one that is written down is in the cache.
        let is_literal = matches!(pattern.kind, Kind::Literal(_));
        self.spend(if is_literal { STEPS / 256 } else { STEPS / 8 }, pattern.at)?;
        let pattern = functions::pattern(&written).map_err(|problem| Problem::new(pattern.at, problem))?;
        Ok(Cow::Owned(Value::Bool(pattern.is_match(&text))))
    }
}

/// A member; of `headers` one that is written in any case.
fn find_member<'v>(scope: &Scope<'_>, value: &'v Value, name: &str, of: &Node) -> Option<&'v Value> {
    let of_headers = || matches!(&of.kind, Kind::Name(variable) if variable == "headers");
    scope.part(value, name).or_else(|| member(value, &name.to_ascii_lowercase()).filter(|_| of_headers()))
}

fn owned<'a>(value: Result<Value, Problem>) -> Found<'a> {
    value.map(Cow::Owned)
}

fn not_there(value: &Value, name: &str, of: &Node) -> String {
    let path = path(of);
    match value {
        Value::Object(map) => {
            let known: Vec<&str> = map.keys().take(12).map(String::as_str).collect();
            let more = if map.len() > known.len() { ", …" } else { "" };
            format!("`{path}` has no member `{name}`; it has: {}{more}", known.join(", "))
        }
        Value::Array(list) => format!("`{path}` has no item `{name}`; it has {} items", list.len()),
        other => format!("`{path}` is {} and has no member `{name}`", kind_of(other)),
    }
}

/// The path as it was written.
fn path(node: &Node) -> String {
    match &node.kind {
        Kind::Name(name) => name.clone(),
        Kind::Member { of, name, .. } => format!("{}.{name}", path(of)),
        Kind::Item { of, .. } => format!("{}[…]", path(of)),
        _ => "the value before it".to_owned(),
    }
}
