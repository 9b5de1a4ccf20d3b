//! Reads what debuggers and profilers get, with parsers of other projects or by the format's specification.
//! `debug_gdb.rs` runs GDB itself.

use gimli::{
    BaseAddresses, CfaRule, DebugFrame, LittleEndian, Register, RegisterRule, UnwindContext,
    UnwindSection as _,
};
use goblin::elf::{Elf, header, section_header, sym};
use jit_runtime::{
    Layout, LayoutPolicy, Linker, Stencils, Symbols, Uop,
    debug::{DescribeError, Description, Detail, gdb},
    memory::{Executable, Writable},
};

/// Micro-ops of the trace: one without code, one that occurs twice, and one whose calls may need a trampoline.
const UOPS: [&str; 6] = [
    "_LOAD_INT_r01",
    "_NOP_r00",
    "_PRINT_r10",
    "_LOAD_INT_r01",
    "_PRINT_r10",
    "_EXIT_TRACE_r00",
];

fn trace(stencils: &Stencils) -> Vec<Uop> {
    let opcodes = UOPS.map(|name| stencils.opcode(name).unwrap());
    opcodes
        .map(|opcode| Uop {
            opcode,
            ..Uop::default()
        })
        .into()
}

fn stencils(triple: &str) -> Stencils {
    Stencils::load(fixtures::stencils::file(triple)).unwrap()
}

/// Links a trace into pages of its own. It is not run, so symbols have an arbitrary near address.
fn link(stencils: &Stencils, layout: &Layout<'_>) -> Executable {
    let mut memory = Writable::alloc(layout.size()).unwrap();
    // 32-bit code is linked for an address that its memory does not have.
    let base = match stencils.target().arch.pointer_size() {
        4 => 0x10_0000,
        _ => memory.base(),
    };
    let symbols = Symbols::new(stencils, |_| Some(base));
    Linker::new(stencils, LayoutPolicy::Tight)
        .link(layout, base, &symbols, &mut memory)
        .unwrap();
    memory.publish().unwrap()
}

fn describe<T>(
    triple: &str,
    detail: Detail,
    test: impl FnOnce(&Description, &Executable) -> T,
) -> T {
    let stencils = stencils(triple);
    let trace = trace(&stencils);
    let layout = Linker::new(&stencils, LayoutPolicy::Tight)
        .layout(&trace)
        .unwrap();
    let code = link(&stencils, &layout);
    let description = Description::new(&stencils, &layout, &code, "demo", detail).unwrap();
    test(&description, &code)
}

const LINUX: [(&str, u16); 2] = [
    ("aarch64-unknown-linux-gnu", header::EM_AARCH64),
    ("x86_64-unknown-linux-gnu", header::EM_X86_64),
];

/// Returns the name, address and size of each function, as goblin reads them.
fn functions(object: &[u8]) -> Vec<(String, u64, u64)> {
    let elf = Elf::parse(object).unwrap();
    let symbols = elf
        .syms
        .iter()
        .filter(|symbol| symbol.st_type() == sym::STT_FUNC);
    symbols
        .map(|symbol| {
            let section = &elf.section_headers[symbol.st_shndx];
            assert_eq!(&elf.shdr_strtab[section.sh_name], ".text");
            let name = elf.strtab[symbol.st_name].to_owned();
            (name, section.sh_addr + symbol.st_value, symbol.st_size)
        })
        .collect()
}

/// The sizes of the micro-ops come from the fixture's stencils, not from the linker.
#[test]
fn symbols_follow_the_stencils() {
    for (triple, _) in LINUX {
        let set = jit_stencils::file::decode(fixtures::stencils::file(triple)).unwrap();
        describe(triple, Detail::Uops, |description, code| {
            let object = gdb::object(description).unwrap();
            let functions = functions(&object);
            let mut expected = Vec::new();
            let mut address = code.base();
            for name in UOPS.iter().chain(&["_FATAL_ERROR_r00"]) {
                let size = set.group(name).unwrap().code.body.len() as u64;
                if size > 0 {
                    expected.push((format!("demo::{name}"), address, size));
                }
                address += size;
            }
            assert!(
                expected.len() < UOPS.len() + 1,
                "the micro-op without code has no symbol"
            );
            let rest = functions.len() - expected.len();
            assert_eq!(functions[..expected.len()], expected, "{triple}");
            // On a target whose calls go through trampolines, these have one symbol, after the code.
            assert_eq!(rest, usize::from(triple.starts_with("aarch64")), "{triple}");
            if let Some((name, start, size)) = functions.get(expected.len()) {
                assert_eq!((name.as_str(), *start), ("demo::trampolines", address));
                assert!(*size > 0 && start + size <= code.base() + code.len() as u64);
            }
        });
        describe(triple, Detail::Trace, |description, code| {
            let functions = functions(&gdb::object(description).unwrap());
            let size = description.size();
            assert_eq!(functions, [("demo".to_owned(), code.base(), size)]);
        });
    }
}

#[test]
fn the_object_is_where_the_code_is() {
    for (triple, machine) in LINUX {
        describe(triple, Detail::Uops, |description, code| {
            let object = gdb::object(description).unwrap();
            let elf = Elf::parse(&object).unwrap();
            assert!(elf.is_64 && elf.little_endian);
            assert_eq!(elf.header.e_machine, machine);
            assert_eq!(elf.header.e_type, header::ET_REL);
            let text = &elf.section_headers[1];
            assert_eq!(text.sh_type, section_header::SHT_NOBITS);
            assert_eq!(text.sh_addr, code.base());
            assert_eq!(text.sh_size, description.size());
            assert!(text.is_executable() && text.is_alloc() && !text.is_writable());
        });
    }
}

/// The unwind rules are those in the header that CPython's own tools wrote for the same shim.
#[test]
fn the_rules_are_those_of_the_generated_header() {
    for (triple, _) in LINUX {
        let path = fixtures::generated::unwind_header(fixtures::generated::Build::Release, triple);
        let text = fixtures::golden::read_text(&path);
        let defined = |name: &str| -> i64 {
            let prefix = format!("#define JIT_UNWIND_{name} ");
            let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
            value.unwrap().parse().unwrap()
        };
        describe(triple, Detail::Trace, |description, code| {
            let object = gdb::object(description).unwrap();
            let elf = Elf::parse(&object).unwrap();
            let section = elf
                .section_headers
                .iter()
                .find(|section| &elf.shdr_strtab[section.sh_name] == ".debug_frame")
                .unwrap();
            let mut frames = DebugFrame::new(&object[section.file_range().unwrap()], LittleEndian);
            frames.set_address_size(8);
            let bases = BaseAddresses::default();
            let mut context = UnwindContext::new();
            let end = code.base() + description.size();
            for address in [code.base(), code.base() + description.size() / 2, end - 1] {
                let row = frames
                    .unwind_info_for_address(
                        &bases,
                        &mut context,
                        address,
                        DebugFrame::cie_from_offset,
                    )
                    .unwrap();
                assert_eq!((row.start_address(), row.end_address()), (code.base(), end));
                assert_eq!(
                    *row.cfa(),
                    CfaRule::RegisterAndOffset {
                        register: Register(defined("CFA_REG") as u16),
                        offset: defined("CFA_OFFSET"),
                    }
                );
                for name in ["FP", "RA"] {
                    let register = Register(defined(&format!("{name}_REG")) as u16);
                    let factor = defined("DATA_ALIGNMENT_FACTOR");
                    let offset = defined(&format!("{name}_OFFSET")) * factor;
                    assert_eq!(row.register(register), Some(RegisterRule::Offset(offset)));
                }
            }
            for outside in [code.base() - 1, end] {
                let row = frames.unwind_info_for_address(
                    &bases,
                    &mut context,
                    outside,
                    DebugFrame::cie_from_offset,
                );
                assert!(row.is_err());
            }
            let fde = frames
                .fde_for_address(&bases, code.base(), DebugFrame::cie_from_offset)
                .unwrap();
            let cie = fde.cie();
            assert_eq!(cie.return_address_register().0 as i64, defined("RA_REG"));
            assert_eq!(
                cie.code_alignment_factor() as i64,
                defined("CODE_ALIGNMENT_FACTOR")
            );
        });
    }
}

#[test]
fn errors_of_descriptions() {
    for triple in fixtures::TRIPLES {
        let is_linux = LINUX.iter().any(|(linux, _)| *linux == triple);
        describe(triple, Detail::Trace, |description, _| {
            assert_eq!(description.unwind().is_some(), is_linux, "{triple}");
            assert_eq!(gdb::object(description).is_ok(), is_linux, "{triple}");
        });
    }
    let (one, other) = (stencils(LINUX[1].0), stencils(LINUX[1].0));
    let trace = trace(&one);
    let layout = Linker::new(&one, LayoutPolicy::Tight)
        .layout(&trace)
        .unwrap();
    let shorter = Linker::new(&one, LayoutPolicy::Tight)
        .layout(&trace[..3])
        .unwrap();
    let code = link(&one, &layout);
    let describe = |stencils, layout, name| {
        Description::new(stencils, layout, &code, name, Detail::Uops).unwrap_err()
    };
    assert!(matches!(
        describe(&other, &layout, "demo"),
        DescribeError::OtherStencils { .. }
    ));
    assert!(matches!(
        describe(&one, &shorter, "demo"),
        DescribeError::OtherCode { .. }
    ));
    for name in ["", "two\nlines", "zero\0byte"] {
        assert!(matches!(
            describe(&one, &layout, name),
            DescribeError::Name { .. }
        ));
    }
}

#[cfg(target_os = "linux")]
mod perf {
    use std::{collections::BTreeMap, io::ErrorKind, os::unix::fs::symlink, process};

    use jit_runtime::debug::perf::{JitDump, PerfMap};

    use super::*;

    /// A line of the map is `START SIZE symbolname`, with hexadecimal numbers without 0x.
    #[test]
    fn the_map_has_a_line_for_each_symbol() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("perf-1.map");
        std::fs::write(&path, "7f0000000000 10 somebody's own\n").unwrap();
        describe(LINUX[1].0, Detail::Uops, |description, _| {
            PerfMap::at(&path).unwrap().add(description).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.ends_with('\n'));
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some("7f0000000000 10 somebody's own"));
            let found: Vec<_> = lines
                .map(|line| {
                    let mut words = line.splitn(3, ' ');
                    let mut number = || u64::from_str_radix(words.next().unwrap(), 16).unwrap();
                    let (start, size) = (number(), number());
                    (words.next().unwrap().to_owned(), start, size)
                })
                .collect();
            assert_eq!(found, functions(&gdb::object(description).unwrap()));
        });
    }

    #[test]
    fn the_map_is_where_perf_looks() {
        let map = PerfMap::create().unwrap();
        let path = format!("/tmp/perf-{}.map", process::id());
        assert_eq!(map.path().to_str(), Some(path.as_str()));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        let map = directory.path().join("perf-1.map");
        symlink(&victim, &map).unwrap();
        let error = PerfMap::at(&map).unwrap_err();
        assert!(error.to_string().contains("perf-1.map"), "{error}");
        symlink(
            &victim,
            directory.path().join(format!("jit-{}.dump", process::id())),
        )
        .unwrap();
        JitDump::create(directory.path()).unwrap_err();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    }

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    fn u64_at(bytes: &[u8], at: usize) -> u64 {
        u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
    }

    /// Returns the nanoseconds since the machine started, by the kernel.
    fn uptime() -> u64 {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = text.split(' ').next().unwrap().parse().unwrap();
        (seconds * 1e9) as u64
    }

    /// Reads the file by perf's jitdump-specification.txt, version 1.
    #[test]
    fn the_dump_has_a_record_for_each_symbol() {
        let directory = tempfile::tempdir().unwrap();
        describe(LINUX[1].0, Detail::Uops, |description, code| {
            let mut dump = JitDump::create(directory.path()).unwrap();
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let mapping = maps
                .lines()
                .find(|line| line.ends_with(dump.path().to_str().unwrap()));
            assert!(mapping.unwrap().contains("r-xp 00000000"), "{mapping:?}");
            dump.add(description, code).unwrap();
            dump.add(description, code).unwrap();
            let bytes = std::fs::read(dump.path()).unwrap();
            assert_eq!(&bytes[..4], b"DTiJ");
            assert_eq!(u32_at(&bytes, 4), 1);
            assert_eq!(u32_at(&bytes, 8), 40);
            // The machine number is that of this test's own program.
            let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
            let own = Elf::parse(&own).unwrap().header.e_machine;
            assert_eq!(u32_at(&bytes, 12), u32::from(own));
            assert_eq!(u32_at(&bytes, 20), process::id());
            assert_eq!(u64_at(&bytes, 32), 0);
            let mut times = vec![u64_at(&bytes, 24)];
            let mut found = BTreeMap::new();
            let mut rest = &bytes[40..];
            while !rest.is_empty() {
                assert_eq!(u32_at(rest, 0), 0, "JIT_CODE_LOAD");
                let (record, after) = rest.split_at(u32_at(rest, 4) as usize);
                rest = after;
                times.push(u64_at(record, 8));
                assert_eq!(u32_at(record, 16), process::id());
                let (address, size) = (u64_at(record, 24), u64_at(record, 40));
                assert_eq!(address, u64_at(record, 32));
                let index = u64_at(record, 48);
                let end = 56 + record[56..].iter().position(|byte| *byte == 0).unwrap();
                let name = String::from_utf8(record[56..end].to_vec()).unwrap();
                let start = (address - code.base()) as usize;
                assert_eq!(
                    record[end + 1..],
                    code.bytes()[start..start + size as usize]
                );
                assert_eq!(found.insert(index, (name, address, size)), None);
            }
            // The times are from the monotonic clock, not the time of day. (Uptime also counts the time asleep.)
            assert!(times.is_sorted());
            assert!(times.iter().all(|time| *time <= uptime() + 1_000_000_000));
            let once = functions(&gdb::object(description).unwrap());
            assert_eq!(
                found.into_values().collect::<Vec<_>>(),
                [once.clone(), once].concat()
            );
        });
    }

    #[test]
    fn other_code_is_not_dumped() {
        let directory = tempfile::tempdir().unwrap();
        describe(LINUX[1].0, Detail::Uops, |description, _| {
            describe(LINUX[1].0, Detail::Uops, |_, other| {
                let mut dump = JitDump::create(directory.path()).unwrap();
                let error = dump.add(description, other).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert_eq!(std::fs::read(dump.path()).unwrap().len(), 40);
            });
        });
    }
}
