//! The page on the LAN: sockets, TLS and threads around [`drydock_page`], which knows what requests mean, and around a
//! [`Office`], which knows the device.
//!
//! A connection has a thread, and there are few of them; each step of a connection has a time until which it must be done,
//! however many bytes come meanwhile ([`Limits`]). What a client sends becomes one of a few typed requests before anybody
//! else sees it, and nothing of it ever becomes a part of a path.

mod beside;
mod board;
mod body;
mod certificate;
mod chance;
mod connection;
mod der;
mod heard;
mod limits;
mod listen;
mod room;
mod route;
mod site;
mod store;
mod timed;
mod upload;

pub use beside::{Beside, beside};
pub use board::Board;
pub(crate) use board::check_length;
pub use certificate::{Fingerprint, announce};
pub use heard::Heard;
pub use limits::Limits;
pub use listen::listeners;
pub use store::Store;

use crate::answer::Result;
use drydock_engine::Error;
use drydock_engine::lan::Office;
use drydock_page::Guard;
use listen::Door;
use site::Site;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A page that is served. Dropping it ends that: nobody is let in any more, and an upload that has not ended is broken off.
#[derive(Debug)]
pub struct Page {
    /// What its certificate is known by.
    pub fingerprint: Fingerprint,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    /// Serves a page on these sockets. It answers to every address, and to these names. Its key and its certificate are new.
    ///
    /// # Errors
    /// There is no entropy, or no memory for a thread.
    pub fn open(
        office: Arc<dyn Office>,
        names: &[String],
        on: Vec<TcpListener>,
        limits: Limits,
    ) -> Result<Self> {
        let (tls, fingerprint) = certificate::serve(names)?;
        let guard = Guard::new(names.to_vec(), chance::token()?);
        let stop = Arc::new(AtomicBool::new(false));
        let addresses = on.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let site = Arc::new(Site::new(office, guard, limits, Arc::clone(&stop)));
        let door = Door { site, tls, on };
        let thread = thread::Builder::new().name("page".into()).spawn(move || door.run());
        let thread = Some(thread.map_err(Error::doing("start the thread of the page"))?);
        Ok(Self { fingerprint, addresses, stop, thread })
    }

    /// Waits until it ends, which is never by itself.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
