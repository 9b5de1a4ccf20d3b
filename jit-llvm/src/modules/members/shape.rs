//! What members of a family have in common, and the symbols that they refer to.

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
    /// How many bytes the operand of an instruction counts for a result or operand in the frame, in the order of the results and
    /// operands. One that is missing counts single bytes.
    pub units: Vec<u16>,
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
            units: Vec::new(),
        }
    }

    /// Returns the types of the parameters of a member.
    pub(super) fn types(&self) -> String {
        let reg = ", i64".repeat(self.reg.into());
        format!("ptr{reg}{}", ", double".repeat(self.vec.into()))
    }
}

/// Returns the names of the parameters of a member.
pub(super) fn names(shape: &Shape) -> impl Iterator<Item = String> {
    let reg = (0..shape.reg).map(|number| format!("%r{number}"));
    let vec = (0..shape.vec).map(|number| format!("%v{number}"));
    ["%frame".to_owned()].into_iter().chain(reg).chain(vec)
}
