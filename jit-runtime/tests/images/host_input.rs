//! The input of `c_host.c`, for these tests and for the benchmark `link`.

use jit_runtime::Uop;

/// An instruction with any number of operands and targets.
#[derive(Debug, Clone)]
pub(crate) struct General {
    pub(crate) opcode: u32,
    pub(crate) operands: Vec<u64>,
    pub(crate) targets: Vec<u32>,
}

impl General {
    /// Returns a micro-op with the numbers that the header gives to its values.
    pub(crate) fn of(uop: &Uop) -> General {
        let [first, second] = uop.operand;
        General {
            opcode: uop.opcode,
            operands: vec![uop.oparg.into(), first, second, uop.target.into()],
            targets: vec![uop.jump_target.into(), uop.error_target.into()],
        }
    }

    /// Returns it in the format that the program reads.
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(52);
        let counts = [self.operands.len(), self.targets.len()].map(|count| count as u32);
        for number in [self.opcode].into_iter().chain(counts) {
            bytes.extend(number.to_ne_bytes());
        }
        bytes.extend(
            self.operands
                .iter()
                .flat_map(|operand| operand.to_ne_bytes()),
        );
        bytes.extend(self.targets.iter().flat_map(|target| target.to_ne_bytes()));
        bytes
    }
}

/// Returns what comes before the instructions of a trace. The addresses are in the order of the program's symbols.
pub(crate) fn start(base: u64, length: usize, addresses: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut bytes = base.to_ne_bytes().to_vec();
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(addresses.flat_map(u64::to_ne_bytes));
    bytes
}
