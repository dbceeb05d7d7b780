use crate::cli::Cli;
use crate::reply::Reply;
use clap::CommandFactory;
use clap_complete::Shell;
use drydock_fleet::Error;
use std::path::Path;

/// The completion script for a shell.
pub(crate) fn completions(shell: Shell) -> Reply {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "drydock-fleet", &mut script);
    Reply::raw(script)
}

/// The tool's man page, or all pages as files in `dir`.
pub(crate) fn man(dir: Option<&Path>) -> Result<Reply, Error> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
        rendered.map_err(|source| Error::File { doing: "rendering", path: "the man page".into(), source })?;
        return Ok(Reply::raw(page));
    };
    let written = clap_mangen::generate_to(Cli::command(), dir);
    written.map_err(|source| Error::File { doing: "writing man pages into", path: dir.into(), source })?;
    Ok(Reply::raw(Vec::new()))
}
