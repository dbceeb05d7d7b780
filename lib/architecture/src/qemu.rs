use crate::Architecture;

/// What QEMU emulates a device of an architecture with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The program.
    pub program: &'static str,
    /// The value of `-machine`.
    pub machine: &'static str,
    /// The value of `-machine` that U-Boot is built for.
    pub u_boot: &'static str,
    /// The value of `-cpu` under software emulation.
    pub cpu: &'static str,
    /// The kernel's name of its first serial port, with its speed where it has one.
    pub console: &'static str,
    /// The modules of Debian's kernel with which this processor's own instructions encrypt, and hash where the kernel has not
    /// built that in.
    pub ciphers: &'static [&'static str],
    /// EFI firmware for it.
    pub efi: EfiFirmware,
    /// What there is instead where the firmware is to know Secure Boot.
    pub secure_boot: Option<SecureBoot>,
}

/// EFI firmware for QEMU that knows Secure Boot, from the same package as the other; its variables are made of the same template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecureBoot {
    /// The code.
    pub code: &'static str,
    /// The value of `-machine`: the firmware has a mode of the processor to itself.
    pub machine: &'static str,
    /// The value of `-global` with which only this mode writes the variables.
    pub global: &'static str,
}

/// EFI firmware for QEMU, as Debian packages it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EfiFirmware {
    /// The code, the same for all machines.
    pub code: &'static str,
    /// The variables of a new machine.
    pub variables: &'static str,
    /// Debian's package that has both.
    pub package: &'static str,
}

impl Architecture {
    /// Returns QEMU's machine for it.
    pub const fn machine(self) -> Machine {
        match self {
            Self::X86_64 => Machine {
                program: "qemu-system-x86_64",
                machine: "q35",
                u_boot: "pc",
                cpu: "max,-erms",
                console: "ttyS0,115200",
                ciphers: &["aesni-intel"],
                efi: EfiFirmware {
                    code: "/usr/share/OVMF/OVMF_CODE_4M.fd",
                    variables: "/usr/share/OVMF/OVMF_VARS_4M.fd",
                    package: "ovmf",
                },
                secure_boot: Some(SecureBoot {
                    code: "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
                    machine: "q35,smm=on",
                    global: "driver=cfi.pflash01,property=secure,value=on",
                }),
            },
            // Cryptography of `-cpu max` takes several times as long to emulate.
            Self::Aarch64 => Machine {
                program: "qemu-system-aarch64",
                machine: "virt",
                u_boot: "virt",
                cpu: "cortex-a53",
                console: "ttyAMA0",
                ciphers: &["aes-ce-blk", "sha2-ce"],
                efi: EfiFirmware {
                    code: "/usr/share/AAVMF/AAVMF_CODE.fd",
                    variables: "/usr/share/AAVMF/AAVMF_VARS.fd",
                    package: "qemu-efi-aarch64",
                },
                secure_boot: None,
            },
        }
    }
}
