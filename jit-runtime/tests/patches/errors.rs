//! Tests each error of layouts and linking, and the last case that is not yet an error.

use jit_runtime::{LayoutPolicy, LinkError, Linker, Stencils, Symbols, Uop};
use jit_stencils::{CodeEnd, HoleValue, Part, PatchKind, PatchValue, StencilGroup};

use crate::{
    linked::{link, pattern},
    make::{
        AARCH64, GUARD, I686, X86_64, based, code, hole, set, slot, symbol, target, uop, with_got,
        with_trampolines, words,
    },
};

const TIGHT: LayoutPolicy = LayoutPolicy::Tight;
const LINUX: &str = X86_64[2];

fn nothing() -> StencilGroup {
    code(vec![0x90; 8], vec![])
}

fn stencils(triple: &str, groups: Vec<(&str, StencilGroup)>, symbols: &[&str]) -> Stencils {
    Stencils::new(&set(target(triple), groups, symbols)).unwrap()
}

#[test]
fn unknown_opcodes() {
    let stencils = stencils(LINUX, vec![("_A", nothing()), ("_B", nothing())], &[]);
    for opcode in [2, 3, u32::MAX] {
        let mut trace = vec![uop(&stencils, "_B"); 3];
        trace.push(Uop {
            opcode,
            ..Uop::default()
        });
        trace.push(uop(&stencils, "_A"));
        let error = Linker::new(&stencils, TIGHT).layout(&trace).unwrap_err();
        let expected = LinkError::UnknownOpcode {
            index: 3,
            opcode,
            known: 2,
        };
        assert_eq!(error, expected);
    }
}

/// What comes last decides: the last micro-op, or the guard after it.
#[test]
fn traces_that_run_off_their_end() {
    let ending = |end| StencilGroup { end, ..nothing() };
    let groups = || {
        vec![
            ("_ON", ending(CodeEnd::FallsThrough)),
            ("_OUT", ending(CodeEnd::Leaves)),
            ("_UNKNOWN", ending(CodeEnd::Unknown)),
        ]
    };
    let with = |guard: Option<CodeEnd>| {
        let guard = guard.map(|end| (GUARD, ending(end)));
        stencils(LINUX, groups().into_iter().chain(guard).collect(), &[])
    };
    let run = |stencils: &Stencils, names: &[&str]| {
        let trace: Vec<Uop> = names.iter().map(|name| uop(stencils, name)).collect();
        link(stencils, TIGHT, &trace, 0x1_0000, &[]).map(|_| ())
    };
    let bare = with(None);
    for names in [&["_ON", "_OUT"][..], &["_OUT"], &["_ON", "_UNKNOWN"]] {
        assert_eq!(run(&bare, names), Ok(()), "{names:?}");
    }
    for names in [&["_ON"][..], &["_ON", "_ON"], &["_OUT", "_UNKNOWN", "_ON"]] {
        let error = run(&bare, names).unwrap_err();
        let expected = LinkError::RunsOffEnd {
            index: Some(names.len() - 1),
            uop: "_ON".into(),
        };
        assert_eq!(error, expected);
        let place = format!("micro-op {}, _ON: control can go on", names.len() - 1);
        assert!(error.to_string().starts_with(&place), "{error}");
        for guard in [CodeEnd::Leaves, CodeEnd::Unknown] {
            let guarded = with(Some(guard));
            assert_eq!(run(&guarded, names), Ok(()));
            let without = guarded.with_guard(None).unwrap();
            assert_eq!(run(&without, names), Err(expected.clone()));
        }
        let error = run(&with(Some(CodeEnd::FallsThrough)), names).unwrap_err();
        let expected = LinkError::RunsOffEnd {
            index: None,
            uop: GUARD.into(),
        };
        assert_eq!(error, expected);
    }
}

/// An empty trace has only the guard's code.
#[test]
fn empty_traces() {
    let group = |name| {
        (
            name,
            StencilGroup {
                end: CodeEnd::Leaves,
                ..nothing()
            },
        )
    };
    let guarded = stencils(LINUX, vec![group("_OUT"), group(GUARD)], &[]);
    for policy in [TIGHT, LayoutPolicy::CPython { page_size: 4096 }] {
        let image = link(&guarded, policy, &[], 0x1_0000, &[]);
        assert!(image.is_ok(), "{image:?}");
        let bare = stencils(LINUX, vec![group("_OUT")], &[]);
        let error = link(&bare, policy, &[], 0x1_0000, &[]).map(|_| ());
        assert_eq!(error, Err(LinkError::Empty));
    }
    let without = guarded.with_guard(None).unwrap();
    let error = link(&without, TIGHT, &[], 0x1_0000, &[]).map(|_| ());
    assert_eq!(error, Err(LinkError::Empty));
}

#[test]
fn long_traces() {
    // The micro-ops have no code: otherwise the image would be too large before the trace is too long.
    let stencils = stencils(LINUX, vec![("_A", StencilGroup::default())], &[]);
    let linker = Linker::new(&stencils, TIGHT);
    let trace = vec![uop(&stencils, "_A"); 1 << 16];
    assert!(linker.layout(&trace[..65_535]).is_ok());
    let expected = LinkError::TooLong {
        length: 65_536,
        limit: 65_535,
    };
    assert_eq!(linker.layout(&trace).unwrap_err(), expected);
}

#[test]
fn page_sizes_that_do_not_exist() {
    let stencils = stencils(LINUX, vec![("_A", nothing())], &[]);
    let trace = [uop(&stencils, "_A")];
    for page_size in [0, 3, 4095, 4097, 6144, usize::MAX] {
        let linker = Linker::new(&stencils, LayoutPolicy::CPython { page_size });
        let error = linker.layout(&trace).unwrap_err();
        assert_eq!(error, LinkError::PageSize { page_size });
    }
    let huge = LayoutPolicy::CPython {
        page_size: 1 << (usize::BITS - 1),
    };
    let error = Linker::new(&stencils, huge).layout(&trace).unwrap_err();
    assert!(matches!(error, LinkError::TooBig { .. }), "{error}");
}

/// Tests a jump of each kind on each architecture.
#[test]
fn jumps_out_of_the_trace() {
    let of = |triple: &str, base: HoleValue| match triple {
        _ if triple.starts_with("aarch64") => code(
            words(&[0x1400_0000]),
            vec![hole(0, PatchKind::Aarch64_26r, based(base, 0))],
        ),
        _ => code(
            vec![0xe9, 0, 0, 0, 0],
            vec![hole(1, PatchKind::Patch32r, based(base, -4))],
        ),
    };
    for triple in [AARCH64[0], I686, LINUX] {
        let groups = vec![
            ("_JUMP", of(triple, HoleValue::JumpTarget)),
            ("_ERROR", of(triple, HoleValue::ErrorTarget)),
            ("_OTHER", nothing()),
            // A jump to the guard is an error.
            (GUARD, nothing()),
        ];
        let stencils = stencils(triple, groups, &[]);
        let names = ["_JUMP", "_ERROR", "_OTHER"];
        for (name, value) in names.into_iter().zip([
            Some(HoleValue::JumpTarget),
            Some(HoleValue::ErrorTarget),
            None,
        ]) {
            for target in [0, 2, 3, 4, u16::MAX] {
                // A target that the stencil does not use can have any value.
                let [jump_target, error_target] = match value {
                    Some(HoleValue::JumpTarget) => [target, u16::MAX],
                    Some(_) => [u16::MAX, target],
                    None => [target; 2],
                };
                let other = Uop {
                    jump_target: 9,
                    error_target: 9,
                    ..uop(&stencils, "_OTHER")
                };
                let spot = Uop {
                    jump_target,
                    error_target,
                    ..uop(&stencils, name)
                };
                let trace = [other, spot, other];
                let linked = link(&stencils, TIGHT, &trace, 0x1000, &[]).map(|_| ());
                let expected = match value {
                    Some(value) if target >= 3 => Err(LinkError::JumpOutside {
                        index: 1,
                        uop: name.into(),
                        value,
                        target: target.into(),
                        length: 3,
                    }),
                    _ => Ok(()),
                };
                assert_eq!(linked, expected, "{triple} {name} {target}");
            }
        }
    }
}

/// Returns micro-ops that each use a symbol in a different way, with the expected contents of the error.
fn needy() -> Vec<(
    &'static str,
    StencilGroup,
    &'static str,
    Part,
    usize,
    PatchKind,
)> {
    let got = with_got(
        code(
            vec![0x90, 0xff, 0x15, 0, 0, 0, 0],
            vec![hole(3, PatchKind::X86_64_32rx, slot(0, -4))],
        ),
        &[0],
    );
    let trampoline = with_trampolines(
        code(
            vec![0xe8, 0, 0, 0, 0],
            vec![hole(
                1,
                PatchKind::X86_64Trampoline,
                PatchValue::Symbol { ordinal: 1 },
            )],
        ),
        &[1],
    );
    let direct = code(
        vec![0x90, 0x90, 0xe8, 0, 0, 0, 0],
        vec![hole(3, PatchKind::Patch32r, symbol("direct", -4))],
    );
    let mut data = nothing();
    data.data.body = vec![0; 16];
    data.data.holes = vec![hole(8, PatchKind::Patch64, symbol("data", 0))];
    vec![
        ("_GOT", got, "got", Part::Code, 3, PatchKind::X86_64_32rx),
        (
            "_TRAMPOLINE",
            trampoline,
            "trampoline",
            Part::Code,
            1,
            PatchKind::X86_64Trampoline,
        ),
        (
            "_DIRECT",
            direct,
            "direct",
            Part::Code,
            3,
            PatchKind::Patch32r,
        ),
        ("_DATA", data, "data", Part::Data, 8, PatchKind::Patch64),
    ]
}

const NUMBERED: [&str; 2] = ["got", "trampoline"];
const NEEDED: [&str; 4] = ["got", "trampoline", "direct", "data"];

fn all_but(missing: &str) -> Vec<(&'static str, u64)> {
    let known = NEEDED.into_iter().filter(|name| *name != missing);
    known.map(|name| (name, 0x1_2000)).collect()
}

#[test]
fn unresolved_symbols() {
    let mut groups: Vec<_> = needy()
        .into_iter()
        .map(|(name, group, ..)| (name, group))
        .collect();
    groups.push(("_OTHER", nothing()));
    let stencils = stencils(X86_64[0], groups, &NUMBERED);
    for (name, _, missing, part, offset, kind) in needy() {
        let trace = [uop(&stencils, "_OTHER"), uop(&stencils, name)];
        let symbols = all_but(missing);
        let error = link(&stencils, TIGHT, &trace, 0x1_0000, &symbols).unwrap_err();
        let expected = LinkError::UnresolvedSymbol {
            index: Some(1),
            uop: name.into(),
            symbol: missing.into(),
            part,
            offset,
            kind,
        };
        assert_eq!(error, expected);
        // A trace without it does not need the symbol.
        let others = needy().into_iter().filter(|other| other.0 != name);
        let trace: Vec<_> = others.map(|other| uop(&stencils, other.0)).collect();
        link(&stencils, TIGHT, &trace, 0x1_0000, &symbols).unwrap();
    }
    let symbols = Symbols::new(&stencils, |name| (name != "direct").then_some(1));
    assert_eq!(symbols.missing(), ["direct"]);
}

/// Nobody finds them in the source.
#[test]
fn functions_that_compilers_call_by_themselves() {
    for (name, added) in [
        ("memcpy", true),
        ("__chkstk", true),
        ("_aulldiv", true),
        ("__udivti3", true),
        ("memory", false),
        ("alloc", false),
    ] {
        let group = code(
            vec![0; 8],
            vec![hole(0, PatchKind::Patch64, symbol(name, 0))],
        );
        let stencils = stencils(X86_64[0], vec![("_A", group)], &[]);
        let trace = [uop(&stencils, "_A")];
        let error = link(&stencils, TIGHT, &trace, 0x1000, &[]).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("_A needs {name}, ")), "{message}");
        assert_eq!(
            message.ends_with("(compilers call it even if the source does not mention it)"),
            added
        );
    }
}

/// 0 is a valid address of a symbol.
#[test]
fn symbols_at_0() {
    let groups = needy().into_iter().map(|(name, group, ..)| (name, group));
    let stencils = stencils(X86_64[0], groups.collect(), &NUMBERED);
    let trace: Vec<_> = needy()
        .iter()
        .map(|(name, ..)| uop(&stencils, name))
        .collect();
    let symbols = NEEDED.map(|name| (name, 0));
    link(&stencils, TIGHT, &trace, 0x1_0000, &symbols).unwrap();
}

#[test]
fn unresolved_symbols_of_the_guard() {
    for (_, guard, missing, part, offset, kind) in needy() {
        let stencils = stencils(
            X86_64[0],
            vec![(GUARD, guard), ("_OTHER", nothing())],
            &NUMBERED,
        );
        let trace = [uop(&stencils, "_OTHER"); 2];
        let error = link(&stencils, TIGHT, &trace, 0x1_0000, &all_but(missing)).unwrap_err();
        let expected = LinkError::UnresolvedSymbol {
            index: None,
            uop: GUARD.into(),
            symbol: missing.into(),
            part,
            offset,
            kind,
        };
        assert_eq!(error, expected);
        // Without a guard, the symbol is not needed.
        let stencils = stencils.with_guard(None).unwrap();
        link(&stencils, TIGHT, &trace, 0x1_0000, &all_but(missing)).unwrap();
    }
}

/// If a value of the guard's holes does not fit, the error names no micro-op of the trace.
#[test]
fn values_of_the_guard() {
    let guard = || {
        code(
            vec![0xe8, 0, 0, 0, 0],
            vec![hole(1, PatchKind::Patch32r, symbol("there", -4))],
        )
    };
    let far = stencils(LINUX, vec![("_A", nothing()), (GUARD, guard())], &[]);
    let trace = [uop(&far, "_A"); 2];
    let base = 0x7000_0000_0000;
    let error = link(&far, TIGHT, &trace, base, &[("there", 0x1004)]).unwrap_err();
    let expected = LinkError::OutOfRange {
        index: None,
        uop: GUARD.into(),
        part: Part::Code,
        offset: 1,
        kind: PatchKind::Patch32r,
        value: 0x1000,
        symbol: Some("there".into()),
        location: base + 17,
    };
    assert_eq!(error, expected);
    let advice = ": there is reached without the GOT, as are the functions that compilers call";
    assert!(error.to_string().contains(advice), "{error}");

    let guard = code(
        words(&[0xd503_201f, 0x9400_0000]),
        vec![hole(4, PatchKind::Aarch64_26r, symbol("there", 0))],
    );
    let odd = stencils(AARCH64[1], vec![("_A", nothing()), (GUARD, guard)], &[]);
    let trace = [uop(&odd, "_A"); 2];
    let error = link(&odd, TIGHT, &trace, base, &[("there", base + 2)]).unwrap_err();
    let expected = LinkError::Misaligned {
        index: None,
        uop: GUARD.into(),
        part: Part::Code,
        offset: 4,
        kind: PatchKind::Aarch64_26r,
        value: base + 2,
        location: base + 20,
    };
    assert_eq!(error, expected);
}

/// An error names the first of several micro-ops, and the right hole of it, whatever the order of the holes.
#[test]
fn the_uop_with_the_error() {
    let operand = |base| based(base, 0);
    let two = code(
        vec![0xbf, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0],
        vec![
            hole(6, PatchKind::Patch32r, operand(HoleValue::Operand1)),
            hole(1, PatchKind::Patch32, operand(HoleValue::Operand0)),
        ],
    );
    let stencils = stencils(LINUX, vec![("_TWO", two)], &[]);
    let fits = uop(&stencils, "_TWO");
    for (index, which) in [(0, 0), (1, 1), (2, 0)] {
        let mut trace = [fits; 3];
        trace[index].operand[which] = 0x1_2345_6789;
        if let Some(last) = trace.get_mut(index + 1) {
            last.operand = [u64::MAX; 2];
        }
        let error = link(&stencils, TIGHT, &trace, 0x1000, &[]).unwrap_err();
        let (offset, kind) = [(1, PatchKind::Patch32), (6, PatchKind::Patch32r)][which];
        let expected = LinkError::OutOfRange {
            index: Some(index),
            uop: "_TWO".into(),
            part: Part::Code,
            offset,
            kind,
            value: 0x1_2345_6789,
            symbol: None,
            location: 0x1000 + (10 * index + offset) as u64,
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn buffers_of_another_size() {
    let stencils = stencils(LINUX, vec![("_A", nothing())], &[]);
    let mut linker = Linker::new(&stencils, TIGHT);
    let trace = [uop(&stencils, "_A"); 3];
    let layout = linker.layout(&trace).unwrap();
    let symbols = Symbols::new(&stencils, |_| None);
    assert_eq!(layout.size(), 24);
    for length in [0, 23, 25, 48] {
        let mut out = pattern(length);
        let linked = linker.link(&layout, 0x1000, &symbols, &mut out);
        assert_eq!(linked, Err(LinkError::WrongBuffer { length, size: 24 }));
        assert_eq!(out, pattern(length));
    }
}

#[test]
fn images_past_the_end_of_the_address_space() {
    for (triple, last) in [
        // An image may end at the end of the 32-bit address space, and one byte before that of the 64-bit one.
        (I686, (1_u64 << 32) - 24),
        (LINUX, u64::MAX - 24),
        (AARCH64[0], u64::MAX - 24),
    ] {
        let stencils = stencils(triple, vec![("_A", nothing())], &[]);
        let trace = [uop(&stencils, "_A"); 3];
        link(&stencils, TIGHT, &trace, last, &[]).unwrap();
        for base in [last + 1, last + 23, u64::MAX] {
            let error = link(&stencils, TIGHT, &trace, base, &[]).unwrap_err();
            assert_eq!(error, LinkError::WrongBase { base, size: 24 });
        }
    }
}

#[test]
fn layouts_and_symbols_of_other_stencils() {
    let make = || stencils(LINUX, vec![("_A", nothing())], &[]);
    let (one, two) = (make(), make());
    let trace = [uop(&one, "_A")];
    let symbols = [&one, &two].map(|stencils| Symbols::new(stencils, |_| None));
    let mut linkers = [&one, &two].map(|stencils| Linker::new(stencils, TIGHT));
    let layouts = [0, 1].map(|index| linkers[index].layout(&trace).unwrap());
    let mut out = pattern(8);
    let mut try_link = |linker: usize, layout: usize, symbol: usize| {
        let linked = linkers[linker].link(&layouts[layout], 0x1000, &symbols[symbol], &mut out);
        if linked.is_err() {
            assert_eq!(out, pattern(8));
        } else {
            out = pattern(8);
        }
        linked
    };
    assert_eq!(try_link(0, 0, 0), Ok(()));
    assert_eq!(try_link(1, 1, 1), Ok(()));
    let layout = Err(LinkError::Mixed { what: "layout" });
    assert_eq!(try_link(0, 1, 0), layout);
    assert_eq!(try_link(1, 0, 1), layout);
    let symbols = Err(LinkError::Mixed { what: "symbols" });
    assert_eq!(try_link(0, 0, 1), symbols);
    assert_eq!(try_link(1, 1, 0), symbols);

    // The same stencils with another guard do not accept earlier layouts.
    let before = Linker::new(&one, TIGHT).layout(&trace).unwrap();
    let after = one.clone().with_guard(Some("_A")).unwrap();
    let known = Symbols::new(&after, |_| None);
    let linked = Linker::new(&after, TIGHT).link(&before, 0x1000, &known, &mut [0; 8]);
    assert_eq!(linked, Err(LinkError::Mixed { what: "layout" }));
}

/// An error does not affect what is linked afterwards.
#[test]
fn linkers_recover() {
    let far = code(
        vec![0xe8, 0, 0, 0, 0],
        vec![hole(1, PatchKind::Patch32r, based(HoleValue::Operand0, 0))],
    );
    let stencils = stencils(LINUX, vec![("_FAR", far), ("_A", nothing())], &[]);
    let symbols = Symbols::new(&stencils, |_| None);
    let mut linker = Linker::new(&stencils, TIGHT);
    let base = 0x7000_0000_0000;
    for operand in [0, base + 64, 1, base + 1024] {
        let spot = Uop {
            operand: [operand, 0],
            ..uop(&stencils, "_FAR")
        };
        let trace = [uop(&stencils, "_A"), spot, uop(&stencils, "_A")];
        let layout = linker.layout(&trace).unwrap();
        let mut out = pattern(layout.size());
        let linked = linker.link(&layout, base, &symbols, &mut out);
        assert_eq!(linked.is_ok(), operand >= base);
        if linked.is_err() {
            assert_eq!(out, pattern(layout.size()));
            continue;
        }
        let mut expected = vec![0x90; 24];
        expected[8] = 0xe8;
        let displacement = (operand - base) as u32 - 9;
        expected[9..13].copy_from_slice(&displacement.to_le_bytes());
        // 8 + 5 + 8 bytes, and none after them.
        expected[21..].fill(0);
        assert_eq!(out, expected);
    }
}
