//! Flows that ask for as much as they can get: real TCP and UDP sockets between a phone and the internet.
#![allow(clippy::disallowed_methods, reason = "a test may sleep")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::FAR;
use super::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// With this congestion control.
    Tcp(&'static str),
    /// Sends this many bytes of payload a second, whatever arrives.
    Udp(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// Flows under way. They end when this is dropped.
pub struct Flows {
    stop: Arc<AtomicBool>,
    arrived: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

const PATIENCE: Duration = Duration::from_millis(100);
const DATAGRAM: usize = 1200;

impl Flows {
    /// `count` flows of a phone, at once.
    pub fn start(world: &World, phone: &str, protocol: Protocol, way: Way, count: usize) -> Flows {
        let mut flows = Flows { stop: Arc::default(), arrived: Arc::default(), threads: Vec::new() };
        for _ in 0..count {
            match protocol {
                Protocol::Tcp(control) => flows.tcp(world, phone, way, control),
                Protocol::Udp(rate) => flows.udp(world, phone, way, rate / count as u64),
            }
        }
        flows
    }

    /// Payload that arrived at whoever reads it.
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    fn spawn(&mut self, act: impl FnOnce(&AtomicBool, &AtomicU64) + Send + 'static) {
        let (stop, arrived) = (self.stop.clone(), self.arrived.clone());
        self.threads.push(std::thread::spawn(move || act(&stop, &arrived)));
    }

    fn tcp(&mut self, world: &World, phone: &str, way: Way, control: &str) {
        let listener = world.inside("net", || TcpListener::bind((FAR, 0)).expect("a port"));
        let to = listener.local_addr().expect("bound");
        let near = world.inside(phone, || TcpStream::connect_timeout(&to, Duration::from_secs(10)));
        let near = near.expect("the far end answers");
        let (far, _) = listener.accept().expect("connected");
        let (from, into) = if way == Way::Up { (near, far) } else { (far, near) };
        for end in [&from, &into] {
            // What was not sent yet when a flow ends is not sent any more.
            SockRef::from(end).set_linger(Some(Duration::ZERO)).expect("a reset at the end");
        }
        SockRef::from(&from).set_tcp_congestion(control.as_bytes()).expect("needs root");
        self.spawn(|stop, _| pour(from, stop));
        self.spawn(|stop, arrived| drain(into, stop, arrived));
    }

    fn udp(&mut self, world: &World, phone: &str, way: Way, rate: u64) {
        let bind =
            |place: &str, ip: Ipv4Addr| world.inside(place, || UdpSocket::bind((ip, 0)).expect("a port"));
        let (far, near) = (bind("net", FAR), bind(phone, Ipv4Addr::UNSPECIFIED));
        near.connect(far.local_addr().expect("bound")).expect("connected");
        near.send(&[0]).expect("sent"); // NAT must know the way back
        far.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let (_, back): (usize, SocketAddr) = far.recv_from(&mut [0; 9]).expect("the first datagram");
        far.connect(back).expect("connected");
        let (from, into) = if way == Way::Up { (near, far) } else { (far, near) };
        self.spawn(move |stop, _| shower(&from, stop, rate));
        self.spawn(move |stop, arrived| collect(&into, stop, arrived));
    }
}

impl Drop for Flows {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for t in self.threads.drain(..) {
            let _ = t.join();
        }
    }
}

fn pour(mut to: TcpStream, stop: &AtomicBool) {
    to.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    while !stop.load(Ordering::Relaxed) {
        let _ = to.write(&[7; 16_384]);
    }
}

fn drain(mut from: TcpStream, stop: &AtomicBool, arrived: &AtomicU64) {
    from.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        let n = from.read(&mut buffer).unwrap_or(0);
        arrived.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// Small portions, each when it is due.
fn shower(to: &UdpSocket, stop: &AtomicBool, rate: u64) {
    let begun = Instant::now();
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = begun.elapsed().as_secs_f64() * rate as f64;
        while (sent as f64) < due {
            let _ = to.send(&[7; DATAGRAM]);
            sent += DATAGRAM as u64;
        }
        #[allow(clippy::disallowed_methods, reason = "a thread of its own, without a runtime")]
        sleep(Duration::from_millis(2));
    }
}

fn collect(from: &UdpSocket, stop: &AtomicBool, arrived: &AtomicU64) {
    from.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        let n = from.recv(&mut buffer).unwrap_or(0);
        arrived.fetch_add(n as u64, Ordering::Relaxed);
    }
}
