//! What is known of registers and the stack at a place of the code.

use std::collections::BTreeMap;

/// What is known of the value of a register, or of a word on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Unknown,
    /// A number in an instruction.
    Number(i64),
    /// So many bytes above the stack pointer at the start.
    Stack(i64),
    /// The return address of the start.
    Return,
    /// The same, signed with this stack pointer.
    Signed(i64),
    /// The address of a function or object of the host, or a part of it.
    Host(Callee),
    /// The address of a word that has such an address: a symbol's slot in the global offset table, or a part of it.
    Slot(Callee),
    /// An address in the stencil's own code, which is one of those that the check knows.
    Own(Places),
    /// An offset in the stencil's own data.
    Data(i64),
    /// Somewhere in the object at this offset of the stencil's own data.
    Object(i64),
    /// A distance between the object at this offset of the data and a place of the stencil's own code.
    Distance(i64),
}

/// What a function of the host does that others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callee {
    Usual,
    /// It may return once more, by a jump: setjmp.
    ReturnsTwice,
    /// It touches the pages of a large frame, and keeps nearly all registers: `__chkstk` of Windows.
    ProbesStack,
    /// It removes so many bytes of arguments from the stack: functions with the convention `stdcall` of 32-bit Windows.
    Pops(u16),
}

/// Places of a stencil's own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    One(i64),
    /// One of those in the object at this offset of the data.
    OfObject(i64),
    /// One of those whose addresses the stencil takes.
    Any,
}

impl Value {
    /// Returns the address so many bytes above this one.
    pub(super) fn plus(self, bytes: i64) -> Value {
        match self {
            Value::Number(old) => Value::Number(old.wrapping_add(bytes)),
            Value::Stack(old) => Value::Stack(old.wrapping_add(bytes)),
            Value::Data(old) => Value::Data(old.wrapping_add(bytes)),
            Value::Object(_) => self,
            _ if bytes == 0 => self,
            _ => Value::Unknown,
        }
    }

    /// Returns the sum of two values.
    pub(super) fn sum(self, other: Value) -> Value {
        match (self, other) {
            (value, Value::Number(bytes)) | (Value::Number(bytes), value) => value.plus(bytes),
            (Value::Data(at), Value::Distance(from)) | (Value::Distance(from), Value::Data(at))
                if at == from =>
            {
                Value::Own(Places::OfObject(at))
            }
            // An index into a table.
            (Value::Data(at) | Value::Object(at), Value::Unknown)
            | (Value::Unknown, Value::Data(at) | Value::Object(at)) => Value::Object(at),
            _ => Value::Unknown,
        }
    }

    /// Returns what is known of a value that is one of two.
    pub(super) fn or(self, other: Value) -> Value {
        match (self, other) {
            _ if self == other => self,
            (Value::Own(_), Value::Own(_)) => Value::Own(Places::Any),
            _ => Value::Unknown,
        }
    }
}

/// What is known at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    registers: [Value; 32],
    /// The words on the stack, by the number of bytes above the stack pointer at the start.
    stack: BTreeMap<i64, Value>,
    /// The number of the stack pointer.
    stack_pointer: usize,
    /// The size of a word, in bytes.
    word: i64,
    /// Where the caller's part of the stack begins that the function must not write to.
    callers: i64,
    /// Whether something may have been written there.
    leaves_frame: bool,
}

impl State {
    /// Returns what is known at the start of a function: the stack pointer. `callers` is the offset at which the caller's part of the
    /// stack begins that the function must not write to.
    pub(super) fn new(stack_pointer: usize, word: i64, callers: i64) -> State {
        let mut state = State {
            registers: [Value::Unknown; 32],
            stack: BTreeMap::new(),
            stack_pointer,
            word,
            callers,
            leaves_frame: false,
        };
        state.set(stack_pointer, Value::Stack(0));
        state
    }

    pub(super) fn get(&self, register: usize) -> Value {
        let value = self.registers.get(register);
        value.copied().unwrap_or(Value::Unknown)
    }

    pub(super) fn set(&mut self, register: usize, value: Value) {
        if let Some(place) = self.registers.get_mut(register) {
            *place = value;
        }
    }

    pub(super) fn stack_pointer(&self) -> Value {
        self.get(self.stack_pointer)
    }

    pub(super) fn move_stack_pointer(&mut self, by: i64) {
        self.set(self.stack_pointer, self.stack_pointer().plus(by));
    }

    /// Returns whether something may have been written to the caller's part of the stack.
    pub(super) fn leaves_frame(&self) -> bool {
        self.leaves_frame
    }

    /// Returns the word at a place of the stack.
    pub(super) fn load(&self, place: i64) -> Value {
        self.stack.get(&place).copied().unwrap_or(Value::Unknown)
    }

    /// Writes something unknown to so many bytes of the stack.
    pub(super) fn overwrite(&mut self, start: i64, size: i64) {
        let (word, end) = (self.word, start.saturating_add(size));
        self.leaves_frame |= end > self.callers;
        self.stack
            .retain(|place, _| place + word <= start || end <= *place);
    }

    /// Writes something unknown to all of the stack.
    pub(super) fn overwrite_all(&mut self) {
        self.overwrite(i64::MIN, i64::MAX);
        self.overwrite(-1, i64::MAX);
    }

    /// Writes a word to a place of the stack.
    pub(super) fn store(&mut self, place: i64, value: Value) {
        self.overwrite(place, self.word);
        if value != Value::Unknown {
            self.stack.insert(place, value);
        }
    }

    /// Forgets the registers that a function that is called may change: all but those that it keeps, and the stack pointer.
    pub(super) fn call(&mut self, kept: &[usize]) {
        let stack_pointer = self.stack_pointer;
        for (number, value) in self.registers.iter_mut().enumerate() {
            if number != stack_pointer && !kept.contains(&number) {
                *value = Value::Unknown;
            }
        }
    }

    /// Returns what is known where two ways meet.
    pub(super) fn join(&self, other: &State) -> State {
        let mut joined = self.clone();
        for (value, other) in joined.registers.iter_mut().zip(&other.registers) {
            *value = value.or(*other);
        }
        joined
            .stack
            .retain(|place, value| other.stack.get(place) == Some(value));
        joined.leaves_frame |= other.leaves_frame;
        joined
    }

    /// Returns whether two ways have the same depth of the stack, as far as that is known.
    pub(super) fn fits(&self, other: &State) -> bool {
        self.stack_pointer() == other.stack_pointer()
    }
}
