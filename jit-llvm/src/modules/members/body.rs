//! The definitions of members.

use std::fmt::Write as _;

use jit_schema::Location;

use super::{
    operation::{Operation, Type},
    shape::{MEMBER_NEXT, Shape, member_operand, member_target, names},
};

impl Operation<'_> {
    /// Returns the definition of a member with results and operands at these locations.
    pub fn member(&self, name: &str, shape: &Shape, locations: &[Location]) -> String {
        let mut body = Body {
            text: String::new(),
            values: 0,
            units: &shape.units,
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

/// Returns the type that a location has in memory and in registers.
fn in_register(location: Location) -> &'static str {
    match location {
        Location::Vec(_) => "double",
        Location::Reg(_) | Location::Imm | Location::Mem => "i64",
    }
}

/// The body of a member.
struct Body<'a> {
    text: String,
    /// The number of values that have a number as their name.
    values: usize,
    /// How many bytes the operand of the instruction counts for each result and operand in the frame.
    units: &'a [u16],
}

impl Body<'_> {
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
        let index = self.given(number);
        let kind = match self.units.get(number) {
            None | Some(1) => "i8".to_owned(),
            Some(bytes) => format!("[{bytes} x i8]"),
        };
        self.value(format_args!(
            "getelementptr {kind}, ptr %frame, i64 {index}"
        ))
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
