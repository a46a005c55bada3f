//! `format: jmespath`, with the work of an expression estimated before it is evaluated.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jmespath::ast::Ast;
use jmespath::functions::{ArgumentType, CustomFunction, Signature};
use jmespath::{Context, Rcvar, Runtime, Variable};
use serde_json::{Map, Number, Value};

use super::path_error::PathError;

/// The longest expression, bytes.
const LENGTH: usize = 2_048;
/// Brackets, braces, parentheses and negations.
const DEPTH: usize = 24;
/// Values that an expression may touch or produce.
const WORK: f64 = 2e6;

/// How often an expression may touch each value of a small answer where that one is read.
const FEW: f64 = 8.0;

/// The functions of the language. The library reads JSON in a way that does not know numbers with all their digits, so that
/// `to_number` is our own, and literals are put right after parsing.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = Runtime::new();
    runtime.register_builtin_functions();
    let signature = Signature::new(vec![ArgumentType::Any], None);
    let to_number = |arguments: &[Rcvar], _: &mut Context<'_>| {
        Ok(Rcvar::new(match arguments.first().map(|argument| &**argument) {
            Some(Variable::Number(number)) => Variable::Number(number.clone()),
            Some(Variable::String(text)) => text.trim().parse().map_or(Variable::Null, Variable::Number),
            _ => Variable::Null,
        }))
    };
    runtime.register_function("to_number", Box::new(CustomFunction::new(signature, Box::new(to_number))));
    runtime
});

/// A parsed expression.
#[derive(Debug)]
pub(super) struct Path {
    source: String,
    ast: Ast,
    cost: Cost,
}

/// How much larger than its input a result can get, and how often the input is traversed for it.
#[derive(Debug, Clone, Copy)]
struct Cost {
    growth: f64,
    work: f64,
}

/// Parses an expression.
pub(super) fn parse(source: &str) -> Result<Path, PathError> {
    #[cfg(test)]
    crate::testing::parse_count::increment();
    if source.len() > LENGTH {
        return Err(PathError::of_all(format!("the expression is longer than {LENGTH} bytes")));
    }
    check_depth(source).map_err(PathError::of_all)?;
    let mut ast = jmespath::parse(source)
        .map_err(|error| PathError::new(source, "JMESPath", error.offset, &error.reason.to_string()))?;
    restore_numbers(&mut ast);
    let cost = cost(&ast);
    Ok(Path { source: source.to_owned(), ast, cost })
}

/// Literal numbers, which the library reads as the object by which `serde_json` hands on all their digits.
fn restore_numbers(ast: &mut Ast) {
    match ast {
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Slice { .. } => {}
        Ast::Literal { value, .. } => *value = with_numbers(value),
        Ast::Expref { ast: node, .. }
        | Ast::Flatten { node, .. }
        | Ast::Not { node, .. }
        | Ast::ObjectValues { node, .. } => restore_numbers(node),
        Ast::Subexpr { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::Condition { predicate: lhs, then: rhs, .. }
        | Ast::Comparison { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. } => {
            restore_numbers(lhs);
            restore_numbers(rhs);
        }
        Ast::MultiList { elements: nodes, .. } | Ast::Function { args: nodes, .. } => {
            nodes.iter_mut().for_each(restore_numbers);
        }
        Ast::MultiHash { elements, .. } => elements.iter_mut().for_each(|pair| restore_numbers(&mut pair.value)),
    }
}

fn with_numbers(value: &Rcvar) -> Rcvar {
    Rcvar::new(match &**value {
        Variable::Array(list) => Variable::Array(list.iter().map(with_numbers).collect()),
        Variable::Object(map) => match number(map) {
            Some(number) => Variable::Number(number),
            None => Variable::Object(map.iter().map(|(name, item)| (name.clone(), with_numbers(item))).collect()),
        },
        other => other.clone(),
    })
}

fn number(map: &BTreeMap<String, Rcvar>) -> Option<Number> {
    let digits = map.get(super::projection::NUMBER).filter(|_| map.len() == 1)?;
    digits.as_string()?.parse().ok()
}

/// Characters for each of which the parser recurses.
fn check_depth(source: &str) -> Result<(), String> {
    let (mut depth, mut negations) = (0_usize, 0_usize);
    for character in source.chars() {
        match character {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            '!' | '&' => negations += 1,
            _ => {}
        }
        if depth > DEPTH || negations > 4 * DEPTH {
            return Err(format!("the expression nests deeper than {DEPTH} levels"));
        }
    }
    Ok(())
}

impl Path {
    /// Whether an answer of so many values is not too much work.
    pub(super) fn check(&self, size: f64) -> Result<(), String> {
        let work = size * self.cost.work.max(self.cost.growth);
        if work > WORK {
            return Err(format!(
                "the expression would touch some {work:.0} values of this answer; at most {WORK} are touched"
            ));
        }
        Ok(())
    }

    /// Whether it touches a value more than a few times.
    pub(super) fn is_long(&self) -> bool {
        self.cost.work.max(self.cost.growth) > FEW
    }

    /// What it finds in `value`; null where it finds nothing.
    pub(super) fn find(&self, value: &Rcvar) -> Result<Value, String> {
        let mut context = Context::new(&self.source, &RUNTIME);
        let found = jmespath::interpret(value, &self.ast, &mut context)
            .map_err(|error| format!("`{}`: at character {}: {}", self.source, error.offset + 1, error.reason))?;
        Ok(plain(&found))
    }
}

/// How many values an answer has.
pub(super) fn size(value: &Value) -> f64 {
    match value {
        // Long texts are work too.
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        Value::String(text) => 1.0 + (text.len() / 64) as f64,
        Value::Array(list) => 1.0 + list.iter().map(size).sum::<f64>(),
        Value::Object(map) => 1.0 + map.values().map(size).sum::<f64>(),
        _ => 1.0,
    }
}

/// An answer in the library's own form.
pub(super) fn variable(value: &Value) -> Rcvar {
    Rcvar::new(match value {
        Value::Null => Variable::Null,
        Value::Bool(flag) => Variable::Bool(*flag),
        Value::Number(number) => Variable::Number(number.clone()),
        Value::String(text) => Variable::String(text.clone()),
        Value::Array(list) => Variable::Array(list.iter().map(variable).collect()),
        Value::Object(map) => {
            let members = map.iter().map(|(name, item)| (name.clone(), variable(item)));
            Variable::Object(members.collect::<BTreeMap<_, _>>())
        }
    })
}

fn plain(found: &Variable) -> Value {
    match found {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(flag) => Value::Bool(*flag),
        Variable::Number(number) => Value::Number(number.clone()),
        Variable::String(text) => Value::String(text.clone()),
        Variable::Array(list) => Value::Array(list.iter().map(|item| plain(item)).collect()),
        Variable::Object(map) => {
            Value::Object(map.iter().map(|(name, item)| (name.clone(), plain(item))).collect::<Map<_, _>>())
        }
    }
}

/// Only lists and hashes that name their input several times make it larger, and only `to_string` of quotes; nothing in the
/// language goes back to the root, so that work and growth multiply along the pipe and add up elsewhere.
fn cost(ast: &Ast) -> Cost {
    let leaf = Cost { growth: 1.0, work: 1.0 };
    let piped = |first: Cost, then: Cost| Cost {
        growth: first.growth * then.growth,
        work: first.work + first.growth * then.work,
    };
    let sum = |all: &mut dyn Iterator<Item = Cost>| {
        all.fold(Cost { growth: 0.0, work: 0.0 }, |a, b| Cost { growth: a.growth + b.growth, work: a.work + b.work })
    };
    match ast {
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Slice { .. } => leaf,
        Ast::Literal { value, .. } => Cost { growth: 1.0 + variable_size(value), ..leaf },
        Ast::Expref { ast, .. } => cost(ast),
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => piped(cost(node), leaf),
        Ast::Subexpr { lhs, rhs, .. } | Ast::Projection { lhs, rhs, .. } => piped(cost(lhs), cost(rhs)),
        Ast::Condition { predicate, then, .. } => sum(&mut [cost(predicate), cost(then)].into_iter()),
        Ast::Comparison { lhs, rhs, .. } | Ast::And { lhs, rhs, .. } | Ast::Or { lhs, rhs, .. } => {
            sum(&mut [cost(lhs), cost(rhs)].into_iter())
        }
        Ast::MultiList { elements, .. } => sum(&mut elements.iter().map(cost)),
        Ast::MultiHash { elements, .. } => sum(&mut elements.iter().map(|pair| cost(&pair.value))),
        Ast::Function { name, args, .. } => {
            // An expression argument is applied to what another argument gives.
            let expressions = args.iter().filter(|arg| matches!(arg, Ast::Expref { .. })).map(cost);
            let applied = expressions.fold(leaf, |a, b| Cost { growth: a.growth * b.growth, work: a.work * b.work });
            let values = sum(&mut args.iter().filter(|arg| !matches!(arg, Ast::Expref { .. })).map(cost));
            let factor = match name.as_str() {
                // Quotes and backslashes double each time.
                "to_string" => 2.0,
                // A list of n texts takes the separator n times.
                "join" => 8.0,
                _ => 1.0,
            };
            Cost {
                growth: (values.growth * applied.growth * factor).max(1.0),
                work: values.work + values.growth.max(1.0) * applied.work * 2.0,
            }
        }
    }
}

fn variable_size(value: &Variable) -> f64 {
    match value {
        Variable::Array(list) => list.iter().map(|item| variable_size(item)).sum::<f64>() + 1.0,
        Variable::Object(map) => map.values().map(|item| variable_size(item)).sum::<f64>() + 1.0,
        _ => 1.0,
    }
}
