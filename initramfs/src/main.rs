//! `drydock-initramfs`: builds a device's initramfs, shows what is in one, makes and signs unified kernel images, and checks a
//! kernel's configuration.

mod efi_commands;

use clap::{Args, Parser, Subcommand};
use drydock_files::new_file::{NewFile, Readers};
use drydock_initramfs::{
    Built, Compression, Error, Form, Inputs, Listed, Severity, build, check_kernel, list,
};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Builds the initramfs of a drydock device.
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 done, 1 failed or something is lacking, 2 wrong usage.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build an initramfs from a config file, the device binary and a kernel's modules.
    Build(BuildArgs),
    /// Show what is in an initramfs: mode, size and path.
    List {
        /// The initramfs (newc, in zstd or xz).
        file: PathBuf,
    },
    /// Put kernel, initramfs and command line into one EFI program: a unified kernel image.
    Uki(efi_commands::UkiArgs),
    /// Sign an EFI program for Secure Boot.
    SignEfi(efi_commands::SignArgs),
    /// Tell which options a kernel configuration lacks.
    CheckKernel {
        /// The kernel's .config; - reads standard input (as in: zcat /proc/config.gz | …).
        file: PathBuf,
        /// Accept =m where a module in the initramfs will do.
        #[arg(long)]
        modules: bool,
        /// Ask for what this device needs, rather than for everything.
        #[arg(long)]
        config: Option<PathBuf>,
        /// How the initramfs is compressed.
        #[arg(long, default_value_t)]
        compression: Compression,
    },
}

#[derive(Args)]
struct BuildArgs {
    /// The device's configuration.
    #[arg(long)]
    config: PathBuf,
    /// The device binary, static and stripped.
    #[arg(long)]
    drydock: PathBuf,
    /// The kernel's module folder, as in /lib/modules/6.1.0.
    #[arg(long, conflicts_with = "kernel_root")]
    modules_dir: Option<PathBuf>,
    /// Where a kernel package was unpacked: its one lib/modules/VERSION is used, and its lib/firmware.
    #[arg(long)]
    kernel_root: Option<PathBuf>,
    /// A folder with firmware; may be given more than once, the first one goes first.
    #[arg(long)]
    firmware_dir: Vec<PathBuf>,
    /// How to compress it: zstd, or xz, which is smaller and slower.
    #[arg(long, default_value_t)]
    compression: Compression,
    /// The initramfs to write.
    #[arg(long, short)]
    output: PathBuf,
    /// Show what is inside.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Build(args) => run_build(args),
        Command::List { file } => run_list(&file),
        Command::Uki(args) => efi_commands::run_uki(&args).map(|told| {
            told.iter().for_each(|line| print_line(&mut std::io::stdout(), format_args!("{line}")));
            ExitCode::SUCCESS
        }),
        Command::SignEfi(args) => efi_commands::run_sign(&args).map(|()| ExitCode::SUCCESS),
        Command::CheckKernel { file, modules, config, compression } => {
            let form = if modules { Form::BuiltInOrModule } else { Form::BuiltIn };
            run_check(&file, form, compression, config.as_deref())
        }
    };
    done.unwrap_or_else(|error| {
        print_line(&mut std::io::stderr(), format_args!("{error}"));
        ExitCode::FAILURE
    })
}

fn run_build(args: BuildArgs) -> Result<ExitCode, Error> {
    let mut inputs = Inputs {
        config: args.config,
        drydock: args.drydock,
        modules: args.modules_dir,
        firmware: args.firmware_dir,
        compression: args.compression,
    };
    if let Some(root) = &args.kernel_root {
        inputs.add_kernel_root(root)?;
    }
    let built = build(&inputs)?;
    for warning in &built.warnings {
        print_line(&mut std::io::stderr(), format_args!("warning: {warning}"));
    }
    write_image(&args.output, &built)?;
    let mut out = std::io::stdout().lock();
    if args.list {
        print_list(&mut out, &built.tree.list());
    }
    let sizes = built.sizes;
    for (what, size) in [
        ("device binary", sizes.binary),
        ("initramfs without modules", sizes.without_modules),
        ("initramfs", sizes.whole),
    ] {
        print_line(&mut out, format_args!("{size:>10} bytes  {what}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Nobody meets half an image, and where it holds a key, nobody else reads it.
fn write_image(path: &Path, built: &Built) -> Result<(), Error> {
    let readers = if built.secret { Readers::Owner } else { Readers::Usual };
    let written = NewFile::new(path, readers).and_then(|new| {
        new.file().write_all(&built.initramfs)?;
        new.finish()
    });
    written.map_err(|error| Error::Io { doing: "write the initramfs", path: path.into(), error })
}

fn run_list(file: &Path) -> Result<ExitCode, Error> {
    let read = std::fs::read(file).map_err(|error| Error::Io { doing: "read", path: file.into(), error })?;
    let unusable = |why: String| Error::Unusable { path: file.into(), why };
    let archive = Compression::undo(&read).map_err(|error| unusable(error.to_string()))?;
    let listed = list(&archive).ok_or_else(|| unusable("is no whole newc archive".into()))?;
    print_list(&mut std::io::stdout().lock(), &listed);
    Ok(ExitCode::SUCCESS)
}

fn run_check(
    file: &Path,
    form: Form,
    compression: Compression,
    config: Option<&Path>,
) -> Result<ExitCode, Error> {
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        _ => std::fs::read_to_string(file).map(|content| text = content),
    };
    read.map_err(|error| Error::Io { doing: "read the kernel configuration", path: file.into(), error })?;
    if !text.contains("CONFIG_") {
        let why = "is no kernel configuration: it has no CONFIG_ lines".into();
        return Err(Error::Unusable { path: file.into(), why });
    }
    let config = config.map(drydock_config_load::load).transpose()?;
    let lacking = check_kernel(&text, config.as_ref(), form, compression);
    let mut out = std::io::stdout().lock();
    let mut complete = true;
    for need in &lacking.needs {
        let word = match need.severity {
            Severity::Must => "missing",
            Severity::Should => "advised",
        };
        complete &= need.severity == Severity::Should;
        let value = if form == Form::BuiltInOrModule && need.module.is_some() { "y or m" } else { "y" };
        print_line(&mut out, format_args!("{word}  CONFIG_{}={value}  ({})", need.option, need.why));
    }
    for (word, severity) in [("must", Severity::Must), ("should", Severity::Should)] {
        let modules = lacking.as_modules.iter().filter(|(_, its)| *its == severity);
        let names: Vec<_> = modules.map(|(name, _)| *name).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            print_line(&mut out, format_args!("modules that the initramfs {word} carry: {names}"));
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_list(out: &mut impl Write, listed: &[Listed]) {
    for Listed { path, mode, size } in listed {
        print_line(
            out,
            format_args!(
                "{:04o} {size:>10} {path}{}",
                mode & 0o7777,
                if mode & 0o040_000 != 0 { "/" } else { "" }
            ),
        );
    }
}

/// Whoever reads may go away early (`| head`); that is no failure.
fn print_line(out: &mut impl Write, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{line}");
}
