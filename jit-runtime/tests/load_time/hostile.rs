//! Stencil files with as much of one thing as `size` bytes can hold: what a table, a check or a search
//! could take too long for.

use jit_schema::Target;
use jit_stencils::{
    Hole, HoleValue, Interface, MAX_ALIGNMENT, PatchKind, PatchValue, Shim, Stencil, StencilGroup,
    StencilSet, SymbolMask, file,
};

const LINUX: &str = "x86_64-unknown-linux-gnu";
const MACOS: &str = "x86_64-apple-darwin";
const ARM: &str = "aarch64-unknown-linux-gnu";

/// The largest part of a stencil that is accepted has one byte less.
const PART: usize = 1 << 20;
/// How many values holes can refer to, less those of a micro-op.
const VALUES: usize = 65_000;
/// How many operands and targets holes can refer to by number: each operand has two halves as well.
const NUMBERS: u16 = 16_000;

/// A kind of file, and whether its stencils can be linked.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) valid: bool,
    pub(crate) make: fn(usize) -> Vec<u8>,
}

const fn valid(name: &'static str, make: fn(usize) -> Vec<u8>) -> Kind {
    Kind {
        name,
        valid: true,
        make,
    }
}

const fn invalid(name: &'static str, make: fn(usize) -> Vec<u8>) -> Kind {
    Kind {
        name,
        valid: false,
        make,
    }
}

pub(crate) const KINDS: [Kind; 24] = [
    valid("bytes of code", code_bytes),
    valid("micro-ops without code", empty_uops),
    valid("micro-ops with one byte of code", short_uops),
    valid("aligned data", aligned),
    valid("long names of micro-ops", long_uop_names),
    valid("fields of opargs", opargs),
    valid("64-bit values", wide),
    valid("symbols by name, each used once", direct),
    valid("symbols by name, the last used often", direct_last),
    valid("one long name, used often", long_name),
    valid("symbols with ordinals that nothing uses", unused),
    valid("GOT slots to fill, all of the last symbol", slots),
    valid("masks with the last symbol", masks),
    valid("GOT slots, each used once", got),
    valid(
        "branches to the last symbols, through trampolines",
        trampolines,
    ),
    valid("void holes at one place", void),
    valid("operands by number, each used once", operands),
    valid(
        "the operand and the target with the highest number",
        last_numbers,
    ),
    valid(
        "interfaces with as many operands as there can be",
        interfaces,
    ),
    valid("pairs of operands and targets", instructions),
    valid("pairs of AArch64, first and second apart", pairs),
    valid("a guard and a shim with many holes", guard_and_shim),
    invalid("holes at one place", overlapping),
    invalid("the last name is there twice", twice),
];

fn set(triple: &str, groups: Vec<StencilGroup>, symbols: Vec<String>) -> Vec<u8> {
    let names = (0..).map(|index| format!("{index:x}"));
    file::encode(&StencilSet {
        target: *Target::from_triple(triple).unwrap(),
        groups: names.zip(groups).collect(),
        symbols,
        shim: None,
        families: vec![],
    })
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{index:x}")).collect()
}

fn code(body: Vec<u8>, holes: Vec<Hole>) -> StencilGroup {
    StencilGroup {
        code: Stencil { body, holes },
        ..StencilGroup::default()
    }
}

fn hole(offset: usize, patch: PatchKind, value: PatchValue) -> Hole {
    Hole {
        offset,
        patch,
        value,
        first: None,
        void: false,
    }
}

fn based(base: HoleValue) -> PatchValue {
    PatchValue::Address {
        base,
        symbol: None,
        addend: 0,
    }
}

fn named(name: &str) -> PatchValue {
    PatchValue::Address {
        base: HoleValue::Zero,
        symbol: Some(name.into()),
        addend: 0,
    }
}

/// Returns micro-ops whose code is full of holes of `width` bytes, as many as there are values.
fn filled(width: usize, patch: PatchKind, values: Vec<PatchValue>) -> Vec<StencilGroup> {
    let mut groups = Vec::new();
    for values in values.chunks((PART - 1) / width) {
        let holes = values.iter().enumerate();
        let holes = holes.map(|(index, value)| hole(width * index, patch, value.clone()));
        groups.push(code(vec![0; width * values.len()], holes.collect()));
    }
    groups
}

fn code_bytes(size: usize) -> Vec<u8> {
    let part = size.min(PART - 1);
    let groups = vec![code(vec![0x90; part], Vec::new()); size.div_ceil(part)];
    set(LINUX, groups, Vec::new())
}

fn empty_uops(size: usize) -> Vec<u8> {
    set(LINUX, vec![StencilGroup::default(); size / 9], Vec::new())
}

fn short_uops(size: usize) -> Vec<u8> {
    let group = code(vec![0xc3], Vec::new());
    set(LINUX, vec![group; size / 10], Vec::new())
}

fn aligned(size: usize) -> Vec<u8> {
    let mut group = code(vec![0xc3], Vec::new());
    group.data.body = vec![0; 8];
    group.data_alignment = MAX_ALIGNMENT;
    set(LINUX, vec![group; size / 21], Vec::new())
}

fn long_uop_names(size: usize) -> Vec<u8> {
    let name = |index: usize| format!("{index:0>width$}", width = (size / 20).min(60_000));
    file::encode(&StencilSet {
        target: *Target::from_triple(LINUX).unwrap(),
        groups: (0..20)
            .map(|index| (name(index), StencilGroup::default()))
            .collect(),
        symbols: Vec::new(),
        shim: None,
        families: vec![],
    })
}

fn opargs(size: usize) -> Vec<u8> {
    let values = vec![based(HoleValue::Oparg); size / 7];
    set(LINUX, filled(4, PatchKind::Patch32, values), Vec::new())
}

fn wide(size: usize) -> Vec<u8> {
    let values = vec![based(HoleValue::Operand0); size / 11];
    set(LINUX, filled(8, PatchKind::Patch64, values), Vec::new())
}

fn direct(size: usize) -> Vec<u8> {
    let count = (size / 15).min(VALUES);
    let values = names(count).iter().map(|name| named(name)).collect();
    set(LINUX, filled(4, PatchKind::Patch32, values), Vec::new())
}

fn direct_last(size: usize) -> Vec<u8> {
    let count = (size / 30).min(VALUES);
    let all = names(count);
    let mut values: Vec<PatchValue> = all.iter().map(|name| named(name)).collect();
    values.resize(values.len() + size / 20, named(all.last().unwrap()));
    set(LINUX, filled(4, PatchKind::Patch32, values), Vec::new())
}

fn long_name(size: usize) -> Vec<u8> {
    // As long as a reader that copies the name for each hole would accept.
    let name = "n".repeat(240.min(size / 4));
    let values = vec![named(&name); size / 8];
    set(LINUX, filled(4, PatchKind::Patch32, values), Vec::new())
}

fn unused(size: usize) -> Vec<u8> {
    set(LINUX, Vec::new(), names(size / 6))
}

/// Returns a group that reads the slots of these symbols.
fn with_slots(ordinals: impl Iterator<Item = usize> + Clone) -> StencilGroup {
    let value = |ordinal| PatchValue::GotSlot {
        ordinal,
        addend: -4,
    };
    let mut groups = filled(
        4,
        PatchKind::Patch32r,
        ordinals.clone().map(value).collect(),
    );
    let mut group = groups.pop().unwrap();
    group.got_entries = SymbolMask::from_iter(ordinals);
    group
}

fn fills(ordinal: usize) -> Hole {
    hole(0, PatchKind::GotSymbol, PatchValue::Symbol { ordinal })
}

fn slots(size: usize) -> Vec<u8> {
    let count = (size / 12).min(VALUES);
    let mut group = with_slots(std::iter::once(count - 1));
    group.data.holes = vec![fills(count - 1); size / 12];
    set(LINUX, vec![group], names(count))
}

/// With a bit for each ordinal, the masks would be hundreds of times as large as the file.
fn masks(size: usize) -> Vec<u8> {
    let symbols = (size / 12).min(VALUES);
    let group = with_slots(std::iter::once(symbols - 1));
    set(LINUX, vec![group; size / 40], names(symbols))
}

fn got(size: usize) -> Vec<u8> {
    let count = (size / 24).min(VALUES);
    let mut group = with_slots(0..count);
    group.data.holes = (0..count).map(fills).collect();
    set(LINUX, vec![group], names(count))
}

fn trampolines(size: usize) -> Vec<u8> {
    let symbols = (size / 12).min(VALUES / 2);
    let holes = size / 18;
    let value = |index| PatchValue::Symbol {
        ordinal: symbols - 1 - index % (symbols / 2),
    };
    let values = (0..holes).map(value).collect();
    set(
        MACOS,
        filled(4, PatchKind::X86_64Trampoline, values),
        names(symbols),
    )
}

fn void(size: usize) -> Vec<u8> {
    let mut hole = hole(0, PatchKind::Patch32, based(HoleValue::Oparg));
    hole.void = true;
    set(
        LINUX,
        vec![code(vec![0; 8], vec![hole; size / 4])],
        Vec::new(),
    )
}

/// All adrp come first, then all ldr, in the opposite order.
fn pairs(size: usize) -> Vec<u8> {
    let count = (size / 16).min(PART / 8 - 1);
    let adrp = 0x9000_0000_u32.to_le_bytes();
    let ldr = 0xf940_0000_u32.to_le_bytes();
    let body = [adrp.repeat(count), ldr.repeat(count)].concat();
    let value = PatchValue::GotSlot {
        ordinal: 0,
        addend: 0,
    };
    let holes = (0..count).map(|index| Hole {
        first: Some(4 * (count - 1 - index)),
        ..hole(4 * (count + index), PatchKind::Aarch64_33rx, value.clone())
    });
    let mut group = code(body, holes.collect());
    group.got_entries = SymbolMask::from_iter([0]);
    set(ARM, vec![group], names(1))
}

fn guard_and_shim(size: usize) -> Vec<u8> {
    let values = vec![based(HoleValue::Data); (size / 15).min(PART / 4 - 1)];
    let group = filled(4, PatchKind::Patch32r, values).pop().unwrap();
    file::encode(&StencilSet {
        target: *Target::from_triple(LINUX).unwrap(),
        groups: vec![("_FATAL_ERROR_r00".to_owned(), group.clone())],
        symbols: Vec::new(),
        families: vec![],
        shim: Some(Shim {
            name: "shim".to_owned(),
            group,
            unwind: None,
        }),
    })
}

/// The first of them differ in their patches, so that they are of different lengths.
fn overlapping(size: usize) -> Vec<u8> {
    let one = hole(0, PatchKind::Patch64, based(HoleValue::Operand0));
    let two = hole(0, PatchKind::Patch32, based(HoleValue::Oparg));
    let holes = [one, two].into_iter().cycle().take(size / 3);
    set(LINUX, vec![code(vec![0; 8], holes.collect())], Vec::new())
}

/// Gives a stencil an interface that has all numbers.
fn general(mut group: StencilGroup) -> StencilGroup {
    group.interface = Interface {
        operands: vec![64; NUMBERS.into()],
        targets: NUMBERS,
    };
    group
}

fn operands(size: usize) -> Vec<u8> {
    let numbers = (0..NUMBERS).cycle().take(size / 13);
    let values = numbers.map(|number| based(HoleValue::Operand(number)));
    let groups = filled(8, PatchKind::Patch64, values.collect());
    set(LINUX, groups.into_iter().map(general).collect(), Vec::new())
}

/// With a row for each number, the tables would be many times as large as the file.
fn last_numbers(size: usize) -> Vec<u8> {
    let values = [HoleValue::Operand(15), HoleValue::Place(u16::MAX - 1_000)];
    let holes = [0, 8].into_iter().zip(values);
    let holes = holes.map(|(offset, base)| hole(offset, PatchKind::Patch64, based(base)));
    let mut group = code(vec![0; 16], holes.collect());
    group.interface = Interface {
        operands: vec![8; 16],
        targets: u16::MAX,
    };
    set(LINUX, vec![group; size / 58], Vec::new())
}

fn interfaces(size: usize) -> Vec<u8> {
    let mut group = StencilGroup::default();
    group.interface.operands = vec![7; size.min(1 << 16)];
    let count = size.div_ceil(1 << 16);
    set(LINUX, vec![group; count], Vec::new())
}

fn instructions(size: usize) -> Vec<u8> {
    let values = (0..2).map(|number| [HoleValue::Operand(number), HoleValue::Place(number)]);
    let values = values.flatten().map(based).collect();
    let mut group = filled(8, PatchKind::Patch64, values).remove(0);
    group.interface = Interface {
        operands: vec![32, 64],
        targets: 2,
    };
    set(LINUX, vec![group; size / 65], Vec::new())
}

fn twice(size: usize) -> Vec<u8> {
    let mut names = names(size / 6);
    names.push("0".to_owned());
    set(LINUX, Vec::new(), names)
}
