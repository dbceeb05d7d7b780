#!/bin/sh
# Prints the path of an apt configuration that gets Debian's packages for another processor, in Debian's name for it, without
# telling this machine's dpkg of it: nothing can be installed with it, only looked up and downloaded.
#
#   APT_CONFIG=$(tools/foreign-apt.sh arm64) apt-get download linux-image-cloud-arm64
#
# It has lists of its own in $CARGO_TARGET_DIR/foreign/ARCHITECTURE (default target/...), which are fetched again after a day.
set -eu
[ $# = 1 ] || { echo "usage: foreign-apt.sh ARCHITECTURE" >&2; exit 2; }
cd "$(dirname "$0")/.."
mkdir -p "${CARGO_TARGET_DIR:-target}/foreign/$1"
cd "${CARGO_TARGET_DIR:-target}/foreign/$1"
mkdir -p lists/partial cache/archives/partial
cat > apt.conf <<END
Dir::State::Lists "$PWD/lists";
Dir::Cache "$PWD/cache";
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Sandbox::User "root";
END
# One process at a time fetches; the others wait and find it done.
exec 9> lock
flock 9
if [ -z "$(find fetched -mtime -1 2> /dev/null)" ]; then
    APT_CONFIG=$PWD/apt.conf apt-get -q update >&2
    touch fetched
fi
echo "$PWD/apt.conf"
