//! Finds micro-ops by name.

use std::hash::{BuildHasher, RandomState};

/// The opcodes of micro-ops, sorted by the hashes of their names. The names themselves are elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Opcodes {
    /// Its keys are random, so that nobody can make names that have the same hash.
    hasher: RandomState,
    sorted: Vec<(u64, u32)>,
}

impl Opcodes {
    /// Returns the opcodes of these names, in their order from 0 on, of which there are 2^32 at most.
    ///
    /// # Errors
    ///
    /// The first opcode whose name another one has before it.
    pub(super) fn new<G>(named: &[(String, G)]) -> Result<Opcodes, u32> {
        let hasher = RandomState::new();
        let names = (0..=u32::MAX).zip(named);
        let hashed = names.map(|(opcode, (name, _))| (hasher.hash_one(name.as_str()), opcode));
        let mut sorted: Vec<(u64, u32)> = hashed.collect();
        sorted.sort_unstable();
        let opcodes = Opcodes { hasher, sorted };
        let mut again: Vec<u32> = Vec::new();
        for pair in opcodes.sorted.windows(2) {
            // Those with the same hash are in ascending order.
            if let [(first, _), (second, opcode)] = pair
                && first == second
                && let Some((name, _)) = named.get(*opcode as usize)
                && opcodes.get(name, named) < Some(*opcode)
            {
                again.push(*opcode);
            }
        }
        match again.into_iter().min() {
            Some(opcode) => Err(opcode),
            None => Ok(opcodes),
        }
    }

    /// Returns the first opcode with a name.
    pub(super) fn get<G>(&self, name: &str, named: &[(String, G)]) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        let start = self.sorted.partition_point(|(other, _)| *other < hash);
        let same = self.sorted.get(start..)?.iter();
        let mut same = same.take_while(|(other, _)| *other == hash);
        let is_it = |opcode: u32| {
            let found = named.get(opcode as usize);
            found.is_some_and(|(other, _)| other == name)
        };
        same.find_map(|(_, opcode)| is_it(*opcode).then_some(*opcode))
    }
}
