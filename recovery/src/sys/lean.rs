//! Parts of the C and unwinding libraries that the device binary does without.
//!
//! The linker takes a library's member only for a symbol that nothing before it defines, so each function here
//! keeps out its namesake and all that hangs on it: together more than a fifth of the binary. Each answers as its
//! namesake does when it can't help. That is an error to whoever looks at the answer; whoever does not, such as a C
//! caller of `snprintf` that takes its buffer for filled, must not be added: the buffer is left as it was, without an
//! end.
use std::ffi::{c_char, c_int, c_uint, c_void};

/// Unwinding needs the tables that `tools/device.ld` leaves out, so each walk along the stack is at its end
/// (`_URC_END_OF_STACK`) before it begins. A panic still says where it was, and aborts. Takes with it the
/// standard library's reader of debugging information, which prints backtraces.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_: *const c_void, _: *const c_void) -> c_uint {
    5
}

/// What only the walk above could ask for, or a landing pad, which code that aborts has none of.
macro_rules! never_unwound {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            std::process::abort()
        }
    )*};
}
never_unwound! {
    _Unwind_ForcedUnwind _Unwind_GetCFA _Unwind_GetDataRelBase _Unwind_GetIP _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData _Unwind_GetRegionStart _Unwind_GetTextRelBase _Unwind_Resume _Unwind_SetGR
    _Unwind_SetIP __gcc_personality_v0
}

/// Where a thread's stack is: the standard library asks to word the message on a stack overflow, and does
/// without. Takes with it `sscanf`, with which glibc reads `/proc/self/maps`, and its floating-point parsers.
#[unsafe(no_mangle)]
extern "C" fn pthread_getattr_np(_: *const c_void, _: *mut c_void) -> c_int {
    nix::libc::ENOSYS
}

/// A failed assertion inside glibc: aborts without its message, and so without its translations.
#[unsafe(no_mangle)]
extern "C" fn __assert_fail(_: *const c_char, _: *const c_char, _: c_uint, _: *const c_char) -> ! {
    std::process::abort()
}

/// A message in the user's language: as it is. Takes with it the reader of translations.
#[unsafe(no_mangle)]
extern "C" fn __dcgettext(_: *const c_char, message: *const c_char, _: c_int) -> *const c_char {
    message
}

/// Whether a stream is of bytes (-1) or of wide characters: of bytes, as nobody asks for another. Takes with it,
/// together with the next three, what converts character sets and transliterates.
#[unsafe(no_mangle)]
extern "C" fn _IO_fwide(_: *mut c_void, _: c_int) -> c_int {
    -1
}

/// What only a stream of wide characters could ask for.
macro_rules! never_wide {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            std::process::abort()
        }
    )*};
}
never_wide! { __libio_codecvt_encoding __libio_codecvt_in __libio_codecvt_length __libio_codecvt_out }

/// A character set that is asked for by its name, as `fopen` can: there is none.
#[unsafe(no_mangle)]
extern "C" fn __wcsmbs_named_conv(_: *mut c_void, _: *const c_char) -> c_int {
    1
}

/// How the C locale converts: four words that it points to, and that only the above would look at.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static __wcsmbs_gconv_fcts_c: [usize; 4] = [0; 4];

/// The start of a DNS query, which the end of a thread mentions.
#[unsafe(no_mangle)]
extern "C" fn __res_vinit(_: *mut c_void, _: c_int) -> c_int {
    -1
}

/// The end of one: nothing is open. Takes with it the resolver's configuration.
#[unsafe(no_mangle)]
extern "C" fn __res_iclose(_: *mut c_void, _: bool) {}

/// The C library's formatted output, with which glibc words its own reports, and errors whose number it doesn't
/// know. Takes with it floating-point output and wide characters.
#[unsafe(no_mangle)]
extern "C" fn __vfprintf_internal(_: *mut c_void, _: *const c_char, _: *mut c_void, _: c_uint) -> c_int {
    -1
}

/// What is found at run time: nothing is, as nothing is loaded.
#[unsafe(no_mangle)]
extern "C" fn dlsym(_: *mut c_void, _: *const c_char) -> *mut c_void {
    std::ptr::null_mut()
}
