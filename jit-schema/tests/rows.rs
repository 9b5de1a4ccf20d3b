//! Each row of the tables against what others say of it: the `object` crate's constants,
//! llvm-readobj, and CPython's `Tools/jit`.
#![cfg(feature = "native")]

mod common;

use std::collections::BTreeMap;

use common::fixtures;
use jit_schema::label::{Half, Label, PairKind};
use jit_schema::relocation::{AddendBits, AddendPlace, Origin, Reach};
use jit_schema::{Arch, Machine, ObjectFormat, PatchKind, PatchShape, RelocationKind};
use object::{elf, macho, pe};

/// What CPython's Python prints: `for item in _stencils._PATCH_FUNCS.items(): print(*item)`.
const PATCH_FUNCS: &str = include_str!("data/patch_funcs.txt");

/// The relocations that CPython does not have.
const NOT_UPSTREAM: [RelocationKind; 15] = [
    RelocationKind::CustomAarch64Field12,
    RelocationKind::CustomX86_64Field32,
    RelocationKind::CustomX86_64Field32s,
    RelocationKind::ImageRelAmd64Addr64,
    RelocationKind::ImageRelArm64Addr64,
    RelocationKind::RAarch64Ldst8AbsLo12Nc,
    RelocationKind::RAarch64Ldst16AbsLo12Nc,
    RelocationKind::RAarch64Ldst32AbsLo12Nc,
    RelocationKind::RAarch64Ldst64AbsLo12Nc,
    RelocationKind::RAarch64Ldst128AbsLo12Nc,
    RelocationKind::RX86_64Gotpcrel,
    RelocationKind::RX86_64Pc32,
    RelocationKind::X86_64RelocSigned1,
    RelocationKind::X86_64RelocSigned2,
    RelocationKind::X86_64RelocSigned4,
];

fn entry(kind: RelocationKind) -> Option<(Machine, u32)> {
    match kind.row().origin {
        Origin::Entry { machine, number } => Some((machine, number)),
        Origin::Label { .. } => None,
    }
}

/// The name of a relocation according to the `object` crate.
fn object_name(machine: Machine, number: u32) -> Option<&'static str> {
    let header = machine.row().number;
    match machine.format() {
        ObjectFormat::Elf => {
            let header = elf::Machine(u16::try_from(header).unwrap());
            let names = elf::machine_names(header);
            names.r.name(elf::RelocationType(number))
        }
        ObjectFormat::MachO => {
            let number = macho::RelocationType(u8::try_from(number).ok()?);
            let names = macho::machine_names(macho::CpuType(header));
            names.reloc.name(number)
        }
        ObjectFormat::Coff => {
            let header = pe::Machine(u16::try_from(header).unwrap());
            let number = pe::RelocationType(u16::try_from(number).ok()?);
            let (matched, name) = pe::machine_names(header).rel.name(number)?;
            (matched == number).then_some(name)
        }
    }
}

#[test]
fn names_and_numbers_find_their_rows() {
    for &kind in RelocationKind::ALL {
        assert_eq!(RelocationKind::from_name(kind.name()), Some(kind));
        assert_eq!(kind.to_string(), kind.name());
        if let Some((machine, number)) = entry(kind) {
            assert_eq!(RelocationKind::from_number(machine, number), Some(kind));
        }
        assert_eq!(kind.label_side().is_none(), entry(kind).is_some(), "{kind}");
    }
    assert_eq!(RelocationKind::from_name("R_X86_64_PC16"), None);
    assert_eq!(RelocationKind::from_name(""), None);
}

#[test]
fn machines_are_those_of_the_object_crate() {
    let numbers = [
        (Machine::ElfAarch64, u32::from(elf::EM_AARCH64.0)),
        (Machine::ElfX86_64, elf::EM_X86_64.0.into()),
        (Machine::MachOArm64, macho::CPU_TYPE_ARM64.0),
        (Machine::MachOX86_64, macho::CPU_TYPE_X86_64.0),
        (Machine::CoffAmd64, pe::IMAGE_FILE_MACHINE_AMD64.0.into()),
        (Machine::CoffArm64, pe::IMAGE_FILE_MACHINE_ARM64.0.into()),
        (Machine::CoffI386, pe::IMAGE_FILE_MACHINE_I386.0.into()),
    ];
    assert_eq!(&numbers.map(|(machine, _)| machine), Machine::ALL);
    for (machine, number) in numbers {
        assert_eq!(machine.row().number, number, "{machine:?}");
        let found = Machine::from_number(machine.format(), number);
        assert_eq!(found, Some(machine));
    }
    assert_eq!(Machine::from_number(ObjectFormat::MachO, 62), None);
}

/// For each machine, each number: both know the same name for it, or it is no row of ours.
#[test]
fn numbers_are_those_of_the_object_crate() {
    let mut found = 0;
    for number in 0..2000 {
        for &machine in Machine::ALL {
            let kind = RelocationKind::from_number(machine, number);
            let expected = object_name(machine, number).and_then(RelocationKind::from_name);
            assert_eq!(kind, expected, "{machine:?} {number}");
            found += usize::from(kind.is_some());
        }
    }
    let entries = RelocationKind::ALL.iter().filter_map(|kind| entry(*kind));
    assert_eq!(found, entries.count());
}

/// `"Type":{"Name":"R_X86_64_64","Value":1}` in the entries of llvm-readobj's JSON.
#[test]
fn numbers_are_those_of_llvm_readobj() {
    let mut printed: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for fixture in fixtures() {
        for relocation in fixture.json.split("\"Relocation\":{").skip(1) {
            let (_, kind) = relocation.split_once("\"Type\":{\"Name\":\"").unwrap();
            let (name, rest) = kind.split_once("\",\"Value\":").unwrap();
            let number = rest.split(['}', ',']).next().unwrap();
            let numbers = printed.entry(name.to_owned()).or_default();
            numbers.push(number.parse().unwrap());
        }
    }
    for &kind in RelocationKind::ALL {
        let Some((_, number)) = entry(kind) else {
            assert!(!printed.contains_key(kind.name()), "{kind}");
            continue;
        };
        let numbers = printed.get(kind.name()).into_iter().flatten();
        let numbers: Vec<u32> = numbers.copied().collect();
        assert!(!numbers.is_empty(), "no fixture has {kind}");
        assert!(numbers.iter().all(|one| *one == number), "{kind}");
    }
}

#[test]
fn patches_are_upstreams() {
    let mut seen = Vec::new();
    for line in PATCH_FUNCS.lines() {
        let (name, function) = line.split_once(' ').unwrap();
        let kind = RelocationKind::from_name(name).unwrap();
        assert_eq!(kind.row().patch.c_name(), function, "{name}");
        seen.push(kind);
    }
    for kind in RelocationKind::ALL {
        let upstream = !NOT_UPSTREAM.contains(kind);
        assert_eq!(seen.contains(kind), upstream, "{kind}");
    }
}

/// The parts of a row that follow from each other.
#[test]
fn rows_are_sound() {
    for &kind in RelocationKind::ALL {
        let row = kind.row();
        let patch = row.patch.row();
        assert_eq!(row.width, patch.width, "{kind}");
        assert_eq!(patch.shape, PatchShape::Field, "{kind}");
        if let Some((machine, _)) = entry(kind) {
            assert!(patch.arches.contains(&machine.arch()), "{kind}");
            let explicit = row.addend == AddendPlace::Entry;
            assert_eq!(explicit, machine.format() == ObjectFormat::Elf, "{kind}");
        }
        if let AddendPlace::Field { bits, bias } = row.addend {
            let size = match bits {
                AddendBits::Signed32
                | AddendBits::Unsigned32
                | AddendBits::Aarch64Adr
                | AddendBits::Aarch64Low12
                | AddendBits::Aarch64Low12Scaled
                | AddendBits::Aarch64Branch19
                | AddendBits::Aarch64Branch26 => 4,
                AddendBits::Signed64 => 8,
            };
            assert!(size <= row.width, "{kind}");
            assert_eq!(bias, patch.base_addend, "{kind}");
        }
        match row.reach {
            Reach::Direct | Reach::Near | Reach::Got => {}
            Reach::Import { .. } => {
                let machine = entry(kind).map(|(machine, _)| machine.format());
                assert_eq!(machine, Some(ObjectFormat::Coff), "{kind}");
            }
            Reach::Branch { trampoline } => {
                let trampoline = trampoline.row();
                assert_eq!(trampoline.shape, PatchShape::Trampoline, "{kind}");
                assert_eq!(trampoline.width, row.width, "{kind}");
                assert_eq!(trampoline.base_addend, patch.base_addend, "{kind}");
                let (machine, _) = entry(kind).unwrap();
                assert!(trampoline.arches.contains(&machine.arch()), "{kind}");
            }
        }
    }
}

/// The names of patch functions say their widths, and which instruction sets they are for.
#[test]
fn patches_have_what_their_names_say() {
    for &patch in PatchKind::ALL {
        let row = patch.row();
        let name = row.c_name.strip_prefix("patch_").unwrap();
        let same = PatchKind::ALL
            .iter()
            .filter(|other| other.c_name() == row.c_name);
        assert_eq!(same.count(), 1, "{name}");
        let expected = match row.shape {
            PatchShape::Slot => 0,
            PatchShape::Field | PatchShape::Pair | PatchShape::Trampoline if name == "64" => 8,
            PatchShape::Field | PatchShape::Pair | PatchShape::Trampoline => 4,
        };
        assert_eq!(row.width, expected, "{name}");
        // Only 64-bit code extends numbers of 32 bits by their sign.
        let aarch64 = name.starts_with("aarch64_");
        let everywhere = name == "64" || row.shape == PatchShape::Slot;
        assert_eq!(row.arches.contains(&Arch::Aarch64), aarch64 || everywhere);
        assert_eq!(row.arches.contains(&Arch::X86_64), !aarch64, "{name}");
    }
}

#[test]
fn pairs_are_sound() {
    for &kind in PairKind::ALL {
        let row = kind.row();
        assert_eq!(row.patch.row().shape, PatchShape::Pair);
        for (half, patch) in Half::ALL.into_iter().zip(row.halves) {
            let is_half = |kind: &&RelocationKind| kind.row().patch == patch;
            assert!(RelocationKind::ALL.iter().any(|kind| is_half(&kind)));
            let label = Label::Pair {
                kind,
                half,
                symbol: "a",
                number: 0,
            };
            assert!(label.to_string().starts_with(row.name));
        }
    }
}
