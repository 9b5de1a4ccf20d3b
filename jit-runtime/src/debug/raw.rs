//! What tools outside of this process look for: two symbols for debuggers, and a mapping for perf. All
//! `unsafe` code for them is here.

/// The list of objects that debuggers read. Its links are made from what [`ENTRIES`] owns: only the
/// debugger follows the pointers.
#[cfg(feature = "gdb")]
pub(super) mod list {
    use std::{
        collections::BTreeMap,
        ptr,
        sync::{
            Mutex, MutexGuard, PoisonError,
            atomic::{AtomicPtr, AtomicU32, Ordering},
        },
    };

    const NO_ACTION: u32 = 0;
    const REGISTER: u32 = 1;
    const UNREGISTER: u32 = 2;

    /// `struct jit_code_entry`. Atomics have the layout of their contents; they can be written through a
    /// shared reference.
    #[repr(C)]
    struct Entry {
        next: AtomicPtr<Entry>,
        previous: AtomicPtr<Entry>,
        object: AtomicPtr<u8>,
        object_size: u64,
        /// The bytes that `object` points to.
        _bytes: Box<[u8]>,
    }

    /// `struct jit_descriptor`.
    #[repr(C)]
    struct Descriptor {
        version: u32,
        action: AtomicU32,
        relevant: AtomicPtr<Entry>,
        first: AtomicPtr<Entry>,
    }

    /// The objects, numbered in the order in which they were added. The debugger's list has that order.
    struct Entries {
        last: u64,
        by_number: BTreeMap<u64, Box<Entry>>,
    }

    static ENTRIES: Mutex<Entries> = Mutex::new(Entries {
        last: 0,
        by_number: BTreeMap::new(),
    });

    // SAFETY: debuggers look for this name, and nothing else in a program may have it, which the
    // documentation of `gdb` demands. It has the layout that debuggers expect.
    #[unsafe(no_mangle)]
    static __jit_debug_descriptor: Descriptor = Descriptor {
        version: 1,
        action: AtomicU32::new(NO_ACTION),
        relevant: AtomicPtr::new(ptr::null_mut()),
        first: AtomicPtr::new(ptr::null_mut()),
    };

    /// The function on which the debugger has a breakpoint. It must not be inlined.
    // SAFETY: as above; it takes no arguments and does nothing.
    #[unsafe(no_mangle)]
    #[inline(never)]
    extern "C" fn __jit_debug_register_code() {
        std::hint::black_box(&__jit_debug_descriptor);
    }

    fn entries() -> MutexGuard<'static, Entries> {
        // Nothing that is done under the lock can panic and leave the list half changed.
        ENTRIES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pointer(entry: Option<&Entry>) -> *mut Entry {
        entry.map_or(ptr::null_mut(), |entry| ptr::from_ref(entry).cast_mut())
    }

    impl Entries {
        fn before(&self, number: u64) -> Option<&Entry> {
            let (_, entry) = self.by_number.range(..number).next_back()?;
            Some(entry)
        }

        fn after(&self, number: u64) -> Option<&Entry> {
            let (_, entry) = self
                .by_number
                .range(number..)
                .find(|(n, _)| **n != number)?;
            Some(entry)
        }

        /// Links two entries of the list to each other; `None` is its start or its end.
        fn connect(previous: Option<&Entry>, next: Option<&Entry>) {
            let link = previous.map_or(&__jit_debug_descriptor.first, |entry| &entry.next);
            link.store(pointer(next), Ordering::Release);
            if let Some(next) = next {
                next.previous.store(pointer(previous), Ordering::Release);
            }
        }
    }

    /// Notifies the debugger.
    fn notify(action: u32, entry: &Entry) {
        let descriptor = &__jit_debug_descriptor;
        descriptor
            .relevant
            .store(pointer(Some(entry)), Ordering::Release);
        descriptor.action.store(action, Ordering::Release);
        __jit_debug_register_code();
        // A debugger that attaches later must not read the entry, which may be gone then.
        descriptor.action.store(NO_ACTION, Ordering::Release);
        descriptor
            .relevant
            .store(ptr::null_mut(), Ordering::Release);
    }

    /// Appends an object to the list and returns its number.
    pub(in super::super) fn add(bytes: Box<[u8]>) -> u64 {
        let entry = Box::new(Entry {
            next: AtomicPtr::new(ptr::null_mut()),
            previous: AtomicPtr::new(ptr::null_mut()),
            object: AtomicPtr::new(bytes.as_ptr().cast_mut()),
            object_size: bytes.len() as u64,
            _bytes: bytes,
        });
        let mut entries = entries();
        entries.last += 1;
        let number = entries.last;
        entries.by_number.insert(number, entry);
        if let Some(entry) = entries.by_number.get(&number) {
            Entries::connect(entries.before(number), Some(entry));
            notify(REGISTER, entry);
        }
        number
    }

    /// Removes the object with that number from the list, and frees it.
    pub(in super::super) fn remove(number: u64) {
        let mut entries = entries();
        if let Some(entry) = entries.by_number.get(&number) {
            Entries::connect(entries.before(number), entries.after(number));
            notify(UNREGISTER, entry);
        }
        entries.by_number.remove(&number);
    }
}

/// A page of a file, mapped so that perf notes the mapping.
#[cfg(all(feature = "perf", target_os = "linux"))]
pub(super) mod marker {
    use std::{fs::File, io, ptr};

    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

    /// A mapping of a file's first page, which this process never reads.
    #[derive(Debug)]
    pub(in super::super) struct Marker {
        /// Its address, as an integer because nothing is read through it.
        start: usize,
        size: usize,
    }

    impl Marker {
        /// Maps the page as executable: perf records no other mappings.
        pub(in super::super) fn new(file: &File) -> io::Result<Marker> {
            let size = rustix::param::page_size();
            let protection = ProtFlags::READ | ProtFlags::EXEC;
            // SAFETY: a new mapping, wherever there is room, that no reference is ever made to.
            let start = unsafe {
                mmap(
                    ptr::null_mut(),
                    size,
                    protection,
                    MapFlags::PRIVATE,
                    file,
                    0,
                )
            }?;
            Ok(Marker {
                start: start.expose_provenance(),
                size,
            })
        }
    }

    impl Drop for Marker {
        fn drop(&mut self) {
            // SAFETY: mapped in `new`, and unmapped nowhere else. A failure would leave it mapped,
            // which does no harm.
            let _ = unsafe { munmap(ptr::with_exposed_provenance_mut(self.start), self.size) };
        }
    }
}
