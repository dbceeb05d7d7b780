/// The names below `/dev` of all consoles: those on the kernel's command line, then those that the kernel itself
/// writes to (`/sys/class/tty/console/active`). Each comes once.
pub(super) fn consoles(command_line: &str, active: &str) -> Vec<String> {
    let configured = command_line.split_whitespace().filter_map(|word| word.strip_prefix("console="));
    let mut names: Vec<String> = vec![];
    for name in configured.chain(active.split_whitespace()) {
        let name = name.split(',').next().unwrap_or_default().trim_start_matches("/dev/");
        // An empty name and `null` switch consoles off; others of these forms are drivers, not nodes.
        let node =
            !name.is_empty() && !["null", "uart", "netcon"].iter().any(|other| name.starts_with(other));
        if node && !name.contains("..") && names.iter().all(|known| known != name) {
            names.push(name.into());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::consoles;

    #[test]
    fn every_console_comes_once_and_without_its_speed() {
        let line = "quiet console=tty0 console=ttyS0,115200n8 drydock.recovery console=/dev/hvc0 noconsole=x";
        assert_eq!(consoles(line, "tty0 ttyS0\n"), ["tty0", "ttyS0", "hvc0"]);
        assert_eq!(consoles("console=uart8250,io,0x3f8", "ttyS0"), ["ttyS0"]);
        assert_eq!(consoles("console= console=null", ""), [""; 0]);
    }
}
