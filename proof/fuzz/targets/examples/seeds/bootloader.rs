//! What bootloaders other than GRUB keep.

use crate::write;
use drydock_fixtures::sh;
use drydock_state::efi_boot_guard::ENV_SIZE;
use drydock_state::u_boot::Environment;
use drydock_state::{CopyName, Generation, Mode, SetName, Starts, Wanted};
use std::path::Path;

/// U-Boot's: two copies, the flag of each and its strings.
pub(crate) fn u_boot_seeds() {
    let told = |generation: u32, flag: u8, first, mode| {
        let attempts = Starts { a: 3, b: 0, recovery: 9 };
        let wanted = Wanted { generation: Generation(generation), first, mode, attempts, copy: CopyName::A };
        let board = Environment::from_lines(["bootcmd=run x", "odd=a\\\\b"].into_iter()).unwrap();
        let strings = board.telling(&wanted).strings().collect::<Vec<_>>().join(&0);
        [&[flag][..], &strings, &[0, 0]].concat()
    };
    for (name, flags) in [("second", [1, 2]), ("wrapped", [0, 255]), ("alike", [7, 7])] {
        let copies =
            [told(17, flags[0], SetName::A, Mode::Normal), told(18, flags[1], SetName::B, Mode::Recovery)];
        write("u_boot_env", name, &copies.concat());
    }
}

/// Environments as EFI Boot Guard's own tool makes them, without the zeros and the checksum at their end.
pub(crate) fn bgenv_seeds(work: &Path) {
    let told = "drydock=gen=00000017 order=ba mode=n a=1 b=1 r=1 copy=a pair=00000001";
    for (name, variables) in [("told", format!("-x '{told}' -x serial=0815")), ("untold", String::new())] {
        let set =
            format!("bg_setenv -f BGENV.DAT -r 2 -s INSTALLED -k C:boot-b:drydock.efi -w 40 {variables}");
        sh(work, &format!("rm -f BGENV.DAT; truncate -s {ENV_SIZE} BGENV.DAT; {set}"));
        let file = std::fs::read(work.join("BGENV.DAT")).unwrap();
        let end = file[..ENV_SIZE - 4].iter().rposition(|&byte| byte != 0).unwrap();
        write("bgenv", name, &file[..=end]);
    }
}
