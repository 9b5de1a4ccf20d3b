//! The addresses that are in use in this process: `/proc/self/maps`.

use super::super::near::{Grows, Taken};
use std::ops::Range;

/// Returns what is in use, in ascending order, or none if the system does not say.
pub(super) fn taken() -> Option<Vec<Taken>> {
    parse(&std::fs::read("/proc/self/maps").ok()?)
}

/// Reads the text of that file: a line for each mapping, as proc_pid_maps(5) describes them.
fn parse(text: &[u8]) -> Option<Vec<Taken>> {
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            Some(Taken {
                range: range(line)?,
                grows: grows(line),
            })
        })
        .collect()
}

/// Reads the addresses at the start of a line, in hexadecimal: `START-END `.
fn range(line: &[u8]) -> Option<Range<usize>> {
    let addresses = line.split(|byte| *byte == b' ').next()?;
    let (start, end) = std::str::from_utf8(addresses).ok()?.split_once('-')?;
    let number = |digits| usize::from_str_radix(digits, 16).ok();
    let range = number(start)?..number(end)?;
    (range.start <= range.end).then_some(range)
}

/// Tells by the name at the end of a line whether a mapping grows. A file's name begins with a slash.
fn grows(line: &[u8]) -> Grows {
    if line.ends_with(b" [heap]") {
        Grows::Up
    } else if line.ends_with(b" [stack]") {
        Grows::Down
    } else {
        Grows::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of a process, of its kernel's page for system calls, and of a file with an odd name.
    const TEXT: &[u8] = b"\
5555dc0b8000-5555dc0bd000 r-xp 00002000 fd:00 1048602                    /usr/bin/cat\n\
5555dc0c1000-5555dc0c2000 rw-p 0000a000 fd:00 1048602                    /tmp/ [heap]\n\
5555fc5b1000-5555fc5d2000 rw-p 00000000 00:00 0                          [heap]\n\
7f6a3c000000-7f6a3c021000 rw-p 00000000 00:00 0 \n\
7f6a3c021000-7f6a3c022000 rw-p 00000000 fd:00 1                          /tmp/\xff\\012[stack]\n\
7ffd5e2d1000-7ffd5e2f2000 rw-p 00000000 00:00 0                          [stack]\n\
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn lines_of_maps() {
        let expected = [
            (0x5555_dc0b_8000..0x5555_dc0b_d000, Grows::No),
            // A file is taken for a heap because of its name: there is less room then.
            (0x5555_dc0c_1000..0x5555_dc0c_2000, Grows::Up),
            (0x5555_fc5b_1000..0x5555_fc5d_2000, Grows::Up),
            (0x7f6a_3c00_0000..0x7f6a_3c02_1000, Grows::No),
            (0x7f6a_3c02_1000..0x7f6a_3c02_2000, Grows::No),
            (0x7ffd_5e2d_1000..0x7ffd_5e2f_2000, Grows::Down),
            (0xffff_ffff_ff60_0000..0xffff_ffff_ff60_1000, Grows::No),
        ];
        let expected = expected.map(|(range, grows)| Taken { range, grows });
        assert_eq!(parse(TEXT).unwrap(), expected);
    }

    #[test]
    fn text_that_is_not_maps() {
        assert_eq!(parse(b""), Some(vec![]));
        for text in [
            "x",
            "1000 r-xp",
            "1000-g000 r-xp",
            "-1000 r-xp",
            "2000-1000 r-xp",
            "10000000000000000-20000000000000000 r-xp",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    /// This process's own mappings: they have what this test knows to be there, and are in order.
    #[test]
    fn this_process() {
        let taken = taken().unwrap();
        assert!(taken.is_sorted_by(|one, two| one.range.end <= two.range.start));
        let heap = Box::new(1_u8);
        let places = [
            this_process as fn() as usize,
            (&raw const *heap).addr(),
            TEXT.as_ptr().addr(),
        ];
        for place in places {
            assert!(taken.iter().any(|taken| taken.range.contains(&place)));
        }
        let stack = taken.iter().filter(|taken| taken.grows == Grows::Down);
        assert_eq!(stack.count(), 1);
    }
}
