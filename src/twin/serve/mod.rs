//! The servers: sockets on one side, jobs for the controller on the other.

mod camera;
mod gripper;
mod http;
mod lines;
mod rtde;
mod script;
mod sockets;
mod writer;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde::Serialize;

use super::build::Plan;
use super::cameras::Cameras;
use super::controller::Event;
use super::dashboard;
use super::link::{self, Link};
use crate::wire;
use camera::CameraPages;
use sockets::Sockets;

/// Which ports a twin takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// Those of a real controller: one twin an address.
    Standard,
    /// Whatever is free.
    Free,
}

/// Where a twin's services are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ports {
    pub host: IpAddr,
    pub rtde: u16,
    pub dashboard: u16,
    pub primary: u16,
    pub secondary: u16,
    /// The script port that drivers use.
    pub script: u16,
    pub gripper: u16,
    /// Eyes and control, over HTTP.
    pub http: u16,
}

/// The standard port of eyes and control; our own choice.
pub const HTTP_PORT: u16 = 63380;

/// Why a twin cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    #[error("{service} cannot listen on {at}: {why}")]
    Listen { service: &'static str, at: SocketAddr, why: std::io::Error },
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// A twin that runs until it is dropped.
pub struct Twin {
    ports: Ports,
    link: Link,
    stop: Arc<AtomicBool>,
    sockets: Arc<Sockets>,
    threads: Vec<JoinHandle<()>>,
}

impl Twin {
    /// Binds every port of `host`, then starts the controller in a thread of its own. `listener`
    /// is told what happens, there.
    pub fn start(
        plan: &Plan,
        host: IpAddr,
        places: Places,
        listener: impl FnMut(&Event) + Send + 'static,
    ) -> Result<Self, TwinError> {
        let bind = |service, standard: u16| {
            let port = if places == Places::Standard { standard } else { 0 };
            let at = SocketAddr::new(host, port);
            TcpListener::bind(at).map_err(|why| TwinError::Listen { service, at, why })
        };
        let rtde = bind("RTDE", wire::rtde::PORT)?;
        let dashboard = bind("the dashboard", wire::dashboard::PORT)?;
        let primary = bind("the primary interface", wire::primary::PORT)?;
        let secondary = bind("the secondary interface", wire::robot_state::SECONDARY_PORT)?;
        let script = bind("the script port", wire::realtime::PORT)?;
        let gripper = bind("the gripper", wire::gripper::PORT)?;
        let http = bind("eyes and control", HTTP_PORT)?;
        let port = |listener: &TcpListener| listener.local_addr().map_or(0, |at| at.port());
        let ports = Ports {
            host,
            rtde: port(&rtde),
            dashboard: port(&dashboard),
            primary: port(&primary),
            secondary: port(&secondary),
            script: port(&script),
            gripper: port(&gripper),
            http: port(&http),
        };

        let (link, jobs) = Link::new();
        let stop = Arc::new(AtomicBool::new(false));
        let sockets = Arc::new(Sockets::default());
        let mut twin = Self { ports, link, stop, sockets, threads: Vec::new() };
        let cameras = plan.cameras();
        let (stop, sockets) = (Arc::clone(&twin.stop), Arc::clone(&twin.sockets));
        let (plan, speed) = (plan.clone(), plan.spec().speed);
        twin.spawn("controller", move || {
            let mut controller = plan.controller();
            controller.tell(listener);
            let stop = || stop.load(Ordering::Relaxed);
            link::run(&mut controller, &jobs, speed, stop, |controller| {
                let (cut, refuse) = controller.cuts();
                sockets.refuse(refuse);
                if cut {
                    sockets.cut();
                }
            });
        })?;
        twin.serve("rtde", rtde, rtde::serve)?;
        twin.serve("dashboard", dashboard, |stream, link, _| {
            lines::serve(&stream, Some(wire::dashboard::BANNER), |line| {
                let line = line.to_owned();
                link.ask(move |controller| dashboard::answer(controller, &line))
            });
        })?;
        twin.serve("primary", primary, script::serve_primary)?;
        twin.serve("secondary", secondary, script::serve_secondary)?;
        twin.serve("script", script, script::serve_real_time)?;
        twin.serve("gripper", gripper, gripper::serve)?;
        twin.serve_http(http, cameras)?;
        Ok(twin)
    }

    pub fn ports(&self) -> Ports {
        self.ports
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), TwinError> {
        let named = std::thread::Builder::new().name(format!("twin {name}"));
        self.threads.push(named.spawn(body).map_err(TwinError::Thread)?);
        Ok(())
    }

    /// Accepts connections until the twin stops, each with a thread of its own.
    fn serve(
        &mut self,
        name: &'static str,
        listener: TcpListener,
        serve: impl Fn(std::net::TcpStream, &Link, u64) + Send + Sync + Clone + 'static,
    ) -> Result<(), TwinError> {
        let (link, stop) = (self.link.clone(), Arc::clone(&self.stop));
        let sockets = Arc::clone(&self.sockets);
        self.spawn(name, move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let Some((stream, id)) = stream.ok().and_then(|s| sockets.take(s)) else {
                    continue;
                };
                let (link, serve, sockets) = (link.clone(), serve.clone(), Arc::clone(&sockets));
                let named = std::thread::Builder::new().name(format!("twin {name} {id}"));
                // A connection without a thread is closed with its stream.
                let _ = named.spawn(move || {
                    serve(stream, &link, id);
                    sockets.forget(id);
                });
            }
        })
    }

    fn serve_http(&mut self, listener: TcpListener, cameras: Cameras) -> Result<(), TwinError> {
        let (link, stop) = (self.link.clone(), Arc::clone(&self.stop));
        let pages = CameraPages::new(cameras, link.clone(), Arc::clone(&stop));
        self.spawn("http", move || http::serve(listener, &link, &pages, &stop))
    }
}

impl Drop for Twin {
    /// Ends every connection and every thread.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the controller, and every thread that waits for a connection.
        self.link.tell(|_| {});
        self.sockets.refuse(true);
        let Ports { host, rtde, dashboard, primary, secondary, script, gripper, .. } = self.ports;
        for port in [rtde, dashboard, primary, secondary, script, gripper] {
            let patience = std::time::Duration::from_millis(200);
            drop(std::net::TcpStream::connect_timeout(&SocketAddr::new(host, port), patience));
        }
        self.sockets.cut();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}
