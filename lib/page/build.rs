//! Packs what browsers unpack by themselves: the script and the style sheet, as gzip (RFC 1952). They are more than half of what the page
//! takes in the device binary.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::env::var_os;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = |name: &str| var_os(name).map(PathBuf::from).ok_or("cargo names its folders");
    let (here, out) = (folder("CARGO_MANIFEST_DIR")?, folder("OUT_DIR")?);
    for name in ["page.js", "page.css"] {
        let path = here.join("assets").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&fs::read(&path)?)?;
        fs::write(out.join(format!("{name}.gz")), packed.finish()?)?;
    }
    Ok(())
}
