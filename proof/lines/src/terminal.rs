use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::File;
use std::io;
use std::process::{Child, Command, Stdio};

/// Starts a program whose input and output are a terminal without manners: not one byte is changed. Returns the program, and the
/// other end of the terminal, which hangs up when the program has ended.
pub fn at_terminal(command: &mut Command) -> io::Result<(Child, File)> {
    let ends = openpty(None, None)?;
    let mut raw = tcgetattr(&ends.slave)?;
    cfmakeraw(&mut raw);
    tcsetattr(&ends.slave, SetArg::TCSANOW, &raw)?;
    command.stdin(Stdio::from(ends.slave.try_clone()?)).stdout(Stdio::from(ends.slave));
    let child = command.spawn();
    // The program alone has the terminal now: its end is the line's.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Ok((child?, ends.master.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn every_byte_passes_as_it_is_and_the_programs_end_is_heard() {
        let script = "test -t 0 && printf '\\021\\377\\n' && head -c 4 | od -An -tx1";
        let (mut child, mut line) = at_terminal(Command::new("sh").args(["-c", script])).unwrap();
        line.write_all(&[0x13, 0x03, b'\r', 0xff]).unwrap();
        let (mut heard, mut buffer) = (Vec::new(), [0; 64]);
        while let Ok(len @ 1..) = line.read(&mut buffer) {
            heard.extend_from_slice(&buffer[..len]);
        }
        assert!(child.wait().unwrap().success());
        assert_eq!(heard, b"\x11\xff\n 13 03 0d ff\n");
    }
}
