//! The bodies of functions.

use std::collections::BTreeMap;

use super::{
    error::{ModuleError, Refusal},
    lexer::{self, Kind, Token, closing, is_dropped, nesting},
    names::Emitter,
    operands::{Context, Writer},
    roles::{Role, Roles},
};

/// Instructions that only functions with exceptions have.
const EXCEPTIONS: [&str; 8] = [
    "invoke",
    "landingpad",
    "resume",
    "catchpad",
    "catchret",
    "catchswitch",
    "cleanuppad",
    "cleanupret",
];

/// Functions that throw.
const THROWING: [&str; 4] = [
    "__cxa_throw",
    "__cxa_rethrow",
    "_CxxThrowException",
    "_Unwind_Resume",
];

/// A block: its label if it has one, and its instructions.
#[derive(Default)]
struct Block {
    label: Option<String>,
    lines: Vec<String>,
}

/// Returns the text of a body.
pub(super) fn rewritten<'a>(
    emitter: &mut Emitter<'_, 'a>,
    tokens: &[Token<'a>],
) -> Result<String, ModuleError> {
    let mut blocks = vec![Block::default()];
    let mut writer = Writer {
        emitter,
        appended: BTreeMap::new(),
    };
    for instruction in instructions(tokens) {
        match instruction {
            [label] if label.kind == Kind::Label => blocks.push(Block {
                label: Some(label.text.to_owned()),
                lines: Vec::new(),
            }),
            _ => {
                let lines = writer.instruction(instruction)?;
                if let Some(block) = blocks.last_mut() {
                    block.lines.extend(lines);
                }
            }
        }
    }
    let mut appended = writer.appended;
    let mut text = String::new();
    let labels: Vec<String> = blocks
        .iter()
        .filter_map(|block| block.label.clone())
        .collect();
    let is_other = |label: &String| !labels.contains(&format!("{label}:"));
    // The first block has no label of its own in the text, but a number.
    let mut first: Vec<String> = Vec::new();
    for label in appended
        .keys()
        .filter(|label| is_other(label))
        .cloned()
        .collect::<Vec<_>>()
    {
        first.extend(appended.remove(&label).unwrap_or_default());
    }
    for (index, block) in blocks.iter().enumerate() {
        if index == 0 && block.lines.is_empty() {
            continue;
        }
        let name = block
            .label
            .as_ref()
            .map(|label| label.trim_end_matches(':'));
        let mut more = name
            .and_then(|name| appended.remove(name))
            .unwrap_or_default();
        if index == 0 || blocks.first().is_some_and(|first| first.lines.is_empty()) && index == 1 {
            more.append(&mut first);
        }
        if let Some(label) = &block.label {
            text.push_str(&format!("{label}\n"));
        }
        let (end, start) = match block.lines.split_last() {
            Some((end, start)) => (Some(end), start),
            None => (None, &[][..]),
        };
        for line in start.iter().chain(&more).chain(end) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// Returns labels and instructions.
fn instructions<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut starts: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let after_label = index > 0
            && tokens
                .get(index - 1)
                .is_some_and(|one| one.kind == Kind::Label);
        let is_record = token.kind == Kind::Group && token.name().starts_with("dbg_");
        let is_start = match token.indent {
            Some(0) => token.kind == Kind::Label,
            Some(2) => !token.is("]"),
            Some(_) => is_record,
            None => false,
        };
        if is_start || index == 0 || after_label {
            starts.push(index);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([tokens.len()]);
    let ranges = starts.iter().copied().zip(ends);
    ranges
        .filter_map(|(start, end)| tokens.get(start..end))
        .collect()
}

impl<'a> Writer<'_, '_, 'a> {
    /// Returns the lines of an instruction, with those that have to come before it.
    fn instruction(&mut self, tokens: &[Token<'a>]) -> Result<Vec<String>, ModuleError> {
        let Some(first) = tokens.first() else {
            return Ok(Vec::new());
        };
        // A place in a source, or the name of a variable.
        if first.kind == Kind::Group {
            return Ok(Vec::new());
        }
        let operation = match tokens {
            [name, equals, rest @ ..] if name.kind == Kind::Local && equals.is("=") => rest,
            _ => tokens,
        };
        let mut words = operation.iter().map(|token| token.text);
        let mut operator = words.next().unwrap_or_default();
        if matches!(operator, "tail" | "musttail" | "notail") {
            operator = words.next().unwrap_or_default();
        }
        if EXCEPTIONS.contains(&operator) {
            return Err(self.emitter.refuse(Refusal::Exceptions));
        }
        if operator == "call"
            && let Some(callee) = callee(operation)
        {
            let name = lexer::plain(callee.name());
            if name.starts_with("llvm.dbg.") {
                return Ok(Vec::new());
            }
            if THROWING.contains(&name.as_str()) {
                return Err(self.emitter.refuse(Refusal::Exceptions));
            }
            if self.emitter.wanted.roles.get(&name) == Some(&Role::Marker) {
                self.emitter.meaning(callee)?;
                let has_value = operation.len() != tokens.len();
                return match has_value {
                    true => Err(self.emitter.refuse(Refusal::Marker(name))),
                    false => Ok(Vec::new()),
                };
            }
        }
        if let Some(hole) = named_in_assembly(operation, self.emitter.wanted.roles) {
            return Err(self.emitter.refuse(Refusal::InAssembly(hole)));
        }
        let mut lines = Vec::new();
        let text = match operator {
            "phi" => self.phi(tokens)?,
            _ => {
                let context = Context {
                    operator,
                    commas: 0,
                    all: tokens,
                };
                self.operands(tokens, context, &mut lines)?
            }
        };
        lines.push(format!("  {}", text.trim_start()));
        Ok(lines)
    }

    /// Returns a `phi`, the values of which are made at the ends of the blocks that they come from.
    fn phi(&mut self, tokens: &[Token<'a>]) -> Result<String, ModuleError> {
        let mut text = String::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if token.is(",") && tokens.get(at + 1).is_some_and(is_dropped) {
                at += 3;
                continue;
            }
            let is_pair = token.is("[") && at > 0;
            let close = closing(tokens, at).filter(|_| is_pair);
            let pair = close.and_then(|close| tokens.get(at + 1..close));
            // A type in brackets has no comma.
            let Some((close, [value @ .., comma, label])) = close.zip(pair) else {
                text.push_str(token.space);
                text.push_str(&self.emitter.token(token)?);
                at += 1;
                continue;
            };
            if !comma.is(",") {
                text.push_str(token.space);
                text.push_str(&self.emitter.token(token)?);
                at += 1;
                continue;
            }
            let context = Context {
                operator: "phi",
                commas: 0,
                all: value,
            };
            let mut lines = Vec::new();
            let value = self.operands(value, context, &mut lines)?;
            if !lines.is_empty() {
                let of_block = self.appended.entry(label.name().to_owned()).or_default();
                of_block.extend(lines);
            }
            text.push_str(&format!("{}[{value}, {} ]", token.space, label.text));
            at = close + 1;
        }
        Ok(text)
    }
}

/// Returns the function that an instruction calls by its name.
fn callee<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t Token<'a>> {
    let mut depth = 0;
    let mut pairs = tokens.windows(2);
    let found = pairs.find_map(|pair| {
        let [token, next] = pair else { return None };
        depth = nesting(depth, token);
        (depth == 0 && matches!(token.kind, Kind::Global | Kind::Local) && next.is("("))
            .then_some(token)
    });
    found.filter(|token| token.kind == Kind::Global)
}

/// Returns the symbol with a role that an instruction's assembly mentions, as it is or after the prefix of the platform.
fn named_in_assembly(operation: &[Token<'_>], roles: &Roles) -> Option<String> {
    let mut tokens = operation.iter().skip_while(|token| !token.is("asm"));
    let assembly = tokens.find(|token| token.kind == Kind::Text)?;
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    let mut words = assembly.text.split(|c| !is_part(c));
    words.find_map(|word| {
        let plain = [Some(word), word.strip_prefix('_')];
        let mut names = plain.into_iter().flatten();
        names
            .find(|name| roles.contains_key(*name))
            .map(str::to_owned)
    })
}
