//! Members of families, found by where their operands are.

use std::{hint::black_box, time::Instant};

use jit_runtime::{StencilError, Stencils};
use jit_schema::Target;
use jit_stencils::{Family, FamilyOperand, Location, Stencil, StencilGroup, StencilSet, file};

/// The choices of three operands.
const CHOICES: [&[Location]; 3] = [
    &[Location::Reg(0), Location::Reg(1), Location::Mem],
    &[Location::Mem, Location::Vec(5)],
    &[
        Location::Imm,
        Location::Reg(3),
        Location::Reg(1),
        Location::Mem,
        Location::Vec(0),
    ],
];

/// A set with a stencil for each member, whose code is the number of the member, in another order.
fn set() -> StencilSet {
    let size = CHOICES.iter().map(|choices| choices.len()).product();
    // 7 has no factor in common with the number of members.
    let order = (0..size).map(|member| member * 7 % size);
    let mut groups = vec![(String::new(), StencilGroup::default()); size];
    let mut members = Vec::new();
    for (member, index) in order.enumerate() {
        let code = Stencil {
            body: vec![0x90; member + 1],
            holes: vec![],
        };
        let group = StencilGroup {
            code,
            ..StencilGroup::default()
        };
        groups[index] = (format!("m{member}"), group);
        members.push(index as u32);
    }
    let operands = CHOICES
        .iter()
        .zip(["to", "a", "b"])
        .map(|(choices, name)| FamilyOperand {
            name: name.to_owned(),
            choices: choices.to_vec(),
        });
    StencilSet {
        target: *Target::from_triple("x86_64-unknown-linux-gnu").unwrap(),
        groups,
        symbols: vec![],
        shim: None,
        families: vec![Family {
            name: "op".to_owned(),
            operands: operands.collect(),
            members,
        }],
    }
}

#[test]
fn each_choice_has_its_member() {
    let stencils = Stencils::load(&file::encode(&set())).unwrap();
    let family = stencils.family("op").unwrap();
    assert!(stencils.family("m0").is_none());
    assert_eq!(
        (family.name(), family.len(), family.is_empty()),
        ("op", 30, false)
    );
    let mut number = 0;
    for to in 0..3 {
        for a in 0..2 {
            for b in 0..5 {
                let choices = [to, a, b];
                let opcode = family.member(&choices).unwrap();
                assert_eq!(family.index(&choices), Some(number));
                assert_eq!(family.at(number), Some(opcode));
                assert_eq!(stencils.name(opcode), Some(format!("m{number}").as_str()));
                for (operand, choice) in choices.into_iter().enumerate() {
                    let location = CHOICES[operand][choice as usize];
                    assert_eq!(
                        family.operands()[operand].choices[choice as usize],
                        location
                    );
                    assert_eq!(family.choice(operand, location), Some(choice));
                }
                number += 1;
            }
        }
    }
    // No choice of one operand is taken for one of another.
    for wrong in [
        &[0, 0, 5][..],
        &[0, 2, 0],
        &[3, 0, 0],
        &[0, 0],
        &[0, 0, 0, 0],
        &[u32::MAX; 3],
    ] {
        assert_eq!(family.index(wrong), None, "{wrong:?}");
    }
    assert_eq!(family.member(&[0, 0]), None);
    assert_eq!(family.member(&[0, 2, 0]), None);
    assert_eq!(family.at(30), None);
    assert_eq!(family.choice(0, Location::Imm), None);
    assert_eq!(family.choice(3, Location::Mem), None);
}

#[test]
fn families_without_all_members_are_refused() {
    type Change = fn(&mut Family);
    let changes: [Change; 3] = [
        |family| family.members.truncate(29),
        |family| family.members[4] = 30,
        |family| drop(family.operands.pop()),
    ];
    for change in changes {
        let mut set = set();
        change(&mut set.families[0]);
        let error = Stencils::new(&set).unwrap_err();
        assert!(
            matches!(&error, StencilError::Family { name } if name == "op"),
            "{error}"
        );
    }
}

/// Prints how long it takes to find a member: `cargo test --release -p jit-runtime --test family -- --ignored --nocapture`.
#[test]
#[ignore = "prints times"]
fn time_of_a_member() {
    const ROUNDS: u32 = 100_000_000;
    let stencils = Stencils::new(&set()).unwrap();
    let family = stencils.family("op").unwrap();
    let choices = black_box([[0, 0, 0], [2, 1, 4], [1, 0, 3], [0, 1, 2]]);
    let print = |name: &str, find: &dyn Fn(usize) -> Option<u32>| {
        let start = Instant::now();
        let mut sum = 0_u32;
        for round in 0..ROUNDS as usize {
            sum = sum.wrapping_add(find(round).unwrap());
        }
        let time = start.elapsed().as_nanos() as f64 / f64::from(ROUNDS);
        println!("{name}: {time:.2} ns ({})", black_box(sum));
    };
    print("nothing", &|round| Some(choices[round % 4][0]));
    print("at", &|round| family.at(choices[round % 4][2] as usize));
    print("member", &|round| family.member(&choices[round % 4]));
}
