//! The kernel's settings of an interface, and how they were before.

use std::fs;

/// What is changed on an interface. What a kernel does not have it does without.
const SETTINGS: [(&str, &str); 4] = [
    // A route over an interface without a carrier is none.
    ("ipv4/conf/{}/ignore_routes_with_linkdown", "1"),
    ("ipv6/conf/{}/ignore_routes_with_linkdown", "1"),
    ("ipv6/conf/{}/disable_ipv6", "{off}"),
    ("ipv6/conf/{}/accept_ra", "{auto}"),
];
/// The metric of the routes that the kernel makes of advertisements.
const METRIC: &str = "ipv6/conf/{}/ra_defrtr_metric";

/// Settings that were changed. They come back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Settings {
    before: Vec<(String, String)>,
}

impl Settings {
    /// Sets an interface up: whether it has IPv6 at all, whether by advertisements, and which metric it has.
    pub(super) fn apply(name: &str, ipv6: bool, advertised: bool, metric: u32) -> Self {
        let mut settings = Self::default();
        let bit = |on: bool| if on { "1" } else { "0" };
        settings.set(METRIC, name, &metric.to_string());
        for (path, value) in SETTINGS {
            let value = match value {
                "{off}" => bit(!ipv6),
                "{auto}" => bit(advertised),
                value => value,
            };
            settings.set(path, name, value);
        }
        settings
    }

    fn set(&mut self, path: &str, name: &str, value: &str) {
        // A dot in a name would be taken for a separator only by sysctl(8).
        let path = format!("/proc/sys/net/{}", path.replace("{}", name));
        let Ok(before) = fs::read_to_string(&path) else { return };
        if before.trim() != value && fs::write(&path, value).is_ok() {
            self.before.push((path, before));
        }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        for (path, before) in self.before.drain(..).rev() {
            let _ = fs::write(path, before);
        }
    }
}
