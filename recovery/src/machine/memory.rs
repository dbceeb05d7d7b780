//! How much memory there is, and what uploads may have of it.

#[cfg(feature = "service")]
use drydock_engine::service::landing::Memory;
#[cfg(feature = "service")]
use std::sync::Arc;

/// The part of the available memory that an upload may take: the installation needs the rest.
#[cfg(feature = "service")]
const SHARE: u64 = 4;

/// Returns how much memory `/proc/meminfo` says is available, in KiB.
pub(super) fn memory_available_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

/// Returns the memory that uploads go to where there is no other place for them. Nothing of it is taken before one comes.
#[cfg(feature = "service")]
pub(super) fn for_uploads() -> Arc<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = memory_available_kib(&text).unwrap_or(0);
    Arc::new(Memory::new((available << 10) / SHARE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_available_is_found_or_nothing_is() {
        let meminfo =
            "MemTotal:         480028 kB\nMemFree:  1 kB\nMemAvailable:     450992 kB\nBuffers: 0 kB\n";
        assert_eq!(memory_available_kib(meminfo), Some(450_992));
        assert_eq!(memory_available_kib("MemTotal: 1 kB\n"), None);
    }

    #[cfg(feature = "service")]
    #[test]
    fn uploads_may_have_some_of_it_and_not_all() {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let room = drydock_engine::fetch::Keep::room(&*for_uploads()).unwrap();
        assert!(room > 0 && room < memory_available_kib(&text).unwrap() << 10);
    }
}
