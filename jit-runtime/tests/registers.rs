//! Registers for values: what programs get on the whole is tested by `fixtures/functions`, which runs them.

use jit_runtime::registers::{Allocator, Class, RegisterError, Step};
use jit_stencils::Location;

#[test]
fn wrong_programs_are_refused() {
    let mut allocator = Allocator::new(2, 2);
    let classes = [Class::Reg; 3];
    let reads = [
        Step::default(),
        Step {
            reads: &[2, 3],
            ..Step::default()
        },
    ];
    let error = RegisterError::Value {
        step: 1,
        value: 3,
        values: 3,
    };
    assert_eq!(allocator.allocate(&reads, &classes), Err(error));
    let writes = [Step {
        writes: &[u32::MAX],
        ..Step::default()
    }];
    let error = RegisterError::Value {
        step: 0,
        value: u32::MAX,
        values: 3,
    };
    assert_eq!(allocator.allocate(&writes, &classes), Err(error));
    let goes = [Step {
        targets: &[0, 1],
        ..Step::default()
    }];
    let error = RegisterError::Target {
        step: 0,
        target: 1,
        steps: 1,
    };
    assert_eq!(allocator.allocate(&goes, &classes), Err(error));
    assert_eq!(allocator.allocate(&[], &[]), Ok(&[][..]));
}

/// What is used after a call is in a register that the call keeps, and doubles are in the frame.
#[test]
fn calls_keep_what_is_used_afterwards() {
    let program = [
        Step {
            writes: &[0],
            ..Step::default()
        },
        Step {
            writes: &[1],
            ..Step::default()
        },
        Step {
            writes: &[2],
            ..Step::default()
        },
        Step {
            writes: &[3],
            ..Step::default()
        },
        Step {
            reads: &[1],
            writes: &[4],
            keeps: Some(1),
            ..Step::default()
        },
        Step {
            reads: &[0, 2, 3, 4],
            leaves: true,
            ..Step::default()
        },
    ];
    let classes = [Class::Reg, Class::Reg, Class::Reg, Class::Vec, Class::Reg];
    let mut allocator = Allocator::new(6, 4);
    let found = allocator.allocate(&program, &classes).unwrap();
    let [a, argument, b, double, result] = found else {
        panic!("{found:?}")
    };
    let mut kept = [*a, *b];
    kept.sort();
    assert_eq!(kept, [Location::Reg(0), Location::Mem]);
    assert_eq!(*double, Location::Mem);
    assert!(matches!(argument, Location::Reg(1..)), "{found:?}");
    assert!(matches!(result, Location::Reg(1..)), "{found:?}");
}

/// A value that is written in a loop under a condition only is needed in all of it.
#[test]
fn values_of_the_last_round_stay() {
    let program = [
        Step {
            writes: &[0],
            ..Step::default()
        },
        // The loop.
        Step {
            targets: &[3],
            ..Step::default()
        },
        Step {
            writes: &[0],
            ..Step::default()
        },
        Step {
            reads: &[0],
            ..Step::default()
        },
        Step {
            writes: &[1],
            ..Step::default()
        },
        Step {
            reads: &[1],
            targets: &[1],
            ..Step::default()
        },
        Step {
            leaves: true,
            ..Step::default()
        },
    ];
    let mut allocator = Allocator::new(4, 0);
    let found = allocator.allocate(&program, &[Class::Reg; 2]).unwrap();
    assert_ne!(found[0], found[1]);
}
