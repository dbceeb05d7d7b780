//! Measures a real `sz` over a line of a given rate: `measure FILE BYTES-PER-SECOND [ARGUMENT OF sz]...`.

#![allow(clippy::unwrap_used, clippy::panic)]

#[allow(dead_code, reason = "a measurement needs less than the tests do")]
#[path = "../tests/lrzsz/program.rs"]
mod program;

use drydock_modem::{Answer, Offer, Receiver, Session, Stop, Take, Times};
use program::{GOOD, Line, Program};
use std::path::Path;
use std::time::Instant;

struct Count(u64);

impl Take for Count {
    fn offered(&mut self, offer: &Offer) -> Answer {
        println!("{offer}");
        Answer::Take
    }

    fn resumed(&mut self, _: u64) -> Result<(), Stop> {
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.0 += bytes.len() as u64;
        Ok(())
    }

    fn whole(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, rate, rest @ ..] = &arguments[..] else {
        panic!("measure FILE BYTES-PER-SECOND [ARGUMENT]...")
    };
    let rate: u32 = rate.parse().unwrap();
    let mut all: Vec<&str> = rest.iter().map(String::as_str).collect();
    all.push(file);
    let mut count = Count(0);
    let started = Instant::now();
    let mut sender = Program::start("sz", &all, Path::new("."));
    let mut receiver = Receiver::new(&mut count, Times::default());
    let carried = sender.talk(&mut receiver, Line { rate: Some(rate), ..GOOD });
    let (took, ended) = (started.elapsed().as_secs_f64(), receiver.ended());
    sender.wait();
    let payload = count.0 as f64;
    println!("{ended:?}: {took:.1} s, {carried} bytes on the line");
    println!(
        "{:.1} % of the line's rate, {:.1} % of the bytes",
        100.0 * payload / took / f64::from(rate),
        100.0 * payload / carried as f64
    );
}
