//! One command of the live system on a device whose partitions are files in a folder: `command FOLDER COMMAND`. For tests
//! that run several of them at once.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, command] = arguments.as_slice() else {
        eprintln!("usage: command FOLDER COMMAND");
        return ExitCode::from(2);
    };
    match drydock_simulator::native::command(Path::new(folder), command) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("refused: {error}");
            ExitCode::FAILURE
        }
    }
}
