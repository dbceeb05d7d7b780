//! A fetch as a device makes it: its own client, its own decisions of what it lacks.

use crate::Fallible;
use drydock_config::Network;
use drydock_engine::event::Silent;
use drydock_engine::fetch::{Keep, Session};
use drydock_recovery::machine::KeptFile;
use drydock_recovery::net::{
    Client, Dial, Manners, Parts, RealPace, SystemNames, Tls, Wall, authorities, client_config,
};
use drydock_simulator::native;
use drydock_state::Record;
use drydock_transfer::{Address, Waits};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long one try may be silent.
const QUIET: Duration = Duration::from_secs(120);

/// Fetches what the device in a folder lacks of a bundle, into a file there.
pub(crate) fn fetch(folder: &Path, url: &str, name: &str, threads: &str) -> Fallible<()> {
    let wall = Wall::of(&Record::default());
    let roots = authorities(&[])?;
    let tls = || {
        Ok::<_, drydock_engine::Error>(Tls { config: client_config(roots.clone(), wall, None)?, name: None })
    };
    let dial = Dial::new(Parts {
        network: Network::default(),
        shown: tls()?,
        hidden: tls()?,
        names: Arc::new(SystemNames),
    })?;
    let client = Client::new(vec![Address::parse(url)?], dial, None, Manners::default());
    let session =
        Session::new(Box::new(client), Arc::new(RealPace(wall)), Arc::new(Silent), Waits::default(), QUIET);
    let keep: Arc<dyn Keep> = Arc::new(KeptFile::at(&folder.join(name))?);
    native::fetch(folder, threads.parse()?, session, &keep, url)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nginx::Nginx;
    use crate::tools::make_bundle;
    use drydock_fixtures::noise;
    use drydock_simulator::native::{Base, SET_A, Zeros};
    use std::fs;

    /// Lets a device fetch a bundle and install it. Returns how many bytes came.
    fn updates(folder: &Path, files: &Path, image: &[u8]) -> u64 {
        let server = Nginx::start(files, &folder.join("nginx")).unwrap();
        fetch(folder, &server.url("new.drydock"), "fetched", "2").unwrap();
        let sent = server.sent().unwrap();
        native::install(folder, "fetched", 2, Zeros::Written).unwrap();
        assert!(fs::read(folder.join(SET_A)).unwrap().starts_with(image));
        assert!((3..20).contains(&sent.requests), "{sent:?}");
        sent.bytes
    }

    #[test]
    fn a_device_fetches_a_delta_where_it_has_the_base_and_installs_what_it_fetched() {
        // Beside the program, where the disk is: devices read and write past the page cache.
        let program = std::env::current_exe().unwrap();
        let dir = tempfile::tempdir_in(program.parent().unwrap()).unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut image = noise(6 << 20, 1);
        fs::write(path("old"), &image).unwrap();
        image[3_000_000..3_000_100].fill(9);
        fs::write(path("new"), &image).unwrap();
        let (has, lacks, files) = (path("has"), path("lacks"), path("files"));
        fs::create_dir(&has).unwrap();
        fs::create_dir(&files).unwrap();
        make_bundle("1", &path("old"), None, &has.join("old.drydock")).unwrap();
        make_bundle("2", &path("new"), Some(&has.join("old.drydock")), &files.join("new.drydock")).unwrap();
        native::settle_in(&has, "old.drydock", 2).unwrap();
        native::twin(&has, &lacks, Base::Lost).unwrap();
        let whole = updates(&lacks, &files, &image);
        native::blank(&has.join(SET_A)).unwrap();
        let delta = updates(&has, &files, &image);
        assert!(whole > 6 << 20 && delta < 60_000, "{whole}, {delta}");
    }
}
