//! Makes devices: their configuration, releases for them, and a disk as it is flashed.

use crate::application;
use crate::contents::Contents;
use crate::disk::SimDisk;
use crate::images::{changed, image, seed, with_tree};
use crate::setup::{Flashed, Setup};
use crate::volume::{self, IDENTITY};
use drydock_block::{BlockDevice, Section};
use drydock_bundle::create::{Input, Known, Recipe, create, default_salt};
use drydock_bundle::keys::PrivateKey;
use drydock_bundle::slim;
use drydock_config::{Config, Data, DataFailure, Kib, Role, SlotClass, Wipe, WipeHow};
use drydock_engine::machine::Device;
use drydock_engine::reset::archive::{Entry, Kind};
use drydock_fixtures::Random;
use drydock_fixtures::{Parts, key};
use drydock_format::trailer::{self, Trailer};
use drydock_format::tree::{BLOCK, GROUP};
use drydock_format::{Bundle, MANIFEST, Manifest, SIGNATURES};
use drydock_luks::{Cost, FormatOptions, Unlocked};
use drydock_models::CryptDevice;
use drydock_state::{CopyName, SetInfo, SetName, SlotName, Store, UnixTime, transition};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The `compatible` of all simulated devices.
pub const COMPATIBLE: &str = "simulated-pump";
/// The releases that there are.
pub const VERSIONS: [&str; 5] = ["1", "2", "3", "4", LIKE_THE_FIRST];
/// The release that is much like version 1, and carries deltas from it.
pub const LIKE_THE_FIRST: &str = "5";
/// Those of them that bring a recovery.
const WITH_RECOVERY: [&str; 2] = ["1", "4"];
/// The slot class of the recovery's own two copies.
pub const RECOVERY: &str = "recovery";
/// The size of the boot images in bytes.
const BOOT_SIZE: usize = 4 * BLOCK;
/// The size of the recovery's images in bytes.
const RECOVERY_SIZE: usize = 3 * BLOCK;
/// What opens every `data` volume.
pub const DATA_KEY: &[u8] = b"key";
/// The size of the partition `data` where its filesystem is simulated.
pub const DATA_SIZE: u64 = volume::PAYLOAD + (64 << 10);
/// The size of the smallest filesystem that drydock makes.
const REAL_SIZE: u64 = 16 << 20;
/// Room in a slot beyond what an image of that size needs.
const SPARE: u64 = 32 << 10;
const PARTITION_SIZE: u64 = 1 << 20;
/// Where the payload of a LUKS container begins: two headers and the smallest area of key slots.
const PAYLOAD: u64 = 0x8000 + 2 * 0x4_0000;

/// A release, and what has to be in the slots where it is installed.
pub struct Release {
    /// Its version.
    pub version: String,
    /// The bundle.
    pub bundle: Arc<Vec<u8>>,
    /// The bytes of its manifest.
    pub manifest: Vec<u8>,
    /// The bytes of its signatures.
    pub signatures: Vec<u8>,
    /// What the state record keeps of it.
    pub info: SetInfo,
    /// For each slot class the image's name, its size, and the image with its hash tree.
    pub contents: BTreeMap<String, (String, usize, Vec<u8>)>,
}

/// Everything that a device is made from.
pub struct Workshop {
    /// The kind of disk.
    pub setup: Setup,
    /// The device's configuration.
    pub config: Config,
    /// The releases of [`VERSIONS`], in this order.
    pub releases: Vec<Release>,
    /// Who signs: the first two, and devices trust the first. Nobody knows the third.
    pub keys: Vec<PrivateKey>,
    folder: tempfile::TempDir,
    partitions: BTreeMap<String, Range<u64>>,
    volumes: BTreeMap<String, Unlocked>,
    blank: Contents,
}

impl Workshop {
    /// Makes releases and a blank disk.
    pub fn new(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let keys: Vec<PrivateKey> = (1..=3).map(key).collect();
        let class = |class: &str, role, encrypted| SlotClass { encrypted, ..SlotClass::new(class, role) };
        let mut slots = vec![
            class("boot", Role::Boot, false),
            class("root", Role::Root, setup.luks),
            class(RECOVERY, Role::Recovery, false),
        ];
        if setup.files {
            slots.push(class(application::CLASS, Role::Files, false));
        }
        let mut config = Config::new(COMPATIBLE, slots, keys[0].public().unwrap().to_string());
        config.data = Some(Data {
            label: "data".into(),
            encrypted: setup.data.is_encrypted(),
            provision: setup.data.is_blank(),
            mount: "/var".into(),
            on_failure: DataFailure::Recovery,
            kdf_memory_kib: Kib(32),
            kdf_iterations: 1,
        });
        setup.loader.configure(&mut config);
        config.factory_reset.keep = vec!["identity".into()];
        config.wipes = vec![Wipe { label: "logs".into(), how: WipeHow::Zero, encrypted: false }];
        let mut workshop = Self {
            setup,
            config,
            releases: Vec::new(),
            keys,
            folder,
            partitions: BTreeMap::new(),
            volumes: BTreeMap::new(),
            blank: Contents::new(0),
        };
        workshop.releases = (1..).zip(VERSIONS).map(|(n, version)| workshop.release(version, n)).collect();
        workshop.lay_out();
        workshop.format();
        workshop
    }

    /// Makes a bundle of the images, signed by the first two keys.
    pub fn bundle(&self, version: &str, security_version: u32, images: &[(&str, Vec<u8>)]) -> Vec<u8> {
        self.bundle_for(version, security_version, images, &[])
    }

    /// Makes a bundle of the images, with deltas for devices that have these.
    pub fn bundle_for(
        &self,
        version: &str,
        security_version: u32,
        images: &[(&str, Vec<u8>)],
        bases: &[(&str, Vec<u8>)],
    ) -> Vec<u8> {
        let input = |(name, bytes): &(&str, Vec<u8>)| {
            let path = self.folder.path().join(format!("{name}.img"));
            std::fs::write(&path, bytes).expect("a temporary file can be written");
            Input { name: (*name).into(), class: (*name).into(), path }
        };
        let known = |(name, bytes): &(&str, Vec<u8>)| {
            let path = self.folder.path().join(format!("{name}.base"));
            std::fs::write(&path, bytes).expect("a temporary file can be written");
            Known { image: Some((*name).into()), path }
        };
        let recipe = Recipe {
            hooks: Default::default(),
            compatible: COMPATIBLE.into(),
            version: version.into(),
            security_version,
            salt: default_salt(COMPATIBLE),
            frame_size: GROUP as u32,
            level: 1,
            workers: 1,
            images: images.iter().map(input).collect(),
            pins: Vec::new(),
            bases: bases.iter().map(known).collect(),
            keys: (1..=2).map(key).collect(),
        };
        let path = self.folder.path().join("bundle");
        create(&recipe, &path, |_, _, _| {}).expect("the recipe is right");
        std::fs::read(&path).expect("it was just written")
    }

    /// A version's bundle without the frames of the images that its deltas lead to.
    pub fn slim(&self, version: &str) -> Vec<u8> {
        let bundle =
            Bundle::open_unverified(self.version(version).bundle.to_vec()).expect("it was made right");
        let bases = ["boot", "root"].map(|name| Known {
            image: Some(name.into()),
            path: self.folder.path().join(format!("{name}.base")),
        });
        let path = self.folder.path().join("slim");
        slim(&bundle, &bases, &path).expect("it has deltas from these");
        std::fs::read(&path).expect("it was just written")
    }

    /// The images of a release's set: every version differs in all but the last four blocks of the root.
    pub fn images(&self, version: &str) -> [(&'static str, Vec<u8>); 2] {
        if version == LIKE_THE_FIRST {
            return self.images(VERSIONS[0]).map(|(name, bytes)| (name, changed(bytes)));
        }
        let seed = seed(version);
        let mut root = image(seed, (self.setup.root_blocks - 4) * BLOCK);
        root.extend(image(1, 4 * BLOCK));
        [("boot", image(seed + 1, BOOT_SIZE)), ("root", root)]
    }

    fn release(&self, version: &str, security_version: u32) -> Release {
        let mut images = self.images(version).to_vec();
        if WITH_RECOVERY.contains(&version) {
            images.push((RECOVERY, image(seed(version) + 2, RECOVERY_SIZE)));
        }
        if self.setup.files {
            images.push((application::CLASS, application::image(version)));
        }
        let bases: &[(&str, Vec<u8>)] =
            if version == LIKE_THE_FIRST { &self.images(VERSIONS[0]) } else { &[] };
        let bundle = self.bundle_for(version, security_version, &images, bases);
        let mut parts = Parts::of(&bundle);
        let (manifest, signatures) = (parts.get(MANIFEST).clone(), parts.get(SIGNATURES).clone());
        let parsed = Manifest::parse(&manifest).unwrap();
        let contents = parsed.images.iter().zip(images).map(|(image, (_, bytes))| {
            let upper = parts.get(&format!("{}.groups", image.name)).clone();
            let size = bytes.len();
            (image.class.clone(), (image.name.clone(), size, with_tree(image, bytes, &upper)))
        });
        let info = drydock_engine::release::info(&parsed, Manifest::digest(&manifest));
        let contents = contents.collect();
        Release { version: version.into(), bundle: Arc::new(bundle), manifest, signatures, info, contents }
    }

    fn lay_out(&mut self) {
        let trailer = 16 << 10;
        let content = |class| self.releases[0].contents[class].2.len() as u64 + trailer + SPARE;
        let luks = if self.setup.luks { PAYLOAD } else { 0 };
        let (boot, root, recovery) = (content("boot"), content("root") + luks, content(RECOVERY));
        let data = match self.setup.data {
            Flashed::Made => DATA_SIZE,
            Flashed::Blank { .. } => DATA_SIZE + REAL_SIZE,
        };
        let sizes = [
            // With room for a spare place of each copy.
            ("state", 4 * PARTITION_SIZE),
            ("boot-a", boot),
            ("boot-b", boot),
            ("root-a", root),
            ("root-b", root),
            ("recovery-a", recovery),
            ("recovery-b", recovery),
            ("stash", 128 << 10 | 256 << 10),
            ("factory", self.releases.iter().map(|release| release.bundle.len() as u64).max().unwrap()),
            ("logs", 32 << 10),
            ("data", data),
        ];
        let of_files = self.config.class_with_role(Role::Files).into_iter().flat_map(|class| {
            let size = content(class.class.as_str());
            let slots = SetName::BOTH.map(|set| (set.label(&class.class), size));
            slots.into_iter().chain([(application::PARTITION.to_owned(), application::PARTITION_SIZE)])
        });
        let sizes: Vec<_> =
            sizes.into_iter().map(|(label, size)| (label.to_owned(), size)).chain(of_files).collect();
        let of_loader = self.setup.loader.partitions().iter().map(|&(label, size)| (label.to_owned(), size));
        let mut start = 0;
        for (label, size) in of_loader.chain(sizes) {
            let end = start + size.next_multiple_of(4096);
            self.partitions.insert(label, start..end);
            start = end;
        }
        self.blank = Contents::new(start);
    }

    /// Puts what the bootloader reads and the LUKS containers on the blank disk.
    fn format(&mut self) {
        let disk = Arc::new(self.switch_on(self.blank.clone()));
        self.setup.loader.lay_out(&|label| self.partition(&disk, label));
        if self.setup.luks {
            for set in SetName::BOTH {
                let label = set.label("root");
                let options = FormatOptions {
                    sector_size: self.setup.sector,
                    data_offset: PAYLOAD,
                    key_size: 32,
                    ..FormatOptions::new(Cost::Pbkdf2 { iterations: 1000 })
                };
                let mut fill = Random::new(if set == SetName::A { 11 } else { 12 }).source();
                let partition = self.partition(&disk, &label).unwrap();
                let unlocked = drydock_luks::format(&partition, b"key", &options, &mut fill).unwrap();
                self.volumes.insert(label, unlocked);
            }
        }
        if self.setup.data == Flashed::Made {
            let data = self.partition(&disk, "data").unwrap();
            let options = volume::format_options();
            let mut fill = Random::new(13).source();
            let unlocked = drydock_luks::format(&data, DATA_KEY, &options, &mut fill).unwrap();
            volume::make(&CryptDevice::new(&data, &unlocked).unwrap(), &self.old_data()).unwrap();
            self.volumes.insert("data".into(), unlocked);
        }
        let logs = self.partition(&disk, "logs").unwrap();
        logs.write_at(0, &image(14, logs.size() as usize)).unwrap();
        let mut bundle = self.version("3").bundle.to_vec();
        let factory = self.partition(&disk, "factory").unwrap();
        bundle.resize(factory.size() as usize, 0);
        factory.write_at(0, &bundle).unwrap();
        self.blank = disk.view();
        if let Flashed::Blank { erased, .. } = self.setup.data {
            self.blank.fill(&self.range("data"), erased);
        }
    }

    /// What `data` holds when the device leaves the workshop: what is kept at a reset, and more.
    pub fn old_data(&self) -> Vec<u8> {
        [&self.kept()[..], &image(15, 4096)].concat()
    }

    /// What survives a factory reset.
    pub fn kept(&self) -> Vec<u8> {
        let path = Path::new("identity");
        let file = Entry { kind: Kind::File, path, mode: 0o600, uid: 0, gid: 0, contents: IDENTITY };
        let mut archive = Vec::new();
        assert!(file.append(&mut archive));
        archive
    }

    /// The key of the `data` volume with which the device leaves the workshop.
    pub fn old_data_key(&self) -> &[u8] {
        self.volumes["data"].volume_key().expect("the key has bytes")
    }

    /// A disk with these contents.
    pub fn switch_on(&self, contents: Contents) -> SimDisk {
        SimDisk::new(contents, self.setup.sector, self.setup.discard)
    }

    /// Where a partition lies on the disk, in bytes.
    pub fn range(&self, label: &str) -> Range<u64> {
        self.partitions[label].clone()
    }

    /// The partitions of all slots of the sets.
    pub fn slots(&self) -> Vec<(&SlotClass, SetName, Range<u64>)> {
        let both = |class| SetName::BOTH.map(|set: SetName| (class, set));
        let slots = self.config.set_classes().flat_map(both);
        slots.map(|(class, set)| (class, set, self.range(&set.label(class.partition())))).collect()
    }

    /// A partition of a disk, if there is one with this label.
    pub fn partition(&self, disk: &Arc<SimDisk>, label: &str) -> Option<Device> {
        let range = self.partitions.get(label)?;
        Some(Arc::new(Section::new(disk.clone(), range.start, range.end - range.start).unwrap()))
    }

    /// A slot of a disk; the inside of it where it is a LUKS container.
    pub fn slot(&self, disk: &Arc<SimDisk>, class: &str, name: impl Into<SlotName>) -> Option<Device> {
        let label = name.into().label(class);
        let partition = self.partition(disk, &label)?;
        Some(match self.volumes.get(&label) {
            Some(unlocked) => Arc::new(CryptDevice::new(partition, unlocked).unwrap()),
            None => partition,
        })
    }

    /// The release with this version.
    pub fn version(&self, version: &str) -> &Release {
        self.releases.iter().find(|release| release.version == version).expect("a release of that version")
    }

    /// A disk as it leaves the workshop: version 1 in set a and in both copies of the recovery, set b blank.
    pub fn flashed(&self) -> Contents {
        let disk = Arc::new(self.switch_on(self.blank.clone()));
        let release = &self.releases[0];
        let set = self.config.set_classes().map(|class| (class.class.as_str(), SlotName::Set(SetName::A)));
        for (class, name) in set.chain(CopyName::BOTH.map(|copy| (RECOVERY, SlotName::Copy(copy)))) {
            let (image, _, content) = &release.contents[class];
            let slot = self.slot(&disk, class, name).unwrap();
            slot.write_at(0, content).unwrap();
            let (manifest, signatures) = (release.manifest.clone(), release.signatures.clone());
            trailer::write(&slot, &Trailer { manifest, signatures, image: image.clone() }).unwrap();
        }
        let record = transition::flashed(release.info.clone(), UnixTime(0));
        let (mut store, _) = Store::open(self.partition(&disk, "state").unwrap(), None).unwrap();
        store.write(&record).unwrap();
        let told = self.setup.loader.open(&|label| self.partition(&disk, label));
        told.want(&record.wanted(self.config.boot.attempts)).unwrap();
        disk.view()
    }
}
