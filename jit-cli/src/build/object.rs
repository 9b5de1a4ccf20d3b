//! Recognizes object files of a target.

use jit_schema::{Machine, ObjectError, ObjectFormat, Target, native};

/// Returns whether this is a whole object file for the target.
pub(crate) fn is_for(bytes: &[u8], target: &Target) -> bool {
    let is_whole = match native::read(bytes) {
        Ok(object) => object.format == target.format,
        // The shim may have what stencils can't have.
        Err(ObjectError::Malformed { .. }) => false,
        Err(_) => true,
    };
    let machine =
        number(bytes, target.format).and_then(|number| Machine::from_number(target.format, number));
    is_whole && machine.is_some_and(|machine| machine.arch() == target.arch)
}

/// Returns the number of the machine in the header of an object file.
fn number(bytes: &[u8], format: ObjectFormat) -> Option<u32> {
    let small = |at: usize| {
        bytes
            .get(at..)?
            .first_chunk()
            .copied()
            .map(u16::from_le_bytes)
    };
    let large = |at: usize| {
        bytes
            .get(at..)?
            .first_chunk()
            .copied()
            .map(u32::from_le_bytes)
    };
    match format {
        ObjectFormat::Elf => small(18).map(u32::from),
        ObjectFormat::MachO => large(4),
        ObjectFormat::Coff => small(0).map(u32::from),
    }
}

#[cfg(test)]
mod tests {
    use fixtures::{
        TRIPLES,
        generated::{Build, shim_object},
        golden,
    };

    use super::*;

    #[test]
    fn objects_of_all_targets() {
        for triple in TRIPLES {
            let bytes = golden::read_bytes(&shim_object(Build::Release, triple));
            let arch = triple.split('-').next();
            let format =
                |triple: &str| ["linux", "darwin", "windows"].map(|os| triple.contains(os));
            for other in TRIPLES {
                let same = other.split('-').next() == arch && format(other) == format(triple);
                let target = Target::from_triple(other).unwrap();
                assert_eq!(is_for(&bytes, target), same, "{triple} {other}");
                assert!(!is_for(&bytes[..bytes.len() / 2], target));
            }
        }
        assert!(!is_for(b"", Target::from_triple(TRIPLES[0]).unwrap()));
    }
}
