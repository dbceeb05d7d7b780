#!/bin/sh
# Measures what an update from one image to another costs, with drydock's deltas and with others' tools.
#
#   tools/bench-delta.sh [--only ROW]... [[NAME=]OLD NEW]...
#
# Without images four real Debian systems are made, and three pairs of them measured. The others' tools are installed: from
# Debian those below, and HDiffPatch from Python's package index into target/bench-delta/python. Needs 4 GB of memory and 8 GB of
# disk, and an hour or more: run it under nice on a machine that others use. Run by make, as root.
set -eu
cd "$(dirname "$0")/.."
folder=target/bench-delta
peers="bsdiff casync zchunk xdelta3 nginx-light python3-venv time"
hdiffpatch=hdiffpatch==2.6.0

missing=
for package in $peers; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "bench-delta: installing$missing"
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing
fi
if [ "$(cat $folder/python/installed 2>/dev/null)" != $hdiffpatch ]; then
    echo "bench-delta: installing $hdiffpatch in $folder/python"
    rm -rf $folder/python
    /usr/bin/python3 -m venv $folder/python
    $folder/python/bin/pip --quiet --disable-pip-version-check install $hdiffpatch
    echo $hdiffpatch > $folder/python/installed
fi

# Every word that is an option is followed by its value: an image is the last word, or there is none.
images=no
option=no
for word in "$@"; do
    images=no
    case $option$word in
        no--only) option=yes ;;
        no*) images=yes ;;
        *) option=no ;;
    esac
done
if [ $images = no ]; then
    tools/debian-images.sh $folder/debian
    set -- "$@" "security updates=$folder/debian/v1.erofs" $folder/debian/v15.erofs \
        "with a new kernel=$folder/debian/v1.erofs" $folder/debian/v2.erofs \
        "nginx added=$folder/debian/v2.erofs" $folder/debian/v3.erofs
fi

# The tool that makes bundles is measured as it is, without the features of what measures it.
cargo build --quiet --locked --release -p drydock-bundle
exec cargo run --quiet --locked --release -p drydock-peers --features network --bin bench-delta -- "$@"
