use crate::QemuError;
use crate::serial::Transcript;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// QEMU's monitor. QEMU connects to our socket when it starts, so nothing has to be tried again.
pub(crate) struct Monitor {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stream: Option<UnixStream>,
    answers: Vec<Value>,
    events: Vec<Value>,
    closed: bool,
}

const LIMIT: Duration = Duration::from_secs(20);

impl Monitor {
    /// Waits for QEMU's connection in a thread of its own, which ends when the guest has.
    pub(crate) fn listen(listener: UnixListener, transcript: Arc<Transcript>) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        std::thread::spawn(move || {
            let _ = serve(&listener, &theirs, &transcript);
            theirs.update(|state| state.closed = true);
        });
        Self { shared }
    }

    /// Sends a command and returns what QEMU answers.
    pub(crate) fn command(&self, name: &str, arguments: Value) -> Result<Value, QemuError> {
        let failed = |answer: String| QemuError::Monitor { command: name.into(), answer };
        let deadline = Instant::now() + LIMIT;
        let mut line = json!({"execute": name, "arguments": arguments}).to_string();
        line.push('\n');
        let sent = self.shared.wait(deadline, |state| {
            state.answers.clear();
            state.stream.as_mut().map(|stream| stream.write_all(line.as_bytes()))
        });
        sent.ok_or_else(|| failed("no connection".into()))?.map_err(|e| failed(e.to_string()))?;
        let answer = self.shared.wait(deadline, |state| state.answers.pop());
        let answer = answer.ok_or_else(|| failed("no answer".into()))?;
        match answer.get("return") {
            Some(value) => Ok(value.clone()),
            None => Err(failed(answer.to_string())),
        }
    }

    /// All events up to now; after QEMU has ended, all there were.
    pub(crate) fn events(&self) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(2);
        self.shared.wait(deadline, |state| state.closed.then_some(()));
        self.shared.lock().events.clone()
    }
}

fn serve(listener: &UnixListener, shared: &Shared, transcript: &Transcript) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if transcript.lock().ended.is_some() => return Ok(()),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    stream.set_nonblocking(false)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    (&stream).write_all(b"{\"execute\":\"qmp_capabilities\"}\n")?;
    let mut stream = Some(stream);
    while let Some(line) = lines.next().transpose()? {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        shared.update(|state| {
            if message.get("event").is_some() {
                state.events.push(message);
            } else if message.get("QMP").is_none() {
                match stream.take() {
                    Some(ready) => state.stream = Some(ready),
                    None => state.answers.push(message),
                }
            }
        });
    }
    Ok(())
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `done` finds something; ends early when the connection is closed.
    fn wait<T>(&self, deadline: Instant, mut done: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = done(&mut state) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|_| !state.closed)?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
