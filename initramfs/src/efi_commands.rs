//! The commands `uki` and `sign-efi`: files in, a file out.

use clap::{ArgGroup, Args};
use drydock_files::new_file::{NewFile, Readers};
use drydock_initramfs::Error;
use drydock_initramfs::efi::sign::{self, Signing};
use drydock_initramfs::efi::uki::{self, Parts};
use drydock_initramfs::efi::{Purpose, command_line};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(crate) struct UkiArgs {
    /// The device's configuration, which has the kernel's parameters.
    #[arg(long)]
    config: PathBuf,
    /// What the image is for: set-a, set-b, recovery-a, recovery-b, or any, where process 1 chooses.
    #[arg(long = "for", value_name = "PURPOSE")]
    purpose: Purpose,
    /// systemd's stub (linux….efi.stub) or EFI Boot Guard's (kernel-stub….efi).
    #[arg(long)]
    stub: PathBuf,
    /// The kernel, with CONFIG_EFI_STUB.
    #[arg(long)]
    kernel: PathBuf,
    /// The initramfs.
    #[arg(long)]
    initramfs: PathBuf,
    /// The system's os-release, without which systemd-boot passes over the image.
    #[arg(long)]
    os_release: Option<PathBuf>,
    /// The kernel's version, as uname -r says it.
    #[arg(long, value_name = "VERSION")]
    uname: Option<String>,
    /// Sign it with this private RSA key.
    #[arg(long, value_name = "PEM", requires = "certificate")]
    key: Option<PathBuf>,
    /// The certificate of this key.
    #[arg(long, value_name = "PEM", requires = "key")]
    certificate: Option<PathBuf>,
    /// The image to write.
    #[arg(long, short)]
    output: PathBuf,
}

#[derive(Args)]
#[command(group(ArgGroup::new("how").required(true).args(["key", "print_bytes", "attach"])))]
pub(crate) struct SignArgs {
    /// The EFI program: an image, a bootloader.
    program: PathBuf,
    /// The certificate, as the firmware has it among its keys.
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
    /// Sign with this private RSA key.
    #[arg(long, value_name = "PEM")]
    key: Option<PathBuf>,
    /// Write exactly the bytes that are to be signed to standard output.
    #[arg(long)]
    print_bytes: bool,
    /// Add a signature made elsewhere: RSA, PKCS#1 version 1.5, SHA-256.
    #[arg(long, value_name = "FILE")]
    attach: Option<PathBuf>,
    /// Where the signed program goes, if not in place of the other one.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

/// Makes an image, and returns what a person should know of it.
pub(crate) fn run_uki(args: &UkiArgs) -> Result<Vec<String>, Error> {
    let config = drydock_config_load::load(&args.config)?;
    let [stub, kernel, initramfs] = [&args.stub, &args.kernel, &args.initramfs].map(|path| read(path));
    let (stub, kernel, initramfs) = (stub?, kernel?, initramfs?);
    let os_release = args.os_release.as_deref().map(read).transpose()?;
    let line = command_line(&config.layout, args.purpose);
    let image = uki::make(&Parts {
        stub: &stub,
        kernel: &kernel,
        initramfs: &initramfs,
        command_line: &line,
        os_release: os_release.as_deref(),
        uname: args.uname.as_deref(),
        architecture: config.layout.architecture,
    });
    let image = image.map_err(|wrong| match wrong {
        uki::Wrong::Stub(why) => Error::Unusable { path: args.stub.clone(), why },
        uki::Wrong::Kernel(why) => Error::Unusable { path: args.kernel.clone(), why },
        uki::Wrong::TooLarge => {
            Error::Unusable { path: args.output.clone(), why: "would be larger than 4 GiB".into() }
        }
    })?;
    let image = match (&args.key, &args.certificate) {
        (Some(key), Some(certificate)) => {
            let signed = begin(&image, &args.output, certificate)?.with_key(&read(key)?);
            signed.map_err(|wrong| at_fault(wrong, &args.output, certificate, key))?
        }
        _ => image,
    };
    write(&args.output, &image)?;
    Ok(vec![format!("{:>10} bytes  {}", image.len(), args.purpose), format!("command line: {line}")])
}

/// Signs a program, or prints what is to be signed.
pub(crate) fn run_sign(args: &SignArgs) -> Result<(), Error> {
    let signing = begin(&read(&args.program)?, &args.program, &args.certificate)?;
    let at_fault = |file: &Path| {
        let file = file.to_owned();
        move |wrong| at_fault(wrong, &args.program, &args.certificate, &file)
    };
    let signed = match (&args.key, &args.attach) {
        (Some(key), _) => signing.with_key(&read(key)?).map_err(at_fault(key))?,
        (_, Some(file)) => signing.with_signature(&read(file)?).map_err(at_fault(file))?,
        (None, None) => {
            let written = std::io::stdout().write_all(&signing.bytes());
            let stdout = PathBuf::from("standard output");
            return written.map_err(|error| Error::Io {
                doing: "write the bytes to sign to",
                path: stdout,
                error,
            });
        }
    };
    write(args.output.as_ref().unwrap_or(&args.program), &signed)
}

fn begin(program: &[u8], path: &Path, certificate: &Path) -> Result<Signing, Error> {
    let signing = Signing::new(program, &read(certificate)?);
    signing.map_err(|wrong| at_fault(wrong, path, certificate, certificate))
}

/// The error that names the file which is at fault; `key` has the key or the signature.
fn at_fault(wrong: sign::Wrong, program: &Path, certificate: &Path, key: &Path) -> Error {
    let (path, why) = match wrong {
        sign::Wrong::Program(why) => (program, why),
        sign::Wrong::Certificate(why) => (certificate, why),
        sign::Wrong::Key(why) | sign::Wrong::Signature(why) => (key, why),
    };
    Error::Unusable { path: path.into(), why }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Error::Io { doing: "read", path: path.into(), error })
}

/// Nobody meets half a program.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = NewFile::new(path, Readers::Usual).and_then(|new| {
        new.file().write_all(bytes)?;
        new.finish()
    });
    written.map_err(|error| Error::Io { doing: "write", path: path.into(), error })
}
