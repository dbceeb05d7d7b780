#!/bin/sh
# Debian's Rust for who has no rustup: the compiler for this machine, with the standard library for another processor beside it.
# Nothing is installed, and the Rust that is in use stays as it is: tools/cross.sh takes these only for the other processor.
#
#   tools/foreign-rust.sh ARCHITECTURE TARGET       # in Debian's name and in Rust's: arm64 aarch64-unknown-linux-gnu
#
# Everything is in $CARGO_TARGET_DIR/foreign-rust/TARGET (default target/...): root/ is unpacked packages, bin/ the wrappers rustc and
# rustdoc. LLVM's linker, which Debian's Rust does not bring, has to be installed (the package lld).
set -eu
[ $# = 2 ] || { echo "usage: foreign-rust.sh ARCHITECTURE TARGET" >&2; exit 2; }
cd "$(dirname "$0")/.."
command -v ld.lld > /dev/null || { echo "foreign-rust: ld.lld is missing; install the package lld" >&2; exit 1; }
place=${CARGO_TARGET_DIR:-target}/foreign-rust/$2
rm -rf "$place"
mkdir -p "$place/root" "$place/bin" "$place/debs"
place=$(readlink -f "$place")
foreign=$(tools/foreign-apt.sh "$1")
host=$(tools/foreign-apt.sh "$(dpkg --print-architecture)")

cd "$place/debs"
version=$(APT_CONFIG=$foreign apt-cache policy libstd-rust-web-dev | sed -n 's/^  Candidate: //p')
[ -n "$version" ] && [ "$version" != "(none)" ] || { echo "foreign-rust: Debian has no libstd-rust-web-dev for $1" >&2; exit 1; }
APT_CONFIG=$foreign apt-get -q download "libstd-rust-web-dev=$version"
# What the compiler runs with, by what depends on what: the names have versions in them.
depends() {
    APT_CONFIG=$host apt-cache show "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/^ *//;s/ .*//' | grep -E "$2" | head -n 1
}
APT_CONFIG=$host apt-get -q download "rustc-web=$version" "libstd-rust-web-dev=$version"
library=$(depends "libstd-rust-web-dev=$version" '^libstd-rust-web-[0-9]')
APT_CONFIG=$host apt-get -q download "$library=$version" "$(depends "$library=$version" '^libllvm')"
for package in *.deb; do
    dpkg-deb -x "$package" "$place/root"
done
cd ..
rm -r debs

for program in rustc rustdoc; do
    cat > "bin/$program" <<END
#!/bin/sh
LD_LIBRARY_PATH="$place/root/usr/lib:$place/root/usr/lib/$(uname -m)-linux-gnu" exec "$place/root/usr/bin/$program" --sysroot="$place/root/usr" "\$@"
END
    chmod +x "bin/$program"
done
[ -d "$place/root/usr/lib/rustlib/$2" ] || { echo "foreign-rust: Debian's package has no standard library for $2" >&2; exit 1; }
bin/rustc --version
