//! Runs each target's seeds, and a few seconds of changed ones. `DRYDOCK_FUZZ_SECONDS` sets how many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_fuzz_targets::smoke::{Done, run};
use drydock_fuzz_targets::{TARGETS, Target};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn smoke(name: &str) {
    let target = *TARGETS.iter().find(|target| target.name == name).unwrap();
    let seconds = std::env::var("DRYDOCK_FUZZ_SECONDS").map_or(2.0, |text| text.parse().unwrap());
    let random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seeds = fuzz_folder().join("seeds").join(name);
    let findings = fuzz_folder().join("artifacts");
    let done = run(target, &seeds, Duration::from_secs_f64(seconds), random, &findings).unwrap();
    let count = std::fs::read_dir(&seeds).unwrap().count() as u64;
    assert!(count > 0 && done.seeds_accepted == count, "{name} must accept its seeds: {done:?} of {count}");
    println!("{name}: {} inputs in {seconds} s", done.inputs);
}

macro_rules! smoke {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                smoke(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_run_here_and_built_for_libfuzzer() {
            let all: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(all, [$(stringify!($name)),*]);
            let manifest = std::fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
            for name in all {
                assert!(manifest.contains(&format!("\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n")), "{name}");
                let source = fuzz_folder().join(format!("fuzz_targets/{name}.rs"));
                assert!(std::fs::read_to_string(source).unwrap().contains(&format!("run(\"{name}\", data)")), "{name}");
            }
        }
    };
}

smoke! {
    answer archive bgenv boot_env channel ddi delta_index delta_plan delta_section dhcp dns ext4 fat file_list frame
    frame_table gpt groups gzip_unpack http_head key_line luks1 luks2 luks2_metadata lz4_unpack manifest modem_receive
    modem_send multipart page_request repack report router_advertisement signatures ssh_signature state_record
    supplement tar_header trailer trees u_boot_env
}

#[test]
fn the_runner_finds_a_panic_and_saves_what_caused_it() {
    fn fragile(data: &[u8]) -> bool {
        assert!(data.first() != Some(&0xff), "found");
        true
    }
    let folder = tempfile::tempdir().unwrap();
    let (seeds, findings) = (folder.path().join("seeds"), folder.path().join("findings"));
    std::fs::create_dir(&seeds).unwrap();
    std::fs::write(seeds.join("one"), b"abcd").unwrap();
    let target = Target { name: "fragile", run: fragile };
    let message = run(target, &seeds, Duration::from_secs(60), 7, &findings).unwrap_err();
    assert!(message.contains("fragile panicked"), "{message}");
    let saved = std::fs::read_dir(findings.join("fragile")).unwrap().next().unwrap().unwrap();
    assert_eq!(std::fs::read(saved.path()).unwrap()[0], 0xff);

    let sturdy = Target { name: "sturdy", run: |data| data.first() == Some(&b'a') };
    let done = run(sturdy, &seeds, Duration::ZERO, 7, &findings).unwrap();
    assert_eq!(done, Done { inputs: 1, seeds_accepted: 1 });
}
