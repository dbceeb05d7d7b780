//! Programs of the integrator's, from wherever they come.

#[cfg(not(feature = "hooks"))]
use super::Hardware;

#[cfg(not(feature = "hooks"))]
impl drydock_engine::machine::Hooks for Hardware<'_> {}

#[cfg(feature = "hooks")]
mod with {
    use super::super::Hardware;
    use crate::hook::call::{OURSELVES, call};
    use crate::hook::{BARE_PROGRAM, Order, Root};
    use drydock_config::Data;
    use drydock_engine::Error;
    use drydock_engine::machine::{Call, Ended, Hooks, Program, Start, Volumes};
    use std::fs;
    use std::path::Path;

    /// What a root is mapped by for as long as a hook runs in it.
    const MAPPING: &str = "drydock-hook";
    /// Where a program lies that came with a bundle.
    const PROGRAM: &str = "/run/drydock-hook-program";
    /// What a hook of the live system may look at, beside the root.
    const RUN: &str = "/run";

    impl Hooks for Hardware<'_> {
        fn call_hook(&self, asked: &Call<'_>, told: &mut dyn FnMut(&[u8])) -> Result<Ended, Error> {
            let run = |root: Root, program: &str, told: &mut dyn FnMut(&[u8])| {
                let order = Order {
                    root,
                    program: program.into(),
                    arguments: asked.arguments.to_vec(),
                    facts: asked.facts.into(),
                    seconds: asked.seconds,
                    memory_mib: asked.memory_mib,
                    network: asked.network,
                };
                call(Path::new(OURSELVES), &order, told)
            };
            match asked.program {
                Program::InLiveSystem { path } => {
                    let data = self.config.data.as_ref().map(|Data { mount, .. }| mount.clone());
                    let with = data.into_iter().chain([RUN.to_owned()]).collect();
                    run(Root::Live { with }, path, told)
                }
                Program::Builtin { path } => run(Root::Bare { program: path.into() }, BARE_PROGRAM, told),
                Program::Bytes(bytes) => {
                    let failed = || Error::system("writing", PROGRAM, "the hook is not run");
                    fs::write(PROGRAM, bytes).map_err(failed())?;
                    let ended = run(Root::Bare { program: PROGRAM.into() }, BARE_PROGRAM, told);
                    fs::remove_file(PROGRAM).map_err(failed())?;
                    ended
                }
                Program::InSet { class, set, image, path } => {
                    self.map_verity(MAPPING, class, set.into(), image)?;
                    let filesystem = self.config.boot.root_filesystem.clone();
                    let ended = self.mapping_node(MAPPING).and_then(|node| {
                        let node = node.to_string_lossy().into_owned();
                        run(Root::Device { node, filesystem }, path, told)
                    });
                    // Its root was mounted where nobody sees it any more.
                    self.unmap(MAPPING)?;
                    ended
                }
            }
        }
    }
}
