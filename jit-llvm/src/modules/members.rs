//! The members of a family: functions that call an operation with its operands in certain registers or in memory, and go
//! on at the next stencil.
//!
//! They are written as LLVM IR and added to the module that defines the operation, where [`Module::extract`] finds them.

use std::fmt::Write as _;

use jit_schema::Location;

use super::{
    error::{ModuleError, Refusal},
    lexer::{Kind, Token, closing, nesting},
    module::Module,
};

/// The symbol of the place after a member.
pub const MEMBER_NEXT: &str = "_JIT_MEMBER_NEXT";

/// Returns the symbol of one of the places that a member can go to.
pub fn member_target(index: u16) -> String {
    format!("_JIT_MEMBER_TARGET_{index}")
}

/// Returns the symbol of the operand of an instruction for a result or operand, by its number.
pub fn member_operand(number: usize) -> String {
    format!("_JIT_MEMBER_OPERAND_{number}")
}

/// What all members of a family have in common.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Shape {
    /// The number of arguments that are integers, after the frame.
    pub reg: u8,
    /// The number of arguments that are doubles, after those.
    pub vec: u8,
    /// The number of results, whose locations come first.
    pub results: usize,
    /// The number of operands.
    pub operands: usize,
    /// The number of places that a member can go to, beside the next one.
    pub targets: u16,
    /// Whether a member returns instead of going on at the next stencil.
    pub leaves: bool,
    /// How many integer registers have a value afterwards. All have without this.
    pub keeps: Option<u8>,
}

impl Shape {
    /// Returns the shape of a family without results, operands and targets that uses so many registers.
    pub fn new(reg: u8, vec: u8) -> Shape {
        Shape {
            reg,
            vec,
            results: 0,
            operands: 0,
            targets: 0,
            leaves: false,
            keeps: None,
        }
    }

    /// Returns the types of the parameters of a member.
    fn types(&self) -> String {
        let reg = ", i64".repeat(self.reg.into());
        format!("ptr{reg}{}", ", double".repeat(self.vec.into()))
    }
}

/// What a family's function is called with and returns.
#[derive(Debug, Clone)]
pub struct Operation<'a> {
    /// The name, as calls have it.
    name: &'a str,
    /// The attributes of the definition: groups.
    groups: String,
    returns: Type<'a>,
    parameters: Vec<Parameter<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Parameter<'a> {
    kind: Type<'a>,
    /// How the caller extends it, if the calling convention says so.
    extension: &'a str,
}

/// A type that registers can have, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type<'a> {
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

    fn text(self) -> &'a str {
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
    fn returns_result(&self, shape: &Shape) -> bool {
        shape.targets == 0 && shape.results == 1 && self.returns != Type::Void
    }

    /// Returns the definition of a member with results and operands at these locations.
    pub fn member(&self, name: &str, shape: &Shape, locations: &[Location]) -> String {
        let mut body = Body {
            text: String::new(),
            values: 0,
        };
        let (results, operands) = locations
            .split_at_checked(shape.results)
            .unwrap_or((locations, &[]));
        let returned = self.returns_result(shape);
        let mut arguments = Vec::new();
        let pointers = results.len() - usize::from(returned);
        if self.parameters.len() > pointers + operands.len() {
            arguments.push("ptr %frame".to_owned());
        }
        for (number, location) in results.iter().enumerate().skip(usize::from(returned)) {
            let kind = in_register(*location);
            body.line(format_args!("%to{number} = alloca {kind}, align 8"));
            arguments.push(format!("ptr %to{number}"));
        }
        let first = arguments.len();
        for (number, location) in operands.iter().enumerate() {
            let Some(parameter) = self.parameters.get(first + number) else {
                continue;
            };
            let value = body.operand(*location, shape.results + number, parameter.kind);
            let kind = parameter.kind.text();
            arguments.push(format!("{kind} {} {value}", parameter.extension));
        }
        let called = format!(
            "{} @{}({})",
            self.returns.text(),
            self.name,
            arguments.join(", ")
        );
        match self.returns {
            Type::Void => body.line(format_args!("call {called}")),
            _ => body.line(format_args!("%returned = call {called}")),
        }
        let mut registers = body.registers(shape);
        for (number, location) in results.iter().enumerate() {
            let (kind, value) = match returned {
                true => body.returned(self.returns),
                false => {
                    let kind = in_register(*location);
                    let value = body.value(format_args!("load {kind}, ptr %to{number}, align 8"));
                    (kind, value)
                }
            };
            let register = match location {
                Location::Reg(number) => 1 + usize::from(*number),
                Location::Vec(number) => 1 + usize::from(shape.reg) + usize::from(*number),
                Location::Imm | Location::Mem => {
                    let slot = body.slot(number);
                    body.line(format_args!("store {kind} {value}, ptr {slot}, align 8"));
                    continue;
                }
            };
            if let Some(register) = registers.get_mut(register) {
                *register = value;
            }
        }
        let kinds = shape.types();
        let kinds = kinds.split(", ");
        let arguments: Vec<String> = kinds
            .zip(registers)
            .map(|(kind, value)| format!("{kind} {value}"))
            .collect();
        body.ends(shape, self.returns, &arguments.join(", "));
        let parameters: Vec<String> = shape
            .types()
            .split(", ")
            .zip(names(shape))
            .map(|(kind, name)| format!("{kind} {name}"))
            .collect();
        format!(
            "define dso_local preserve_nonecc void @{name}({}) {} {{\n{}}}\n\n",
            parameters.join(", "),
            self.groups,
            body.text
        )
    }
}

/// Returns the names of the parameters of a member.
fn names(shape: &Shape) -> impl Iterator<Item = String> {
    let reg = (0..shape.reg).map(|number| format!("%r{number}"));
    let vec = (0..shape.vec).map(|number| format!("%v{number}"));
    ["%frame".to_owned()].into_iter().chain(reg).chain(vec)
}

/// Returns the type that a location has in memory and in registers.
fn in_register(location: Location) -> &'static str {
    match location {
        Location::Vec(_) => "double",
        Location::Reg(_) | Location::Imm | Location::Mem => "i64",
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

/// The body of a member.
struct Body {
    text: String,
    /// The number of values that have a number as their name.
    values: usize,
}

impl Body {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "  {line}");
    }

    fn value(&mut self, operation: std::fmt::Arguments<'_>) -> String {
        let name = format!("%x{}", self.values);
        self.values += 1;
        self.line(format_args!("{name} = {operation}"));
        name
    }

    /// Returns the operand of the instruction.
    fn given(&mut self, number: usize) -> String {
        let symbol = member_operand(number);
        self.value(format_args!("ptrtoint ptr @{symbol} to i64"))
    }

    /// Returns the address of what an instruction names in the frame.
    fn slot(&mut self, number: usize) -> String {
        let offset = self.given(number);
        self.value(format_args!("getelementptr i8, ptr %frame, i64 {offset}"))
    }

    /// Returns the value at a location, as the function takes it.
    fn operand(&mut self, location: Location, number: usize, kind: Type<'_>) -> String {
        let number = match (location, kind) {
            (Location::Vec(number), _) => return format!("%v{number}"),
            (Location::Reg(number), _) => format!("%r{number}"),
            (Location::Imm, _) => self.given(number),
            (Location::Mem, Type::Double | Type::Pointer) => {
                let (slot, kind) = (self.slot(number), kind.text());
                return self.value(format_args!("load {kind}, ptr {slot}, align 8"));
            }
            (Location::Mem, Type::Integer(..) | Type::Void) => {
                let slot = self.slot(number);
                self.value(format_args!("load i64, ptr {slot}, align 8"))
            }
        };
        match kind {
            Type::Integer(_, 64) | Type::Void => number,
            Type::Integer(kind, _) => self.value(format_args!("trunc i64 {number} to {kind}")),
            Type::Pointer => self.value(format_args!("inttoptr i64 {number} to ptr")),
            Type::Double => self.value(format_args!("bitcast i64 {number} to double")),
        }
    }

    /// Returns what the function has returned, as a register has it: the type and the value.
    fn returned(&mut self, kind: Type<'_>) -> (&'static str, String) {
        match kind {
            Type::Integer(kind, 1..64) => (
                "i64",
                self.value(format_args!("zext {kind} %returned to i64")),
            ),
            Type::Pointer => (
                "i64",
                self.value(format_args!("ptrtoint ptr %returned to i64")),
            ),
            Type::Double => ("double", "%returned".to_owned()),
            Type::Integer(..) | Type::Void => ("i64", "%returned".to_owned()),
        }
    }

    /// Returns the values that registers have after the call.
    fn registers(&mut self, shape: &Shape) -> Vec<String> {
        let kept = usize::from(shape.keeps.unwrap_or(shape.reg));
        let mut registers: Vec<String> = names(shape).collect();
        if shape.keeps.is_some() {
            // Nothing is saved of a register whose value does not count.
            for register in registers.iter_mut().skip(1 + kept) {
                "poison".clone_into(register);
            }
        }
        registers
    }

    /// Adds the ways out.
    fn ends(&mut self, shape: &Shape, returned: Type<'_>, arguments: &str) {
        let last = shape.targets.checked_sub(1);
        if let Some(last) = last {
            let kind = returned.text();
            let _ = write!(
                self.text,
                "  switch {kind} %returned, label %target{last} [\n    {kind} 0, label %next\n"
            );
            for index in 0..last {
                let value = index + 1;
                let _ = writeln!(self.text, "    {kind} {value}, label %target{index}");
            }
            self.text.push_str("  ]\n");
        }
        for index in 0..shape.targets {
            let _ = write!(
                self.text,
                "\ntarget{index}:\n  musttail call preserve_nonecc void @{}({arguments})\n  ret void\n",
                member_target(index)
            );
        }
        if last.is_some() {
            self.text.push_str("\nnext:\n");
        }
        if !shape.leaves {
            self.line(format_args!(
                "musttail call preserve_nonecc void @{MEMBER_NEXT}({arguments})"
            ));
        }
        self.line(format_args!("ret void"));
    }
}
