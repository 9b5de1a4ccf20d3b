//! Results, and what they were made from.

/// A result, and whether it can be made again from known inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made<T> {
    /// The result.
    pub value: T,
    /// Whether it was made from nothing but the source, the [snapshot](crate::Snapshot) of the preamble
    /// and [the arguments](crate::Compiler::arguments). Otherwise, clang may have read other files, or
    /// its driver was asked again, whose answer may depend on files as well.
    pub from_known_inputs: bool,
}

impl<T> Made<T> {
    /// Changes the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Made<U> {
        Made {
            value: change(self.value),
            from_known_inputs: self.from_known_inputs,
        }
    }
}
