//! Text to tree, by descent. Every error is about the first token that cannot be.

mod field;

use super::error::{SyntaxError, position};
use super::lexer::{Lexer, Token, TokenKind};
use super::like::Pattern;
use super::now::{Now, Step, Unit};
use super::operand::{Literal, Operand, TextLiteral};
use super::tree::{Check, Comparison, Expression, Field, Test};
use crate::collections::number::Number;

/// The longest query, bytes.
const MAX_LENGTH: usize = 16_384;
/// Brackets and `NOT` inside one another.
const MAX_DEPTH: usize = 64;
const MAX_TESTS: usize = 500;
/// Values of a list.
const MAX_VALUES: usize = 1_000;

const OPERATOR: &str = "an operator (`=`, `!=`, `<`, `<=`, `>`, `>=`, `LIKE`, `IN`, `NOT`, `IS`)";
const VALUE: &str = "a value (a number, a text in quotes, `true`, `false`, `null`, `NOW`)";

/// Parses a query into its tree and the `NOW`s that the tree names by their places.
pub(super) fn parse(text: &str) -> Result<(Expression, Vec<Now>), SyntaxError> {
    if text.len() > MAX_LENGTH {
        let message = format!("the query is longer than {MAX_LENGTH} bytes: write a shorter one");
        return Err(SyntaxError::new(text, text.floor_char_boundary(MAX_LENGTH), message));
    }
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0, tests: 0, nows: Vec::new() };
    let expression = parser.expression()?;
    let token = parser.lexer.next();
    match token.kind {
        TokenKind::End => Ok((expression, parser.nows)),
        _ => Err(parser.unexpected(&token, "`AND`, `OR` or the end")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
    tests: usize,
    nows: Vec<Now>,
}

impl<'a> Parser<'a> {
    fn expression(&mut self) -> Result<Expression, SyntaxError> {
        let mut any = vec![self.conjunction()?];
        while self.takes_word("or") {
            any.push(self.conjunction()?);
        }
        Ok(only_or(any, Expression::Or))
    }

    fn conjunction(&mut self) -> Result<Expression, SyntaxError> {
        let mut all = vec![self.negation()?];
        while self.takes_word("and") {
            all.push(self.negation()?);
        }
        Ok(only_or(all, Expression::And))
    }

    fn negation(&mut self) -> Result<Expression, SyntaxError> {
        let start = self.lexer.peek().start;
        if self.takes_word("not") {
            self.enter(start)?;
            let opposite = self.negation()?;
            self.depth -= 1;
            return Ok(Expression::Not(Box::new(opposite)));
        }
        if self.takes_symbol("(") {
            self.enter(start)?;
            let inside = self.expression()?;
            self.expect_symbol(")", "`AND`, `OR` or `)`")?;
            self.depth -= 1;
            return Ok(inside);
        }
        self.test().map(Expression::Test)
    }

    fn test(&mut self) -> Result<Test, SyntaxError> {
        self.tests += 1;
        if self.tests > MAX_TESTS {
            let message = format!("a query has at most {MAX_TESTS} tests: compare with lists (`IN`), or ask twice");
            return Err(self.error(self.lexer.peek().start, message));
        }
        let field = self.field()?;
        let token = self.lexer.next();
        let (check, is_negated) = match &token.kind {
            TokenKind::Symbol(symbol) => {
                let (comparison, is_negated) =
                    comparison_of(symbol).ok_or_else(|| self.unexpected_operator(&token, &field))?;
                (Check::Compare(comparison, self.operand(&field, comparison)?), is_negated)
            }
            TokenKind::Word(word) => self.check_named(word, &token, &field)?,
            _ => return Err(self.unexpected_operator(&token, &field)),
        };
        Ok(Test { field, check, is_negated })
    }

    /// The check that begins with a word, and whether its opposite is meant.
    fn check_named(&mut self, word: &str, token: &Token<'_>, field: &Field) -> Result<(Check, bool), SyntaxError> {
        match word.to_ascii_lowercase().as_str() {
            "like" => Ok((self.pattern()?, false)),
            "in" => Ok((self.list(field)?, false)),
            "not" if self.takes_word("like") => Ok((self.pattern()?, true)),
            "not" if self.takes_word("in") => Ok((self.list(field)?, true)),
            "not" => Err(self.unexpected(&self.lexer.peek(), "`LIKE` or `IN` after `NOT`")),
            "is" => {
                let is_negated = self.takes_word("not");
                let expected = if is_negated { "`NULL`" } else { "`NULL` or `NOT NULL`" };
                self.expect_word("null", expected)?;
                Ok((Check::Compare(Comparison::Equal, Operand::Literal(Literal::Null)), is_negated))
            }
            _ => Err(self.unexpected_operator(token, field)),
        }
    }

    fn pattern(&mut self) -> Result<Check, SyntaxError> {
        let token = self.lexer.next();
        match &token.kind {
            TokenKind::Text(text) => Ok(Check::Like(Pattern::new(text))),
            _ => Err(self.unexpected(&token, "a pattern in quotes such as \"A%\"")),
        }
    }

    fn list(&mut self, field: &Field) -> Result<Check, SyntaxError> {
        let token = self.lexer.next();
        let end = match token.kind {
            TokenKind::Symbol("[") => "]",
            TokenKind::Symbol("(") => ")",
            _ => return Err(self.unexpected(&token, "a list such as [1, 2]")),
        };
        let mut literals = Vec::new();
        if self.takes_symbol(end) {
            return Ok(Check::In(literals));
        }
        loop {
            let token = self.lexer.next();
            if literals.len() == MAX_VALUES {
                let message = format!("a list has at most {MAX_VALUES} values: write several tests with `OR`");
                return Err(self.error(token.start, message));
            }
            let literal = self.literal(&token, "a value (a number, a text in quotes, `true`, `false`, `null`)")?;
            self.check_meeting(field, Comparison::Equal, &literal, token.start)?;
            literals.push(literal);
            if !self.takes_symbol(",") {
                self.expect_symbol(end, if end == "]" { "`,` or `]`" } else { "`,` or `)`" })?;
                return Ok(Check::In(literals));
            }
        }
    }

    fn operand(&mut self, field: &Field, comparison: Comparison) -> Result<Operand, SyntaxError> {
        let token = self.lexer.next();
        if matches!(token.kind, TokenKind::Word(word) if word.eq_ignore_ascii_case("now")) {
            return self.now(field.is_day());
        }
        let literal = self.literal(&token, VALUE)?;
        self.check_meeting(field, comparison, &literal, token.start)?;
        Ok(Operand::Literal(literal))
    }

    fn literal(&self, token: &Token<'a>, expected: &str) -> Result<Literal, SyntaxError> {
        match &token.kind {
            TokenKind::Text(text) => Ok(Literal::Text(TextLiteral::new(text.clone()))),
            TokenKind::Number(number) => Number::parse(number).map(Literal::Number).ok_or_else(|| {
                let message = format!("{} is beyond what a number may be (1.7976931348623157e308)", token.kind);
                self.error(token.start, message)
            }),
            TokenKind::Word(word) => match word.to_ascii_lowercase().as_str() {
                "true" => Ok(Literal::Boolean(true)),
                "false" => Ok(Literal::Boolean(false)),
                "null" => Ok(Literal::Null),
                "data" => Err(self.unexpected_with(token, expected, "; a field can only stand on the left")),
                "now" => Err(self.unexpected_with(
                    token,
                    expected,
                    "; `NOW` can only stand beside `=`, `!=`, `<`, `<=`, `>`, `>=`",
                )),
                _ => Err(self.unexpected_with(token, expected, &format!("; a text stands in quotes: \"{word}\""))),
            },
            _ => Err(self.unexpected(token, expected)),
        }
    }

    /// Refuses a value that the left side can never meet.
    fn check_meeting(
        &self,
        field: &Field,
        comparison: Comparison,
        literal: &Literal,
        at: usize,
    ) -> Result<(), SyntaxError> {
        let has_order = comparison != Comparison::Equal;
        let message = match literal {
            Literal::Null | Literal::Boolean(_) if has_order => {
                "`true`, `false` and `null` have no order: compare them with `=` or `!=`"
            }
            Literal::Number(_) | Literal::Boolean(_) if field.is_instant() => {
                "a time is compared with a text such as \"2024-12-31 23:59:59\", or with `NOW`"
            }
            Literal::Text(text) if field.is_instant() && text.instant.is_none() => {
                "this text is no time; write it as \"2024-12-31\" or \"2024-12-31 23:59:59\""
            }
            _ => return Ok(()),
        };
        Err(self.error(at, message.to_owned()))
    }

    fn now(&mut self, is_day: bool) -> Result<Operand, SyntaxError> {
        let mut steps = Vec::new();
        while let Some((sign, start)) = self.lexer.sign() {
            let Some((amount, amount_start)) = self.lexer.decimal() else {
                let token = self.lexer.next();
                return Err(self.unexpected(&token, "a number without a sign"));
            };
            let token = self.lexer.next();
            let TokenKind::Word(name) = token.kind else { return Err(self.unexpected_unit(&token)) };
            let unit = Unit::named(name).ok_or_else(|| self.unexpected_unit(&token))?;
            let Some(length) = unit.times(amount, sign == '-') else {
                let message = format!("{amount} stands where whole months or years are expected");
                return Err(self.error(amount_start, message));
            };
            steps.push(Step { at: position(self.lexer.text(), start), length });
        }
        self.nows.push(Now { steps, is_day });
        Ok(Operand::Now(self.nows.len() - 1))
    }

    fn enter(&mut self, start: usize) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("brackets and `NOT` stand in one another more than {MAX_DEPTH} times: write fewer");
            return Err(self.error(start, message));
        }
        Ok(())
    }

    fn takes_word(&mut self, keyword: &str) -> bool {
        let takes = matches!(self.lexer.peek().kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(keyword));
        if takes {
            self.lexer.next();
        }
        takes
    }

    fn takes_symbol(&mut self, symbol: &str) -> bool {
        let takes = self.lexer.peek().kind == TokenKind::Symbol(symbol);
        if takes {
            self.lexer.next();
        }
        takes
    }

    fn expect_word(&mut self, keyword: &str, expected: &str) -> Result<(), SyntaxError> {
        if self.takes_word(keyword) { Ok(()) } else { Err(self.unexpected(&self.lexer.peek(), expected)) }
    }

    fn expect_symbol(&mut self, symbol: &str, expected: &str) -> Result<(), SyntaxError> {
        if self.takes_symbol(symbol) { Ok(()) } else { Err(self.unexpected(&self.lexer.peek(), expected)) }
    }

    fn unexpected_operator(&self, token: &Token<'_>, field: &Field) -> SyntaxError {
        let hint = match (field, &token.kind) {
            (Field::Path(_), TokenKind::Symbol("-" | "$" | "@" | "/")) => {
                "; a name with other characters than letters, digits and `_` stands in quotes: data.\"first-name\""
            }
            _ => "",
        };
        self.unexpected_with(token, OPERATOR, hint)
    }

    fn unexpected_unit(&self, token: &Token<'_>) -> SyntaxError {
        self.unexpected(token, "a unit (`second`, `minute`, `hour`, `day`, `week`, `month`, `year`)")
    }

    fn unexpected(&self, token: &Token<'_>, expected: &str) -> SyntaxError {
        self.unexpected_with(token, expected, "")
    }

    fn unexpected_with(&self, token: &Token<'_>, expected: &str, hint: &str) -> SyntaxError {
        let found = match &token.kind {
            TokenKind::End => "the query ends".to_owned(),
            kind => format!("{kind} stands"),
        };
        self.error(token.start, format!("{found} where {expected} is expected{hint}"))
    }

    fn error(&self, offset: usize, message: String) -> SyntaxError {
        SyntaxError::new(self.lexer.text(), offset, message)
    }
}

/// The comparison of an operator, and whether its opposite is meant.
fn comparison_of(symbol: &str) -> Option<(Comparison, bool)> {
    Some(match symbol {
        "=" | "==" => (Comparison::Equal, false),
        "!=" | "<>" => (Comparison::Equal, true),
        "<" => (Comparison::Less, false),
        "<=" => (Comparison::AtMost, false),
        ">" => (Comparison::Greater, false),
        ">=" => (Comparison::AtLeast, false),
        _ => return None,
    })
}

/// The only one of several expressions, or all of them together.
fn only_or(mut expressions: Vec<Expression>, together: impl FnOnce(Vec<Expression>) -> Expression) -> Expression {
    match expressions.pop() {
        Some(only) if expressions.is_empty() => only,
        last => {
            expressions.extend(last);
            together(expressions)
        }
    }
}
