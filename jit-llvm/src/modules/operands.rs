//! The operands of instructions.
//!
//! A use of a hole becomes a use of a value that an empty `asm` makes of it, so that LLVM knows nothing about the
//! value. Where the use is in a constant expression, that becomes instructions, because a constant cannot depend on a
//! value.

use std::collections::BTreeMap;

use super::{
    error::{ModuleError, Refusal},
    lexer::{self, Kind, Token, closing, is_dropped, nesting},
    names::{Emitter, Meaning},
    roles::{Part, Role},
};

/// Operators of constant expressions that have the same operands as instructions.
const ALIKE: [&str; 7] = [
    "ptrtoint",
    "ptrtoaddr",
    "inttoptr",
    "trunc",
    "bitcast",
    "addrspacecast",
    "getelementptr",
];

/// Operators of constant expressions that repeat the type for the second operand.
const BINARY: [&str; 4] = ["add", "sub", "mul", "xor"];

/// Words between an operator and its operands.
const FLAGS: [&str; 6] = ["inbounds", "nuw", "nsw", "nusw", "exact", "inrange"];

/// The attributes of the `asm` that makes a value.
const PURE: &str = "nounwind willreturn memory(none)";

/// Where a token is.
#[derive(Clone, Copy)]
pub(super) struct Context<'t, 'a> {
    /// The instruction or the operator.
    pub(super) operator: &'a str,
    /// The number of commas before it.
    pub(super) commas: usize,
    /// The tokens of the operator's operands.
    pub(super) all: &'t [Token<'a>],
}

/// Writes operands with their new names.
pub(super) struct Writer<'e, 'm, 'a> {
    pub(super) emitter: &'e mut Emitter<'m, 'a>,
    /// What has to be at the end of blocks, by the names of the blocks.
    pub(super) appended: BTreeMap<String, Vec<String>>,
}

impl<'a> Writer<'_, '_, 'a> {
    /// Returns operands, and adds what has to come before them to `lines`.
    pub(super) fn operands(
        &mut self,
        tokens: &[Token<'a>],
        mut context: Context<'_, 'a>,
        lines: &mut Vec<String>,
    ) -> Result<String, ModuleError> {
        let mut text = String::new();
        let mut at = 0;
        let mut open = Vec::new();
        while let Some(token) = tokens.get(at) {
            match nesting(1, token) {
                2 => open.push(token.text),
                0 => drop(open.pop()),
                _ => {}
            }
            if open.is_empty() && token.is(",") {
                context.commas += 1;
                let next = tokens.get(at + 1);
                if next.is_some_and(is_dropped) {
                    at += 3;
                    continue;
                }
            }
            if let Some((open, close)) = group_after(tokens, at)
                && self.has_hole(tokens.get(open..close).unwrap_or_default())
            {
                let flags = tokens.get(at + 1..open).unwrap_or_default();
                let inside = tokens.get(open + 1..close).unwrap_or_default();
                let value = self.expression(token.text, flags, inside, lines)?;
                text.push_str(token.space);
                text.push_str(&value);
                at = close + 1;
                continue;
            }
            let is_in_constant = open.iter().any(|bracket| *bracket != "(");
            if is_in_constant && self.has_hole(std::slice::from_ref(token)) {
                let hole = lexer::plain(token.name());
                let is_promise = tokens.iter().any(|token| token.text == "\"align\"");
                return Err(self.emitter.refuse(match is_promise {
                    true => Refusal::Promise(hole),
                    false => Refusal::Expression {
                        hole,
                        expression: "a list of values".to_owned(),
                    },
                }));
            }
            text.push_str(token.space);
            text.push_str(&match token.kind {
                Kind::Global => {
                    let is_callee = tokens.get(at + 1).is_some_and(|next| next.is("("));
                    self.global(token, is_callee, context, lines)?
                }
                _ => self.emitter.token(token)?,
            });
            at += 1;
        }
        Ok(text)
    }

    /// Returns whether a symbol among tokens has to be replaced by a value.
    fn has_hole(&self, tokens: &[Token<'a>]) -> bool {
        let roles = self.emitter.wanted.roles;
        let mut symbols = tokens.iter().filter(|token| token.kind == Kind::Global);
        symbols.any(|token| roles.contains_key(&lexer::plain(token.name())))
    }

    /// Returns the value of a constant expression, which instructions make.
    fn expression(
        &mut self,
        operator: &'a str,
        flags: &[Token<'a>],
        inside: &[Token<'a>],
        lines: &mut Vec<String>,
    ) -> Result<String, ModuleError> {
        let context = Context {
            operator,
            commas: 0,
            all: inside,
        };
        let operands = if ALIKE.contains(&operator) {
            self.operands(inside, context, lines)?
        } else {
            let comma = commas(inside).next();
            let parts =
                comma.and_then(|comma| Some((inside.get(..comma)?, inside.get(comma + 1..)?)));
            match parts {
                // A type of one word, such as i64, comes before both operands.
                Some((left @ [kind, ..], [_, right @ ..]))
                    if BINARY.contains(&operator) && kind.kind == Kind::Word =>
                {
                    let left = self.operands(left, context, lines)?;
                    let right = self.operands(right, context, lines)?;
                    format!("{left},{right}")
                }
                _ => {
                    let mut symbols = inside.iter().filter(|token| token.kind == Kind::Global);
                    let is_hole = |token: &&Token<'a>| self.has_hole(std::slice::from_ref(token));
                    let hole = symbols
                        .find(is_hole)
                        .map(|token| lexer::plain(token.name()));
                    return Err(self.emitter.refuse(Refusal::Expression {
                        hole: hole.unwrap_or_default(),
                        expression: operator.to_owned(),
                    }));
                }
            }
        };
        // The flags of an address are promises about an object, which a number keeps only by chance.
        let flags = match operator {
            "getelementptr" => String::new(),
            _ => self.emitter.tokens(flags)?,
        };
        let value = self.new_value();
        lines.push(format!(
            "  {value} = {operator}{flags} {}",
            operands.trim_start()
        ));
        Ok(value)
    }

    fn new_value(&mut self) -> String {
        let number = self.emitter.added;
        self.emitter.added += 1;
        format!("%jit_cli.hole.{number}")
    }

    /// Returns a symbol, or the value that stands for it.
    fn global(
        &mut self,
        token: &Token<'a>,
        is_callee: bool,
        context: Context<'_, 'a>,
        lines: &mut Vec<String>,
    ) -> Result<String, ModuleError> {
        match self.emitter.meaning(token)? {
            Meaning::Symbol(name) => {
                let text = format!("@{name}");
                if !is_callee {
                    self.emitter.taken.insert(name);
                }
                Ok(text)
            }
            Meaning::Hole(Role::Marker) => {
                let name = lexer::plain(token.name());
                Err(self.emitter.refuse(Refusal::Marker(name)))
            }
            Meaning::Hole(role @ Role::Operand { .. }) => {
                self.check(token, role, is_callee, context)?;
                Ok(self.value(role, lines))
            }
            Meaning::Hole(role) if is_callee => Ok(format!("@{}", self.emitter.canonical(role))),
            Meaning::Hole(role) => Ok(self.value(role, lines)),
        }
    }

    /// Adds the instructions that make a value of a symbol, and returns the value.
    fn value(&mut self, role: Role, lines: &mut Vec<String>) -> String {
        let symbol = self.emitter.canonical(role);
        let group = self.emitter.group_of(PURE.to_owned());
        let value = self.new_value();
        lines.push(format!(
            "  {value} = call ptr asm \"\", \"=r,0\"(ptr @{symbol}) #{group}"
        ));
        let change = match role {
            Role::Operand {
                part: Part::Low, ..
            } => "and i64 {}, 4294967295",
            Role::Operand {
                part: Part::High, ..
            } => "lshr i64 {}, 32",
            _ => return value,
        };
        if self.emitter.wanted.pointer_bits == 32 {
            return value;
        }
        let [number, part, result] = std::array::from_fn(|_| self.new_value());
        let change = change.replace("{}", &number);
        lines.push(format!("  {number} = ptrtoint ptr {value} to i64"));
        lines.push(format!("  {part} = {change}"));
        lines.push(format!("  {result} = inttoptr i64 {part} to ptr"));
        result
    }

    /// Checks that an operand is used as what it can be.
    fn check(
        &self,
        token: &Token<'a>,
        role: Role,
        is_callee: bool,
        context: Context<'_, 'a>,
    ) -> Result<(), ModuleError> {
        let Role::Operand { bits, part, .. } = role else {
            return Ok(());
        };
        let pointer_bits = self.emitter.wanted.pointer_bits;
        let bits = match part {
            Part::Whole => u32::from(bits),
            Part::Low | Part::High => 32,
        };
        let hole = lexer::plain(token.name());
        if matches!(context.operator, "ptrtoint" | "ptrtoaddr") {
            if let Some(alignment) = self.alignment(token) {
                return Err(self.emitter.refuse(Refusal::Aligned { hole, alignment }));
            }
            let kind = context
                .all
                .iter()
                .rev()
                .find(|token| token.kind == Kind::Word);
            let used = kind.and_then(|kind| kind.text.strip_prefix('i')?.parse().ok());
            return match used.filter(|used| *used > bits && *used < pointer_bits) {
                Some(used) => Err(self.emitter.refuse(Refusal::TooWide { hole, bits, used })),
                None => Ok(()),
            };
        }
        let is_address = is_callee
            || match context.operator {
                "load" | "store" | "getelementptr" => context.commas == 1,
                "atomicrmw" | "cmpxchg" => context.commas == 0,
                _ => false,
            };
        match is_address && bits < pointer_bits {
            true => Err(self.emitter.refuse(Refusal::NotAnAddress { hole, bits })),
            false => Ok(()),
        }
    }

    /// Returns the alignment that a declaration says, if clang can make use of it.
    fn alignment(&self, token: &Token<'a>) -> Option<u32> {
        let symbol = self.emitter.module.symbols.get(token.name())?;
        let alignment = self.emitter.module.alignment_of(symbol);
        (alignment > 1).then_some(alignment)
    }
}

/// Returns the indices of the commas outside of brackets.
fn commas<'t>(tokens: &'t [Token<'_>]) -> impl Iterator<Item = usize> + 't {
    let mut depth = 0;
    tokens.iter().enumerate().filter_map(move |(index, token)| {
        depth = nesting(depth, token);
        (depth == 0 && token.is(",")).then_some(index)
    })
}

/// Returns the brackets of the constant expression whose operator is at an index.
fn group_after(tokens: &[Token<'_>], at: usize) -> Option<(usize, usize)> {
    let operator = tokens.get(at)?;
    if operator.kind != Kind::Word || FLAGS.contains(&operator.text) {
        return None;
    }
    let mut open = at + 1;
    while let Some(flag) = tokens.get(open).filter(|token| FLAGS.contains(&token.text)) {
        open += 1;
        if flag.is("inrange") && tokens.get(open)?.is("(") {
            open = closing(tokens, open)? + 1;
        }
    }
    let is_operator = ALIKE.contains(&operator.text)
        || BINARY.contains(&operator.text)
        || OTHERS.contains(&operator.text);
    let is_group = is_operator && tokens.get(open)?.is("(");
    is_group.then(|| Some((open, closing(tokens, open)?)))?
}

/// Operators of constant expressions that are refused if an operand is in them.
const OTHERS: [&str; 12] = [
    "extractelement",
    "insertelement",
    "shufflevector",
    "select",
    "icmp",
    "fcmp",
    "shl",
    "lshr",
    "ashr",
    "and",
    "or",
    "splat",
];
