use crate::QemuError;
use crate::paths::{repository, run, target_dir};
use drydock_architecture::Architecture;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// What all guests are that nobody asked to be another.
pub const ARCHITECTURE: Architecture = Architecture::REFERENCE;

/// The programs under test, built as `make build` builds them: the device binary statically, for the device.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The static device binary.
    pub drydock: PathBuf,
    /// The init of the small test images, static too.
    pub test_init: PathBuf,
    /// A process 1 that panics, as one with a defect would.
    pub defective: PathBuf,
    /// The host tool `drydock-bundle`.
    pub bundle: PathBuf,
    /// The host tool `drydock-initramfs`.
    pub initramfs: PathBuf,
    /// Where the modules of GRUB are that `drydock-bundle disk` is to take, if not where Debian installs them.
    pub grub_modules: Option<PathBuf>,
}

impl Tools {
    /// Builds what is not up to date, once in each process, and returns where they are.
    pub fn build() -> Result<&'static Self, QemuError> {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        Self::once(ARCHITECTURE, None, &TOOLS)
    }

    /// The same with the device binary that has a network.
    pub fn with_network() -> Result<&'static Self, QemuError> {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        Self::once(ARCHITECTURE, Some("network"), &TOOLS)
    }

    /// The same with the device binary that has a network and the agent.
    pub fn with_fleet() -> Result<&'static Self, QemuError> {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        Self::once(ARCHITECTURE, Some("fleet"), &TOOLS)
    }

    /// The same with the device binary that has everything for who stands before a device, or integrates one.
    pub fn with_field() -> Result<&'static Self, QemuError> {
        static TOOLS: OnceLock<Tools> = OnceLock::new();
        Self::once(ARCHITECTURE, Some("field"), &TOOLS)
    }

    /// The device binary without features for another processor, built with what `tools/setup-foreign.sh` installs, and the
    /// host's tools.
    pub fn foreign(architecture: Architecture) -> Result<&'static Self, QemuError> {
        static TOOLS: [OnceLock<Tools>; Architecture::ALL.len()] =
            [const { OnceLock::new() }; Architecture::ALL.len()];
        Self::once(architecture, None, &TOOLS[architecture as usize])
    }

    fn once(
        architecture: Architecture,
        feature: Option<&str>,
        built: &'static OnceLock<Self>,
    ) -> Result<&'static Self, QemuError> {
        if let Some(tools) = built.get() {
            return Ok(tools);
        }
        let option = feature.map(|feature| format!("--{feature}"));
        let options: Vec<&str> = option.as_deref().into_iter().chain(["--quiet"]).collect();
        build(architecture, &options)?;
        let target = target_dir();
        let device = target.join(architecture.target());
        let foreign = target.join("foreign").join(architecture.debian()).join("root/usr/lib/grub");
        let place = feature.map_or(target.clone(), |feature| target.join(feature));
        Ok(built.get_or_init(|| Self {
            drydock: place.join(architecture.target()).join("release/drydock"),
            test_init: device.join("release/test-init"),
            defective: device.join("release/defective"),
            bundle: target.join("debug/drydock-bundle"),
            initramfs: target.join("debug/drydock-initramfs"),
            grub_modules: (architecture != ARCHITECTURE).then_some(foreign),
        }))
    }
}

fn build(architecture: Architecture, options: &[&str]) -> Result<(), QemuError> {
    let mut command = Command::new(repository().join("tools/build.sh"));
    run(command.args(["--target", architecture.name()]).args(options)).map(|_| ())
}
