//! A proxy between a build and a server, which does to connections what networks do to them.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// What happens to the bytes of one direction of a connection, from a random place on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The connection is closed.
    Close,
    /// Nothing comes any more, and nothing is closed.
    Silence,
    /// One bit of each part is another one.
    Flip,
    /// Each part takes as many milliseconds.
    Delay(u64),
}

/// A proxy. It ends with the test.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    seed: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Proxy {
    pub(crate) fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy {
            port: listener.local_addr().unwrap().port(),
            seed: Arc::default(),
            over: Arc::default(),
        };
        let (seed, over) = (Arc::clone(&proxy.seed), Arc::clone(&proxy.over));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let seed = seed.load(Ordering::Relaxed) * 1_000_003 + number as u64;
                connect(stream, to, fastrand::Rng::with_seed(seed));
            }
        });
        proxy
    }

    /// Sets what the faults of the next connections are made from.
    pub(crate) fn seed(&self, seed: u64) {
        self.seed.store(seed, Ordering::Relaxed);
    }
}

fn connect(client: TcpStream, to: u16, mut random: fastrand::Rng) {
    // Some are refused.
    if random.u8(..) < 24 {
        return;
    }
    let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
    let pairs = [(&client, &server), (&server, &client)];
    for (from, into) in pairs {
        let (from, into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
        let fault = match random.u8(..8) {
            0 => Fault::Close,
            1 if random.bool() => Fault::Silence,
            2 | 3 => Fault::Flip,
            4 => Fault::Delay(random.u64(1..200)),
            _ => Fault::None,
        };
        let random = random.fork();
        thread::spawn(move || pass_on(from, into, fault, random));
    }
}

fn pass_on(mut from: TcpStream, mut into: TcpStream, fault: Fault, mut random: fastrand::Rng) {
    // Most entries are short.
    let mut rest: usize = 1 << random.u8(..17);
    let mut part = vec![0; 1 << 14];
    loop {
        let length = match from.read(&mut part) {
            Ok(length) if length > 0 => length,
            _ => break,
        };
        let bytes = &mut part[..length];
        let begun = rest < length;
        rest = rest.saturating_sub(length);
        match fault {
            Fault::Close if begun => break,
            Fault::Silence if begun => continue,
            Fault::Flip if begun => bytes[random.usize(..length)] ^= 1 << random.u8(..8),
            Fault::Delay(time) => thread::sleep(Duration::from_millis(time)),
            Fault::None | Fault::Close | Fault::Silence | Fault::Flip => {}
        }
        if into.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = into.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
