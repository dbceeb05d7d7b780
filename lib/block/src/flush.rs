/// The name of every flush in drydock, with the invariant that it guards.
///
/// The crash simulator swallows them one name at a time and must then find a broken device; a flush whose
/// loss nothing notices has no business here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Flush {
    /// A slot's trailer is gone from the medium before the first byte of its image changes.
    TrailerInvalidated,
    /// An image and its hash tree are on the medium before they are read back and proven.
    ImageWritten,
    /// A slot's new trailer is on the medium before the state says that the slot may boot.
    TrailerWritten,
    /// The first replica of the state record is on the medium before the second one is touched.
    StateFirstReplica,
    /// Both replicas of the state record are on the medium before anything relies on the new record.
    StateSecondReplica,
    /// The bootloader's environment is on the medium before control is handed over; where it is in two files, the first one
    /// before the second one is touched.
    BootEnvironment,
    /// A new LUKS volume has no key slot, header or secondary header of an older one left.
    LuksOldHeaderWiped,
    /// The first header of a LUKS2 volume is on the medium before the second one is touched.
    LuksFirstHeader,
    /// Both headers of a LUKS2 volume are on the medium.
    LuksSecondHeader,
    /// A damaged or older header of a LUKS2 volume is made good before the newer one is touched.
    LuksHeadersEqual,
    /// The key material of a key slot is on the medium before a header refers to it.
    LuksKeyMaterial,
    /// The key material of a destroyed key slot is gone from the medium.
    LuksKeySlotWiped,
    /// What is kept, and the new volume's header, are on the medium before the old key slots are destroyed.
    StashCommitted,
    /// The stash is empty before the state says that the reset is over.
    StashCleared,
    /// A partition is overwritten before the state says so.
    PartitionWiped,
    /// A fresh filesystem is on the medium before it is mounted.
    FilesystemWritten,
    /// What a file holds is on the medium before its name leads to it.
    FileWritten,
    /// A file's new name is on the medium before anybody relies on it.
    FileNamed,
    /// A folder that was made is on the medium before anybody relies on a file in it.
    FolderNamed,
    /// A tree of files is on the medium before its name leads to it.
    TreeWritten,
    /// A tree's name leads to it on the medium before the one that had the name is removed.
    TreeNamed,
    /// What survives a factory reset is in the new filesystem before the stash is cleared.
    FilesKept,
    /// What was fetched of a bundle is on the medium before it is claimed to be.
    BundleFetched,
    /// A fetched bundle is gone from the medium before the claim by which it is found to be removed.
    BundleRemoved,
    /// A bundle is on the medium before the intent that names it.
    BundleOffered,
}
