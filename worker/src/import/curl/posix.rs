//! Commands as a POSIX shell splits them (POSIX.1, shell command language, 2.2 and 2.3), with the place of each word: which a
//! library for quoting does not tell.

use std::collections::HashMap;

use super::super::marked;
use super::super::position::Fault;
use super::{Command, Part, Word};

/// Bytes of values that are inserted at most.
const EXPANDED: usize = 1024 * 1024;

/// The commands of a text without marks.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, Fault> {
    let mut shell = Shell { text, at: 0, variables: HashMap::new(), expanded: 0, here: Vec::new(), parts: Vec::new() };
    shell.run()?;
    Ok(shell.parts)
}

struct Shell<'a> {
    text: &'a str,
    at: usize,
    /// Values that the text assigned.
    variables: HashMap<String, String>,
    /// Bytes of values that were inserted: a text that assigns and repeats must not grow without end.
    expanded: usize,
    /// Here-documents that begin after this line: the command's index and what ends them.
    here: Vec<Here>,
    parts: Vec<Part>,
}

struct Here {
    part: usize,
    end: String,
    strip_tabs: bool,
    at: usize,
}

impl Shell<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn run(&mut self) -> Result<(), Fault> {
        let mut command = Command::default();
        loop {
            self.skip_blanks();
            let at = self.at;
            let Some(next) = self.peek() else { break };
            match next {
                '\n' | ';' => {
                    self.next();
                    self.end(&mut command, "");
                    if next == '\n' {
                        self.read_here_documents()?;
                    }
                }
                '&' | '|' => {
                    let operator = ["&&", "||", "&>", "|&"].into_iter().find(|operator| self.skip(operator));
                    match operator {
                        Some("&>") => self.redirection(&mut command, at)?,
                        Some(operator) => self.end(&mut command, operator),
                        None => {
                            self.next();
                            self.end(&mut command, if next == '&' { "&" } else { "|" });
                        }
                    }
                }
                '(' | ')' => {
                    self.next();
                    self.end(&mut command, "");
                }
                '<' if self.rest().starts_with("<<<") => {
                    self.at += 3;
                    self.skip_blanks();
                    command.input = Some(self.word()?.text + "\n");
                }
                '<' if self.rest().starts_with("<<") => self.here_document(at)?,
                '<' | '>' => {
                    self.next();
                    self.redirection(&mut command, at)?;
                }
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => {
                    let word = self.word()?;
                    let is_number = !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit());
                    if is_number && self.peek().is_some_and(|next| next == '>' || next == '<') {
                        continue;
                    }
                    self.add(&mut command, word, at);
                }
            }
        }
        self.end(&mut command, "");
        self.read_here_documents()
    }

    /// An assignment before a command is kept for the words after it; a prompt is no word.
    fn add(&mut self, command: &mut Command, word: Word, at: usize) {
        if command.words.is_empty() {
            if matches!(word.text.as_str(), "$" | "%" | "export" | "sudo" | "time") {
                return;
            }
            let written = self.text.get(at..).unwrap_or_default();
            if let Some((name, value)) = word.text.split_once('=').filter(|(name, _)| is_name(name))
                && written.starts_with(name)
            {
                self.variables.insert(name.to_owned(), value.to_owned());
                return;
            }
        }
        command.words.push(word);
    }

    fn end(&mut self, command: &mut Command, operator: &'static str) {
        let command = std::mem::take(command);
        if !command.words.is_empty() || command.input.is_some() {
            self.parts.push(Part { command, operator });
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
            let joined = ["\\\n", "\\\r\n", "`\n", "`\r\n"].iter().find(|joined| rest.starts_with(**joined));
            match (blank, joined) {
                (0, None) => return,
                (0, Some(joined)) => self.at += joined.len(),
                (blank, _) => self.at += blank,
            }
        }
    }

    /// Where output goes is none of the call's business; a file as input is not here.
    fn redirection(&mut self, command: &mut Command, at: usize) -> Result<(), Fault> {
        self.skip(">");
        self.skip("&");
        self.skip_blanks();
        let target = self.word()?;
        let operator = self.text.get(at..=at).unwrap_or_default();
        command.redirections.push(format!("{operator} {}", target.text));
        Ok(())
    }

    fn here_document(&mut self, at: usize) -> Result<(), Fault> {
        self.at += 2;
        let strip_tabs = self.skip("-");
        self.skip_blanks();
        let end = self.word()?.text;
        self.here.push(Here { part: self.parts.len(), end, strip_tabs, at });
        Ok(())
    }

    fn read_here_documents(&mut self) -> Result<(), Fault> {
        for here in std::mem::take(&mut self.here) {
            let mut lines = Vec::new();
            loop {
                if self.rest().is_empty() {
                    let problem = format!("the text that begins here is never ended by a line `{}`", here.end);
                    return Err(Fault::new(here.at, problem));
                }
                let line = self.rest().split('\n').next().unwrap_or_default();
                let length = line.len() + 1;
                let line = line.strip_suffix('\r').unwrap_or(line);
                let line = if here.strip_tabs { line.trim_start_matches('\t') } else { line };
                let is_end = line == here.end;
                let line = line.to_owned();
                self.at = (self.at + length).min(self.text.len());
                if is_end {
                    break;
                }
                lines.push(line);
            }
            if let Some(part) = self.parts.get_mut(here.part) {
                part.command.input = Some(lines.join("\n") + "\n");
            }
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Word, Fault> {
        let at = self.at;
        let mut text = String::new();
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => self.single_quoted(&mut text)?,
                '"' => self.double_quoted(&mut text)?,
                '$' => self.dollar(&mut text, true)?,
                '\\' => {
                    self.next();
                    if !self.skip("\n") && !self.skip("\r\n") {
                        text.extend(self.next());
                    }
                }
                '`' => return Err(substitution(self.at)),
                _ => text.extend(self.next()),
            }
        }
        Ok(Word { text, at })
    }

    fn single_quoted(&mut self, text: &mut String) -> Result<(), Fault> {
        let at = self.at;
        self.next();
        let inside = self.rest().split_once('\'').map(|(inside, _)| inside.to_owned());
        let inside = inside.ok_or_else(|| unclosed(at))?;
        self.at += inside.len() + 1;
        text.push_str(&inside);
        Ok(())
    }

    fn double_quoted(&mut self, text: &mut String) -> Result<(), Fault> {
        let at = self.at;
        self.next();
        loop {
            match self.peek().ok_or_else(|| unclosed(at))? {
                '"' => {
                    self.next();
                    return Ok(());
                }
                '\\' => {
                    self.next();
                    match self.peek() {
                        Some('$' | '`' | '"' | '\\') => text.extend(self.next()),
                        Some('\n') => drop(self.next()),
                        _ => text.push('\\'),
                    }
                }
                '$' => self.dollar(text, false)?,
                '`' => return Err(substitution(self.at)),
                _ => text.extend(self.next()),
            }
        }
    }

    /// A variable, or a quoted text with escapes; a `$` that begins neither is a `$`.
    fn dollar(&mut self, text: &mut String, outside_quotes: bool) -> Result<(), Fault> {
        let at = self.at;
        self.next();
        match self.peek() {
            Some('(') => return Err(substitution(at)),
            Some('\'') if outside_quotes => return self.with_escapes(text, at),
            Some('"') if outside_quotes => return self.double_quoted(text),
            Some('{') => {
                let inside = self.rest().split_once('}').map(|(inside, _)| inside.to_owned());
                let inside = inside.ok_or_else(|| Fault::new(at, "this `${` is never closed by `}`"))?;
                self.at += inside.len() + 1;
                let name: String =
                    inside.chars().skip(1).take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if !is_name(&name) {
                    return Err(Fault::new(at, "only a variable's name can stand between `${` and `}`"));
                }
                self.push_variable(&name, text);
            }
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                let name: String = self.rest().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                self.at += name.len();
                self.push_variable(&name, text);
            }
            _ => text.push('$'),
        }
        Ok(())
    }

    fn push_variable(&mut self, name: &str, text: &mut String) {
        match self.variables.get(name) {
            Some(value) if self.expanded + value.len() <= EXPANDED => {
                self.expanded += value.len();
                text.push_str(value);
            }
            _ => text.push_str(&marked::variable(name)),
        }
    }

    /// `$'…'`: as browsers write bodies.
    fn with_escapes(&mut self, text: &mut String, at: usize) -> Result<(), Fault> {
        self.next();
        let mut inside = String::new();
        loop {
            match self.next().ok_or_else(|| unclosed(at))? {
                '\'' => break,
                '\\' => {
                    let escape = self.next().ok_or_else(|| unclosed(at))?;
                    self.escape(escape, &mut inside);
                }
                other => inside.push(other),
            }
        }
        text.push_str(&marked::clean(&inside));
        Ok(())
    }

    fn escape(&mut self, escape: char, text: &mut String) {
        let character = match escape {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' | 'E' => '\u{1b}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => self.number(16, 2).unwrap_or('x'),
            'u' => return self.utf16(text),
            'U' => self.number(16, 8).unwrap_or('U'),
            '0'..='7' => {
                self.at -= 1;
                self.number(8, 3).unwrap_or('0')
            }
            other => other,
        };
        text.push(character);
    }

    /// Browsers write characters beyond the basic plane as two of these.
    fn utf16(&mut self, text: &mut String) {
        let mut units = Vec::new();
        loop {
            let digits: String = self.rest().chars().take(4).take_while(char::is_ascii_hexdigit).collect();
            self.at += digits.len();
            units.extend(u16::from_str_radix(&digits, 16).ok());
            let is_high = units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit));
            if !is_high || !self.skip("\\u") {
                break;
            }
        }
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')));
    }

    fn number(&mut self, base: u32, most: usize) -> Option<char> {
        let digits: String = self.rest().chars().take(most).take_while(|c| c.is_digit(base)).collect();
        self.at += digits.len();
        u32::from_str_radix(&digits, base).ok().and_then(char::from_u32)
    }
}

fn is_name(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(is_first) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn unclosed(at: usize) -> Fault {
    Fault::new(at, "this quote is never closed.")
}

fn substitution(at: usize) -> Fault {
    Fault::new(at, "this runs another command, which an import does not do; write its result")
}
