//! What stands on the left of a test: a path into the data, an own field, or functions of one.

use super::Parser;
use crate::collections::path::Path;
use crate::collections::pmql::error::SyntaxError;
use crate::collections::pmql::lexer::TokenKind;
use crate::collections::pmql::tree::{Field, Function, OwnField};

const FIELD: &str =
    "a field (`data.` and a name, `id`, `created`, `modified`, `created_by`, `modified_by`) or a function of one";
const KEYWORDS: [&str; 12] = ["and", "or", "not", "like", "in", "is", "null", "true", "false", "now", "as", "cast"];

impl Parser<'_> {
    pub(super) fn field(&mut self) -> Result<Field, SyntaxError> {
        let token = self.lexer.next();
        let TokenKind::Word(word) = token.kind else { return Err(self.unexpected(&token, FIELD)) };
        if word == "data" {
            return self.path(token.start);
        }
        let is_call = self.lexer.peek().kind == TokenKind::Symbol("(");
        if word.eq_ignore_ascii_case("cast") {
            return self.cast();
        }
        match (Function::named(word), OwnField::named(word)) {
            (Some(function), _) if is_call => self.call(function),
            (Some(_), _) => {
                let next = self.lexer.peek();
                Err(self.unexpected_with(&next, "`(` and a field", &format!("; a field of the data is `data.{word}`")))
            }
            (None, Some(own)) if !is_call => Ok(Field::Own(own)),
            _ if KEYWORDS.contains(&word.to_ascii_lowercase().as_str()) => Err(self.unexpected(&token, FIELD)),
            _ if is_call => {
                let expected =
                    "a function (`lower`, `upper`, `trim`, `length`, `date`, `year`, `month`, `day`, `CAST`)";
                Err(self.unexpected(&token, expected))
            }
            _ if word.eq_ignore_ascii_case("data") => {
                Err(self.unexpected_with(&token, FIELD, "; `data` is written in lower case"))
            }
            _ => Err(self.unexpected_with(&token, FIELD, &format!("; did you mean `data.{word}`?"))),
        }
    }

    /// The path whose `data` was the last token.
    fn path(&mut self, start: usize) -> Result<Field, SyntaxError> {
        let source = self.lexer.text().get(start..).unwrap_or_default();
        match Path::read(source) {
            Ok((path, length)) => {
                self.lexer.skip(length - "data".len());
                Ok(Field::Path(path))
            }
            Err(error) => {
                let offset = start + error.offset;
                let found = source.get(error.offset..).and_then(|rest| rest.chars().next());
                let found = found.map_or_else(|| "the query ends".to_owned(), |found| format!("{found:?} stands"));
                Err(self.error(offset, format!("{found} where {} is expected", error.expected)))
            }
        }
    }

    fn call(&mut self, function: Function) -> Result<Field, SyntaxError> {
        let field = self.bracketed(|parser| {
            let field = parser.field()?;
            parser.expect_symbol(")", "`)`")?;
            Ok(field)
        })?;
        Ok(Field::Call(function, Box::new(field)))
    }

    fn cast(&mut self) -> Result<Field, SyntaxError> {
        self.bracketed(|parser| {
            let field = parser.field()?;
            parser.expect_word("as", "`AS` and a type")?;
            let token = parser.lexer.next();
            let expected = "a type (`number`, `text`, `date`)";
            let TokenKind::Word(name) = token.kind else { return Err(parser.unexpected(&token, expected)) };
            let function = Function::cast_to(name).ok_or_else(|| parser.unexpected(&token, expected))?;
            parser.expect_symbol(")", "`)`")?;
            Ok(Field::Call(function, Box::new(field)))
        })
    }

    /// `(` and what is read inside, a level deeper.
    fn bracketed(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<Field, SyntaxError>,
    ) -> Result<Field, SyntaxError> {
        let start = self.lexer.peek().start;
        self.expect_symbol("(", "`(` and a field")?;
        self.enter(start)?;
        let field = inside(self)?;
        self.depth -= 1;
        Ok(field)
    }
}
