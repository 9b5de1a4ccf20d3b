//! Reads untrusted bytes one after the other.

/// A problem and the offset in the file where it is.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) problem: String,
}

/// The rest of a file.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// The offset of the rest in the file.
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Returns a reader of `bytes` from `offset` on.
    pub(super) fn new(bytes: &'a [u8], offset: usize) -> Reader<'a> {
        Reader {
            rest: bytes.get(offset..).unwrap_or_default(),
            offset,
        }
    }

    /// Returns the offset of the next byte in the file.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the number of bytes that are left.
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// Returns a fault at the next byte.
    pub(super) fn fault(&self, problem: impl Into<String>) -> Fault {
        fault(self.offset, problem)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        match self.rest.split_first() {
            Some((byte, rest)) => {
                self.rest = rest;
                self.offset += 1;
                Ok(*byte)
            }
            None => Err(self.fault("the file ends here")),
        }
    }

    /// Reads a number, and then that many bytes.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.offset;
        let length = self.unsigned()?;
        let parts = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length));
        match parts {
            Some((bytes, rest)) => {
                self.rest = rest;
                self.offset += bytes.len();
                Ok(bytes)
            }
            None => Err(fault(
                start,
                format!("it has {length} bytes, but {} are left", self.rest.len()),
            )),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        let bytes = self.bytes()?;
        let start = self.offset - bytes.len();
        std::str::from_utf8(bytes).map_err(|error| fault(start, format!("not UTF-8: {error}")))
    }

    /// Reads the number of items that follow, each of which is at least `size` bytes long.
    pub(super) fn count(&mut self, size: usize) -> Result<usize, Fault> {
        let start = self.offset;
        let count = self.unsigned()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.rest.len() / size)
            .ok_or_else(|| {
                let left = self.rest.len();
                fault(
                    start,
                    format!("{count} do not fit into the {left} bytes left"),
                )
            })
    }

    pub(super) fn flag(&mut self) -> Result<bool, Fault> {
        let start = self.offset;
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(fault(start, format!("must be 0 or 1, not {other}"))),
        }
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, Fault> {
        let start = self.offset;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(fault(start, "a number of more than 64 bits"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                // Otherwise there would be several ways to write one number.
                if byte == 0 && shift > 0 {
                    return Err(fault(start, "a number with a needless last byte"));
                }
                return Ok(value);
            }
        }
        Err(fault(start, "a number of more than ten bytes"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Fault> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads the DWARF number of a register.
    pub(super) fn register(&mut self) -> Result<u16, Fault> {
        let start = self.offset;
        let number = self.unsigned()?;
        u16::try_from(number).map_err(|_| fault(start, format!("there is no register {number}")))
    }
}

/// Returns a fault at that offset of the file.
pub(super) fn fault(offset: usize, problem: impl Into<String>) -> Fault {
    Fault {
        offset,
        problem: problem.into(),
    }
}
