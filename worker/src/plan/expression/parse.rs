//! Tokens to a tree, with the precedences of the Symfony expression language.

use serde_json::Value;

use super::functions::{self, Function};
use super::lex::{Kind as Lexed, Token, tokens};
use super::{DEPTH, Problem};

/// A part of an expression and where it begins, in bytes.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What a part is.
#[derive(Debug)]
pub(super) enum Kind {
    Literal(Value),
    Name(String),
    Member { of: Box<Node>, name: String, safe: bool },
    Item { of: Box<Node>, key: Box<Node> },
    List(Vec<Node>),
    Object(Vec<(Node, Node)>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Operation { operator: Operator, left: Box<Node>, right: Box<Node> },
    Matches { of: Box<Node>, pattern: Box<Node> },
    Choice { condition: Box<Node>, yes: Option<Box<Node>>, no: Option<Box<Node>> },
    Coalesce { first: Box<Node>, second: Box<Node> },
    Call { function: Function, arguments: Vec<Node> },
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Same,
    NotSame,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Remainder,
    Power,
}

impl Operator {
    fn precedence(self) -> u16 {
        match self {
            Self::Or => 10,
            Self::And => 15,
            Self::Equal
            | Self::NotEqual
            | Self::Same
            | Self::NotSame
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::In
            | Self::NotIn
            | Self::Matches
            | Self::Contains
            | Self::StartsWith
            | Self::EndsWith => 20,
            Self::Range => 25,
            Self::Add | Self::Subtract => 30,
            Self::Concatenate => 40,
            Self::Multiply | Self::Divide | Self::Remainder => 60,
            Self::Power => 200,
        }
    }
}

/// `not` binds less than arithmetic and more than comparisons.
const NOT: u16 = 50;
const NEGATE: u16 = 500;

pub(super) fn parse(source: &str) -> Result<Node, Problem> {
    let mut parser = Parser { tokens: tokens(source)?, next: 0, depth: 0 };
    let root = parser.expression()?;
    match parser.peek() {
        Token { kind: Lexed::End, .. } => Ok(root),
        Token { kind: Lexed::Sign("="), at } => Err(Problem::new(*at, "`=` assigns nothing here; `==` compares")),
        other => Err(Problem::new(other.at, "an operator or the end is expected here")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

const END: Token = Token { at: 0, kind: Lexed::End };

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).unwrap_or(&END)
    }

    fn peek_after(&self, count: usize) -> &Lexed {
        self.tokens.get(self.next + count).map_or(&END.kind, |token| &token.kind)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(&self.peek().kind, Lexed::Sign(known) if *known == sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str, after: &str) -> Result<(), Problem> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(Problem::new(self.peek().at, format!("`{sign}` is expected here, after {after}")))
    }

    /// One level deeper, within the limit.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        if self.depth == DEPTH {
            return Err(Problem::new(self.peek().at, format!("the expression is nested more than {DEPTH} deep")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Operators, then `??`, then `? :`.
    fn expression(&mut self) -> Result<Node, Problem> {
        self.nested(|parser| {
            let mut left = parser.operation(0)?;
            loop {
                let at = left.at;
                let kind = if parser.takes("??") {
                    Kind::Coalesce { first: Box::new(left), second: Box::new(parser.expression()?) }
                } else if parser.takes("?:") {
                    Kind::Choice { condition: Box::new(left), yes: None, no: Some(Box::new(parser.expression()?)) }
                } else if parser.takes("?") {
                    let yes = Some(Box::new(parser.expression()?));
                    let no = if parser.takes(":") { Some(Box::new(parser.expression()?)) } else { None };
                    Kind::Choice { condition: Box::new(left), yes, no }
                } else {
                    return Ok(left);
                };
                left = Node { at, kind };
            }
        })
    }

    fn operation(&mut self, least: u16) -> Result<Node, Problem> {
        let mut left = self.prefix()?;
        while let Some((operator, tokens)) = self.operator().filter(|(o, _)| o.precedence() >= least) {
            self.next += tokens;
            let binds_right = operator == Operator::Power;
            let right = self.nested(|p| p.operation(operator.precedence() + u16::from(!binds_right)))?;
            left = operation(operator, left, right)?;
        }
        Ok(left)
    }

    /// The operator that comes next, and of how many tokens it consists.
    fn operator(&self) -> Option<(Operator, usize)> {
        let after = |word: &str| matches!(self.peek_after(1), Lexed::Name(next) if next.eq_ignore_ascii_case(word));
        let one = |operator| Some((operator, 1));
        match &self.peek().kind {
            Lexed::Name(name) => match name.to_ascii_lowercase().as_str() {
                "or" => one(Operator::Or),
                "and" => one(Operator::And),
                "in" => one(Operator::In),
                "not" if after("in") => Some((Operator::NotIn, 2)),
                "matches" => one(Operator::Matches),
                "contains" => one(Operator::Contains),
                "starts" if after("with") => Some((Operator::StartsWith, 2)),
                "ends" if after("with") => Some((Operator::EndsWith, 2)),
                _ => None,
            },
            Lexed::Sign(sign) => one(match *sign {
                "||" => Operator::Or,
                "&&" => Operator::And,
                "==" => Operator::Equal,
                "!=" => Operator::NotEqual,
                "===" => Operator::Same,
                "!==" => Operator::NotSame,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                ".." => Operator::Range,
                "+" => Operator::Add,
                "-" => Operator::Subtract,
                "~" => Operator::Concatenate,
                "*" => Operator::Multiply,
                "/" => Operator::Divide,
                "%" => Operator::Remainder,
                "**" => Operator::Power,
                _ => return None,
            }),
            _ => None,
        }
    }

    fn prefix(&mut self) -> Result<Node, Problem> {
        let at = self.peek().at;
        let is_not = matches!(&self.peek().kind, Lexed::Name(name) if name.eq_ignore_ascii_case("not"));
        if is_not || matches!(self.peek().kind, Lexed::Sign("!")) {
            self.next += 1;
            let of = self.nested(|p| p.operation(NOT))?;
            return Ok(Node { at, kind: Kind::Not(Box::new(of)) });
        }
        if self.takes("-") {
            let of = self.nested(|p| p.operation(NEGATE))?;
            return Ok(Node { at, kind: Kind::Negate(Box::new(of)) });
        }
        if self.takes("+") {
            return self.nested(|p| p.operation(NEGATE));
        }
        let node = self.primary()?;
        self.postfix(node)
    }

    fn primary(&mut self) -> Result<Node, Problem> {
        let Token { at, kind } = self.take();
        let kind = match kind {
            Lexed::Number(number) => Kind::Literal(Value::Number(number)),
            Lexed::Text(text) => Kind::Literal(Value::String(text)),
            Lexed::Sign("(") => {
                let inside = self.expression()?;
                self.expect(")", "what stands in parentheses")?;
                return Ok(inside);
            }
            Lexed::Sign("[") => Kind::List(self.listed("]")?),
            Lexed::Sign("{") => Kind::Object(self.members()?),
            Lexed::Name(name) => return self.named(name, at),
            Lexed::Sign(sign) => return Err(Problem::new(at, format!("a value is expected here, not `{sign}`"))),
            Lexed::End => return Err(Problem::new(at, "a value is expected here, and the expression ends")),
        };
        Ok(Node { at, kind })
    }

    fn named(&mut self, name: String, at: usize) -> Result<Node, Problem> {
        if self.takes("(") {
            let function = functions::known(&name).map_err(|problem| Problem::new(at, problem))?;
            let arguments = self.listed(")")?;
            function.check(arguments.len()).map_err(|problem| Problem::new(at, problem))?;
            return Ok(Node { at, kind: Kind::Call { function, arguments } });
        }
        let kind = match name.to_ascii_lowercase().as_str() {
            "true" => Kind::Literal(Value::Bool(true)),
            "false" => Kind::Literal(Value::Bool(false)),
            "null" => Kind::Literal(Value::Null),
            _ => Kind::Name(name),
        };
        Ok(Node { at, kind })
    }

    fn postfix(&mut self, mut node: Node) -> Result<Node, Problem> {
        for _ in 0..=DEPTH {
            let at = node.at;
            let safe = self.takes("?.");
            let kind = if safe || self.takes(".") {
                let name = match self.take() {
                    Token { kind: Lexed::Name(name), .. } => name,
                    // `list.0` is what mustache and paths call it.
                    Token { kind: Lexed::Number(number), .. } => number.to_string(),
                    other => return Err(Problem::new(other.at, "a name is expected after `.`")),
                };
                if matches!(self.peek().kind, Lexed::Sign("(")) {
                    return Err(Problem::new(
                        self.peek().at,
                        format!("values have no methods: `{name}` cannot be called"),
                    ));
                }
                Kind::Member { of: Box::new(node), name, safe }
            } else if self.takes("[") {
                let key = Box::new(self.expression()?);
                self.expect("]", "the key")?;
                Kind::Item { of: Box::new(node), key }
            } else {
                return Ok(node);
            };
            node = Node { at, kind };
        }
        Err(Problem::new(node.at, format!("the path is more than {DEPTH} names long")))
    }

    fn listed(&mut self, close: &str) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        while !self.takes(close) {
            if !items.is_empty() {
                self.expect(",", "an item")?;
                if self.takes(close) {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    /// `{a: 1, 'b c': 2, (x): 3}`.
    fn members(&mut self) -> Result<Vec<(Node, Node)>, Problem> {
        let mut members = Vec::new();
        while !self.takes("}") {
            if !members.is_empty() {
                self.expect(",", "a member")?;
                if self.takes("}") {
                    break;
                }
            }
            let key = match self.peek().clone() {
                Token { at, kind: Lexed::Name(name) } => {
                    self.next += 1;
                    Node { at, kind: Kind::Literal(Value::String(name)) }
                }
                _ => self.primary()?,
            };
            self.expect(":", "a member's name")?;
            members.push((key, self.expression()?));
        }
        Ok(members)
    }
}

fn operation(operator: Operator, left: Node, right: Node) -> Result<Node, Problem> {
    let at = left.at;
    let (left, right) = (Box::new(left), Box::new(right));
    if operator != Operator::Matches {
        return Ok(Node { at, kind: Kind::Operation { operator, left, right } });
    }
    // A pattern that is written down is wrong before there is data.
    if let Kind::Literal(Value::String(pattern)) = &right.kind {
        functions::pattern(pattern).map_err(|problem| Problem::new(right.at, problem))?;
    }
    Ok(Node { at, kind: Kind::Matches { of: left, pattern: right } })
}
