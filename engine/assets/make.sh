#!/bin/sh
# Makes the empty ext4 filesystems that drydock puts on a new `data` volume, byte for byte the same each time:
# mke2fs of e2fsprogs 1.47.0 (Debian 12), zstd 1.5.4.
#
# All features are named here, so the host's mke2fs.conf does not matter. Metadata_csum_seed lets the UUID change without
# touching any other checksum. packed_meta_blocks puts bitmaps, inode tables and the journal at the start, so
# that everything behind them need not be written: the file is cut off there. The reserved descriptors let the
# kernel grow it to 1 TiB in place, and beyond that with meta_bg.
set -eu
cd "$(dirname "$0")"

config=$(mktemp)
trap 'rm -f "$config"' EXIT
printf '[fs_types]\next4 = {\n\tinode_size = 256\n}\nsmall = {\n\tinode_size = 256\n}\n' >"$config"

make() { # NAME SIZE_MIB INODES
    image=$(mktemp)
    truncate -s "$2M" "$image"
    MKE2FS_CONFIG=$config E2FSPROGS_FAKE_TIME=1700000000 mke2fs -q -F -t ext4 -b 4096 -I 256 -N "$3" -m 0 -L data \
        -U 00000000-0000-4000-8000-000000000000 -J size=4 \
        -O none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum,metadata_csum_seed \
        -E hash_seed=00000000-0000-4000-8000-000000000000,resize=268435456,packed_meta_blocks=1,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0 \
        "$image"
    e2fsck -fn "$image" >/dev/null 2>&1
    # The last run of free blocks goes to the end of the filesystem: nothing is cut off but free blocks.
    free=$(dumpe2fs "$image" 2>/dev/null | sed -n 's/^  Free blocks: \(.*, \)\{0,1\}\([0-9][0-9]*\)-\([0-9]*\)$/\2 \3/p')
    [ "${free#* }" = $(($2 * 256 - 1)) ]
    truncate -s $((${free% *} * 4096)) "$image"
    zstd -q -19 -f "$image" -o "$1"
    rm "$image"
}

make ext4-64m.zst 64 8192
make ext4-16m.zst 16 2048
