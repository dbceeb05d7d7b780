//! A passphrase that somebody types at a console.

use super::ONE_KEY;
use crate::console::Console;
use drydock_config::Seconds;
use drydock_engine::Error;
use drydock_engine::machine::{Accept, Key, KeyProvider, Offered, Verdict};
use std::time::Duration;

/// Whoever stands at a console.
pub struct Passphrase<'a> {
    tries: u32,
    wait: Duration,
    console: &'a Console,
}

impl<'a> Passphrase<'a> {
    /// Each of so many tries is waited for so long.
    pub fn new(tries: u32, wait: Seconds, console: &'a Console) -> Self {
        Self { tries, wait: wait.as_duration(), console }
    }

    fn nobody(&self) -> String {
        let seconds = self.wait.as_secs();
        format!("nobody typed a passphrase within {seconds} s, or there is no console to ask at")
    }
}

impl KeyProvider for Passphrase<'_> {
    fn limit(&self) -> Duration {
        // A new passphrase is asked for twice.
        (2 * self.wait + ONE_KEY) * self.tries
    }

    fn offer(&mut self, volume: &str, accept: Accept<'_>) -> Result<Offered, Error> {
        for _ in 0..self.tries {
            let prompt = format!("Passphrase for `{volume}`: ");
            let Some(passphrase) = self.console.passphrase(&prompt, self.wait) else {
                return Ok(Offered::NoneFits(self.nobody()));
            };
            match accept(&Key::Bytes(passphrase))? {
                Verdict::Fits => return Ok(Offered::Accepted),
                Verdict::DoesNotFit(left_out) => {
                    self.console.line("This passphrase does not fit.");
                    left_out.iter().for_each(|why| self.console.line(&format!("Not tried: {why}.")));
                }
            }
        }
        Ok(Offered::NoneFits(format!("no passphrase fitted in {} tries", self.tries)))
    }

    fn enrol(&mut self, volume: &str) -> Result<Result<Key, String>, Error> {
        for _ in 0..self.tries {
            let prompt = format!("New passphrase for `{volume}`: ");
            let Some(passphrase) = self.console.passphrase(&prompt, self.wait) else {
                return Ok(Err(self.nobody()));
            };
            if self.console.passphrase("The same again: ", self.wait).as_ref() == Some(&passphrase) {
                return Ok(Ok(Key::Bytes(passphrase)));
            }
            self.console.line("The two differ.");
        }
        Ok(Err(format!("no passphrase fitted in {} tries", self.tries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_passphrase_is_asked_for_as_often_and_waited_for_as_long_as_the_configuration_says() {
        let (mut person, console) = crate::console::tests::terminal();
        let console = Console::on(vec![console]).unwrap();
        let typist = std::thread::spawn(move || {
            let mut seen = String::new();
            for n in 1..=2 {
                while seen.matches("Passphrase for `data`: ").count() < n {
                    let mut some = [0; 256];
                    let len = person.read(&mut some).unwrap();
                    seen += &String::from_utf8_lossy(&some[..len]);
                }
                std::io::Write::write_all(&mut person, b"wrong\r").unwrap();
            }
            person
        });
        let mut tried = 0;
        let accept: Accept<'_> = &mut |_| {
            tried += 1;
            Ok(Verdict::DoesNotFit(vec![]))
        };
        let offered = Passphrase::new(2, Seconds(20), &console).offer("data", accept).unwrap();
        assert_eq!((offered, tried), (Offered::NoneFits("no passphrase fitted in 2 tries".into()), 2));
        drop(typist.join().unwrap());

        let (_nobody, console) = crate::console::tests::terminal();
        let console = Console::on(vec![console]).unwrap();
        let started = std::time::Instant::now();
        let accept: Accept<'_> = &mut |_| panic!("nobody has typed anything");
        let offered = Passphrase::new(2, Seconds(1), &console).offer("data", accept).unwrap();
        let Offered::NoneFits(why) = offered else { panic!("{offered:?}") };
        assert!(why.contains("within 1 s"), "{why}");
        assert!((1..20).contains(&started.elapsed().as_secs()));
    }
}
