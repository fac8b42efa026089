//! A TCP proxy between the service and the broker that can cut, slow, and swallow.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Passes,
    Cut,
    /// Bytes per second and direction.
    Slow(u32),
    HalfOpen,
    AnswersLost,
}

#[derive(Default)]
struct State {
    mode: AtomicU32,
    bytes_per_second: AtomicU32,
    /// Bytes of answers that were swallowed.
    swallowed: AtomicU64,
    /// Both ends of what is connected.
    open: Mutex<Vec<TcpStream>>,
}

/// A running proxy; its threads end with the process.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

/// How often a direction that stands still looks whether it may go on.
const LOOK: Duration = Duration::from_millis(10);

impl Proxy {
    /// Listens on a port of its own, and leads to `to` on this machine.
    pub(crate) fn start(listener: TcpListener, to: u16) -> Self {
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.mode() == Network::Cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                join(&accepting, client, server);
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, network: Network) {
        let (mode, rate) = match network {
            Network::Passes => (0, 0),
            Network::Cut => (1, 0),
            Network::Slow(rate) => (2, rate),
            Network::HalfOpen => (3, 0),
            Network::AnswersLost => (4, 0),
        };
        let was = self.state.mode();
        self.state.bytes_per_second.store(rate, Ordering::Release);
        self.state.mode.store(mode, Ordering::Release);
        // Answers that were swallowed leave a hole: such a connection is of no more use.
        if network == Network::Cut || was == Network::AnswersLost {
            self.cut();
        }
    }

    /// Cuts all that is connected.
    pub(crate) fn cut(&self) {
        for stream in self.state.open.lock().unwrap().drain(..) {
            // One that the other side has closed is closed.
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl State {
    fn mode(&self) -> Network {
        match self.mode.load(Ordering::Acquire) {
            1 => Network::Cut,
            2 => Network::Slow(self.bytes_per_second.load(Ordering::Acquire)),
            3 => Network::HalfOpen,
            4 => Network::AnswersLost,
            _ => Network::Passes,
        }
    }
}

fn join(state: &Arc<State>, client: TcpStream, server: TcpStream) {
    for stream in [&client, &server] {
        // Its own delays would be taken for the service's.
        stream.set_nodelay(true).unwrap();
    }
    let mut open = state.open.lock().unwrap();
    open.retain(|stream| stream.peer_addr().is_ok());
    open.push(client.try_clone().unwrap());
    open.push(server.try_clone().unwrap());
    drop(open);
    for (from, to, is_answer) in
        [(client.try_clone().unwrap(), server.try_clone().unwrap(), false), (server, client, true)]
    {
        let state = Arc::clone(state);
        std::thread::spawn(move || carry(&state, from, to, is_answer));
    }
}

fn carry(state: &State, mut from: TcpStream, mut to: TcpStream, is_answer: bool) {
    from.set_read_timeout(Some(LOOK)).unwrap();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mode = state.mode();
        let most = match mode {
            Network::HalfOpen => {
                std::thread::park_timeout(LOOK);
                continue;
            }
            Network::Slow(rate) => (rate as usize / 20).clamp(1, buffer.len()),
            _ => buffer.len(),
        };
        match from.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(_) if is_answer && mode == Network::AnswersLost => {
                state.swallowed.fetch_add(1, Ordering::Relaxed);
            }
            Ok(got) => {
                if to.write_all(&buffer[..got]).is_err() {
                    break;
                }
                if let Network::Slow(rate) = mode {
                    std::thread::park_timeout(Duration::from_secs_f64(got as f64 / f64::from(rate.max(1))));
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    // The other direction ends with this one.
    to.shutdown(Shutdown::Both).ok();
    from.shutdown(Shutdown::Both).ok();
}
