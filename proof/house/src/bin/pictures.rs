//! Draws `docs/pictures/*.svg` anew from the texts beside them.

use drydock_house::{picture, repository};
use std::process::ExitCode;

fn main() -> ExitCode {
    match picture::draw_all(&repository().join("docs/pictures")) {
        Ok(names) => {
            println!("drawn: {}", names.join(", "));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("pictures: {why}");
            ExitCode::FAILURE
        }
    }
}
