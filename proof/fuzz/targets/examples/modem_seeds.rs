//! Writes the seeds of what comes over a serial line. Run it from the repository's root:
//! `cargo run -p drydock-fuzz-targets --example modem_seeds`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_modem::{Answer, Give, Offer, Receiver, Sender, Session, Stop, Take, Times};
use std::path::Path;
use std::time::Duration;

fn main() {
    let (sent, _) = talk(0);
    write("modem_receive", "zmodem", &[&[0][..], &sent].concat());
    let (sent, _) = talk(300);
    write("modem_receive", "resumed", &[&[3][..], &sent].concat());
    write("modem_receive", "batch", &[&[0][..], &ymodem()].concat());
    let (_, said) = talk(0);
    // It says twice what it can: once by itself, once when it is called. The file goes while the line says nothing.
    let header = |number: usize| said.split(|byte| *byte == 0x11).nth(number).unwrap().to_vec();
    let pause = vec![b'x'; 400];
    let line = [&[0][..], &header(0), &header(2), &pause, &header(3), &header(4), &pause].concat();
    write("modem_send", "rz", &line);
}

fn write(target: &str, name: &str, content: &[u8]) {
    let folder = Path::new("proof/fuzz/seeds").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), content).unwrap();
}

struct File;

impl Give for File {
    fn name(&self) -> &str {
        "x.drydock"
    }

    fn size(&self) -> u64 {
        3000
    }

    fn read(&mut self, _: u64, buffer: &mut [u8]) -> Result<(), Stop> {
        buffer.fill(0);
        Ok(())
    }
}

struct Place(usize);

impl Take for Place {
    fn offered(&mut self, _: &Offer) -> Answer {
        if self.0 == 0 { Answer::Take } else { drydock_modem::there_is(&vec![0; self.0]) }
    }

    fn resumed(&mut self, _: u64) -> Result<(), Stop> {
        Ok(())
    }

    fn data(&mut self, _: &[u8]) -> Result<(), Stop> {
        Ok(())
    }

    fn whole(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

/// What a sender and a receiver say to each other, where so much of the file is there.
fn talk(there: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut file, mut place) = (File, Place(there));
    let mut sender = Sender::new(&mut file, Times::default());
    let mut receiver = Receiver::new(&mut place, Times::default());
    let (mut sent, mut said) = (Vec::new(), Vec::new());
    let mut calls = 0;
    while sender.ended().is_none() || receiver.ended().is_none() {
        calls += 1;
        let now = Duration::from_millis(calls);
        let to_receiver = sender.outgoing().to_vec();
        sender.sent(to_receiver.len());
        receiver.feed(&to_receiver, now);
        let to_sender = receiver.outgoing().to_vec();
        receiver.sent(to_sender.len());
        sender.feed(&to_sender, now);
        sent.extend(to_receiver);
        said.extend(to_sender);
    }
    (sent, said)
}

fn crc(bytes: &[u8]) -> [u8; 2] {
    let step = |crc: u16, byte: &u8| {
        (0..8).fold(
            crc ^ u16::from(*byte) << 8,
            |crc, _| if crc >> 15 == 1 { crc << 1 ^ 0x1021 } else { crc << 1 },
        )
    };
    bytes.iter().fold(0, step).to_be_bytes()
}

fn block(number: u8, data: &[u8], length: usize) -> Vec<u8> {
    let mut padded = data.to_vec();
    padded.resize(length, 0);
    let begin = if length == 128 { 1 } else { 2 };
    [&[begin, number, !number][..], &padded, &crc(&padded)].concat()
}

/// A batch with one file of 1,100 bytes.
fn ymodem() -> Vec<u8> {
    let head = block(0, b"x.drydock\x001100 0 0", 128);
    [head, block(1, &[7; 1024], 1024), block(2, &[7; 76], 128), vec![4, 4], block(0, b"", 128)].concat()
}
