//! Completions and man pages, from what a tool says of its own command line.

use super::Reply;
use crate::Error;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;

/// The completion script for a shell.
pub fn completions<C: CommandFactory>(tool: &str, shell: Shell) -> Reply {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut C::command(), tool, &mut script);
    Reply::raw(script)
}

/// The tool's man page, or all pages as files in `dir`.
pub fn man<C: CommandFactory>(dir: Option<&Path>) -> Result<Reply, Error> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(C::command()).render(&mut page);
        rendered.map_err(|source| Error::File { doing: "rendering", path: "the man page".into(), source })?;
        return Ok(Reply::raw(page));
    };
    let written = clap_mangen::generate_to(C::command(), dir);
    written.map_err(|source| Error::File { doing: "writing man pages into", path: dir.into(), source })?;
    Ok(Reply::raw(Vec::new()))
}
