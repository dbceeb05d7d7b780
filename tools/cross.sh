# What cargo needs to build for $target, which is not this machine's own. Sourced by build.sh and test-foreign.sh, from the top
# folder of the sources; tools/setup-foreign.sh installs it all.
#
# It exports the compiler of Debian's that links, the runner that emulates the processor, and, where rustup has not installed the
# standard library for the target, the wrappers of Debian's Rust that tools/foreign-rust.sh has made. $lld becomes the arguments
# with which the C compiler links with LLVM's linker: only that one folds equal functions and packs relocations for any processor.
case $target in
    aarch64-unknown-linux-gnu) compiler=aarch64-linux-gnu-gcc runner=qemu-aarch64-static ;;
    armv7-unknown-linux-gnueabihf) compiler=arm-linux-gnueabihf-gcc runner=qemu-arm-static ;;
    *) echo "no compiler is known for $target" >&2; exit 2 ;;
esac
command -v $compiler > /dev/null || { echo "$compiler is missing; tools/setup-foreign.sh installs it" >&2; exit 1; }
# Cargo's variables for this target begin so.
variable=CARGO_TARGET_$(echo "$target" | tr 'a-z-' 'A-Z_')
# The C library's headers for devicemapper's bindings are this machine's: nothing of them is linked.
export "${variable}_LINKER=$compiler" "${variable}_RUNNER=$runner" PKG_CONFIG_ALLOW_CROSS=1

root=$(rustc --print sysroot)/lib/rustlib
if [ -d "$root/$target" ]; then
    lld="-B$root/$(rustc -vV | sed -n 's/^host: //p')/bin/gcc-ld -fuse-ld=lld"
else
    foreign=${CARGO_TARGET_DIR:-$PWD/target}/foreign-rust/$target
    [ -x "$foreign/bin/rustc" ] || {
        echo "Rust's standard library for $target is missing: tools/setup-foreign.sh gets it, or \`rustup target add $target\`" >&2
        exit 1
    }
    export "RUSTC=$foreign/bin/rustc" "RUSTDOC=$foreign/bin/rustdoc"
    lld=-fuse-ld=lld
fi
