//! Ways out of a trace that can be redirected.

use std::sync::atomic::{AtomicU64, Ordering};

/// A way out of traces that can be redirected at any time, also while threads execute them: a word of memory with
/// the address of the code to go to.
///
/// The code of a trace cannot be changed once it is executable. A stencil that is an exit goes where this word says
/// instead, and gets the word's [`address`](Exit::address) as an operand:
///
/// ```c
/// extern step *_JIT_OPERAND_0;                    // a pointer, which is loaded each time
/// __attribute__((musttail)) return _JIT_OPERAND_0(state);
/// ```
///
/// At first it leads to code that returns to the host, for example, which compiles the trace that comes next, and then
/// redirects the exit to that trace. The word is written as a whole, so that each thread goes to the former place
/// or to the new one. A trace that was [published](super::Writable::publish) can be gone to by all threads: nothing has
/// to be flushed for it.
///
/// An exit does not keep the code alive that it leads to. Before that is dropped, redirect the exit, and wait until no
/// thread can be in that code; before the exit is dropped, see that no trace is executed that goes through it.
///
/// ```
/// use jit_runtime::memory::Exit;
///
/// let exit = Exit::new(0x1000);
/// let operands = [exit.address()]; // of the instruction that leaves the trace
/// # let _ = operands;
/// exit.redirect(0x2000);
/// assert_eq!(exit.leads_to(), 0x2000);
/// ```
#[derive(Debug)]
pub struct Exit {
    /// On the heap, so that its address stays.
    to: Box<AtomicU64>,
}

impl Exit {
    /// Returns an exit that leads to the code at an address.
    pub fn new(to: u64) -> Exit {
        Exit {
            to: Box::new(AtomicU64::new(to)),
        }
    }

    /// Returns the address of the word, as long as the exit is alive.
    pub fn address(&self) -> u64 {
        self.to.as_ptr().addr() as u64
    }

    /// Redirects the exit to the code at another address, for all threads.
    ///
    /// This is a number to Rust. Where it leads to is up to who calls the code with
    /// [`Executable::entry`](super::Executable::entry), as for all of the code.
    pub fn redirect(&self, to: u64) {
        // Whoever reads the new address finds the code there, too.
        self.to.store(to, Ordering::SeqCst);
    }

    /// Returns the address of the code that the exit leads to.
    pub fn leads_to(&self) -> u64 {
        self.to.load(Ordering::SeqCst)
    }
}
