//! The functions of families.

use std::fmt::Write as _;

use jit_schema::Location;

use super::{
    super::{
        error::{ModuleError, Refusal},
        lexer::{Kind, Token, closing, nesting},
        module::Module,
    },
    shape::{MEMBER_NEXT, Shape, member_operand, member_target},
};

/// What a family's function is called with and returns.
#[derive(Debug, Clone)]
pub struct Operation<'a> {
    /// The name, as calls have it.
    pub(super) name: &'a str,
    /// The attributes of the definition: groups.
    pub(super) groups: String,
    pub(super) returns: Type<'a>,
    pub(super) parameters: Vec<Parameter<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter<'a> {
    pub(super) kind: Type<'a>,
    /// How the caller extends it, if the calling convention says so.
    pub(super) extension: &'a str,
}

/// A type that registers can have, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type<'a> {
    Void,
    /// With so many bits, up to 64.
    Integer(&'a str, u32),
    Pointer,
    Double,
}

impl<'a> Type<'a> {
    fn of(word: &'a str) -> Option<Type<'a>> {
        match word {
            "void" => Some(Type::Void),
            "ptr" => Some(Type::Pointer),
            "double" => Some(Type::Double),
            _ => {
                let bits = word.strip_prefix('i')?.parse().ok()?;
                (1..=64)
                    .contains(&bits)
                    .then_some(Type::Integer(word, bits))
            }
        }
    }

    pub(super) fn text(self) -> &'a str {
        match self {
            Type::Void => "void",
            Type::Integer(text, _) => text,
            Type::Pointer => "ptr",
            Type::Double => "double",
        }
    }
}

impl<'a> Module<'a> {
    /// Returns a function as the operation of families.
    ///
    /// # Errors
    ///
    /// [`ModuleError::NoFunction`] if the module does not define it, [`ModuleError::Refused`] if it has a parameter or a
    /// result that no register has.
    pub fn operation(&self, function: &str) -> Result<Operation<'a>, ModuleError> {
        let Some((name, symbol)) = self.function(function) else {
            return Err(ModuleError::NoFunction {
                name: function.to_owned(),
            });
        };
        let refuse = |what: String| ModuleError::Refused {
            function: function.to_owned(),
            refusal: Refusal::Other(what),
        };
        let head = self.slice(&symbol.head);
        if let Some(other) = head.iter().find(|token| token.text.ends_with("cc")) {
            return Err(refuse(format!(
                "the function of a family has the calling convention of C, not {}",
                other.text
            )));
        }
        let returns = head.last().and_then(|token| Type::of(token.text));
        let returns = returns.ok_or_else(|| {
            refuse(
                "the function of a family returns nothing, an integer of up to 64 bits, a pointer or a double"
                    .to_owned(),
            )
        })?;
        let rest = self.slice(&symbol.rest);
        let close = closing(rest, 0).unwrap_or(rest.len());
        let list = rest.get(1..close).unwrap_or_default();
        let mut parameters = Vec::new();
        for (number, tokens) in separated(list).into_iter().enumerate() {
            let kind = tokens.first().and_then(|token| Type::of(token.text));
            let is_by_value = |token: &&Token<'_>| {
                ["byval", "sret", "inalloca", "byref"]
                    .iter()
                    .any(|word| token.is(word))
            };
            let kind = kind.filter(|_| tokens.iter().find(is_by_value).is_none());
            let Some(kind) = kind.filter(|kind| *kind != Type::Void) else {
                return Err(refuse(format!(
                    "parameter {} is no integer of up to 64 bits, pointer or double: the function of a family has only such \
                     parameters",
                    number + 1
                )));
            };
            let extension = ["zeroext", "signext"]
                .into_iter()
                .find(|word| tokens.iter().any(|token| token.is(word)));
            parameters.push(Parameter {
                kind,
                extension: extension.unwrap_or_default(),
            });
        }
        let after = rest.get(close + 1..).unwrap_or_default().iter();
        let groups = after.filter(|token| token.kind == Kind::Group);
        let groups: Vec<&str> = groups.map(|token| token.text).collect();
        Ok(Operation {
            name,
            groups: groups.join(" "),
            returns,
            parameters,
        })
    }

    /// Returns declarations of the symbols that members with a shape refer to, without those that the module has.
    pub fn member_declarations(&self, shapes: &[Shape]) -> String {
        let mut text = String::new();
        let has = |name: &str| self.symbols.contains_key(name);
        let operands = shapes.iter().map(|shape| shape.results + shape.operands);
        for number in 0..operands.max().unwrap_or(0) {
            let name = member_operand(number);
            if !has(&name) {
                let _ = writeln!(text, "@{name} = extern_weak global i8");
            }
        }
        let Some(first) = shapes.first() else {
            return text;
        };
        let targets = shapes.iter().map(|shape| shape.targets).max().unwrap_or(0);
        let places = (0..targets).map(member_target);
        for name in places.chain([MEMBER_NEXT.to_owned()]) {
            if !has(&name) {
                let types = first.types();
                let _ = writeln!(text, "declare preserve_nonecc void @{name}({types})");
            }
        }
        text
    }
}

/// Returns the parts between commas that are outside of brackets.
fn separated<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0;
    let parts = tokens.split(|token| {
        depth = nesting(depth, token);
        depth == 0 && token.is(",")
    });
    parts.filter(|part| !part.is_empty()).collect()
}

impl Operation<'_> {
    /// Checks that the function has what a family says.
    ///
    /// # Errors
    ///
    /// The difference. `locations` are, for each result and operand, one where it can be.
    pub fn check(&self, shape: &Shape, names: &[(&str, Location)]) -> Result<(), String> {
        let returned = usize::from(self.returns_result(shape));
        let pointers = shape.results - returned;
        let expected = pointers + shape.operands;
        let given = self.parameters.len();
        if given != expected && given != expected + 1 {
            return Err(format!(
                "the function has {given} parameters, but the family has {}{} operands: a function's parameters are the \
                 frame, if it needs that, then pointers to results that it does not return, then the operands",
                match pointers {
                    0 => String::new(),
                    _ => format!("{pointers} results that it does not return and "),
                },
                shape.operands
            ));
        }
        match (shape.targets, self.returns) {
            (0, Type::Void) | (1.., Type::Integer(..)) => {}
            (0, _) if shape.results == 1 => {}
            (0, _) => {
                return Err(format!(
                    "the function returns a value, but the family has {} results: only a single one can be returned, others \
                     are written through pointers",
                    shape.results
                ));
            }
            (1.., _) => {
                return Err(
                    "the family has targets, so the function returns where to go, as an integer or bool: 0 for the next \
                     instruction, 1 for target 0, and so on"
                        .to_owned(),
                );
            }
        }
        let (results, operands) = names
            .split_at_checked(shape.results)
            .unwrap_or((names, &[]));
        if let (1, Some((name, location))) = (returned, results.first()) {
            fits(self.returns, *location).map_err(|kind| {
                format!(
                    "the function returns {}, but result {name} is {kind}",
                    self.returns.text()
                )
            })?;
            if matches!(self.returns, Type::Integer(_, 2..64)) {
                return Err(format!(
                    "the function returns {}, and it is not known how result {name} is extended to 64 bits: return int64_t or \
                     uint64_t",
                    self.returns.text()
                ));
            }
        }
        let first = given - shape.operands;
        if let Some(number) = self
            .parameters
            .get(..first)
            .and_then(|list| list.iter().position(|one| one.kind != Type::Pointer))
        {
            return Err(format!(
                "parameter {} is no pointer: before the operands are the frame, if the function needs that, and pointers to \
                 results that it does not return",
                number + 1
            ));
        }
        let given = self.parameters.get(first..).unwrap_or_default();
        for (number, (parameter, (name, location))) in given.iter().zip(operands).enumerate() {
            fits(parameter.kind, *location).map_err(|kind| {
                format!(
                    "parameter {}, operand {name}, is {}, but the operand can be in {kind}",
                    first + number + 1,
                    parameter.kind.text()
                )
            })?;
        }
        Ok(())
    }

    /// Returns whether the function returns the result, instead of writing it through a pointer.
    pub(super) fn returns_result(&self, shape: &Shape) -> bool {
        shape.targets == 0 && shape.results == 1 && self.returns != Type::Void
    }
}

/// Checks that a value can be at a location. Returns what is there instead.
fn fits(kind: Type<'_>, location: Location) -> Result<(), &'static str> {
    match (kind, location) {
        (Type::Double, Location::Reg(_)) => Err("reg, an integer or a pointer"),
        (Type::Integer(..) | Type::Pointer, Location::Vec(_)) => Err("vec, a double"),
        _ => Ok(()),
    }
}
