//! Which of an order's files is the bundle.

use drydock_ddi::{Artifact, Chunk, Deployment};
use drydock_format::Digest;

/// How the name of a bundle ends.
const SUFFIX: &str = ".drydock";
/// Under which name an order says which manifest is meant: 64 hex digits.
pub const PIN: &str = "manifest";
/// Under which name a module says which devices it is for.
const COMPATIBLE: &str = "compatible";

/// The bundle of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Where it is, as the server has written it.
    pub href: String,
    /// The version that the order names.
    pub version: String,
    /// The digest of the manifest that is meant, if the order says so.
    pub pin: Option<Digest>,
}

/// Chooses the bundle of an order: the one file whose name ends in `.drydock`. Modules that say that they are for another kind
/// of device are passed over, and so are all other files. An error says why there is none.
pub(super) fn bundle(order: &Deployment, compatible: &str) -> Result<Chosen, String> {
    let ours = order.chunks.iter().filter(|chunk| said(chunk, COMPATIBLE).is_none_or(|is| is == compatible));
    let bundles: Vec<(&Chunk, &Artifact)> = ours
        .flat_map(|chunk| chunk.artifacts.iter().map(move |artifact| (chunk, artifact)))
        .filter(|(_, artifact)| artifact.name.ends_with(SUFFIX))
        .collect();
    match &bundles[..] {
        [(chunk, artifact)] => {
            let pin = said(chunk, PIN).map(|digest| {
                digest
                    .parse()
                    .map_err(|why| format!("the order's metadata `{PIN}` is {why}; push the bundle again"))
            });
            Ok(Chosen { href: artifact.href.clone(), version: chunk.version.clone(), pin: pin.transpose()? })
        }
        [] => Err(format!(
            "the order has no file for {compatible} whose name ends in {SUFFIX}; push one by `drydock-fleet push`"
        )),
        many => {
            let names: Vec<&str> = many.iter().map(|(_, artifact)| artifact.name.as_str()).collect();
            Err(format!(
                "the order has {} bundles ({}), and nothing says which is meant; assign one, or name their `compatible`",
                many.len(),
                names.join(", ")
            ))
        }
    }
}

fn said<'c>(chunk: &'c Chunk, what: &str) -> Option<&'c str> {
    chunk.metadata.iter().find(|(key, _)| key == what).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_ddi::{ActionId, Handling, Window};

    fn chunk(names: &[&str], metadata: &[(&str, &str)]) -> Chunk {
        let artifact = |name: &&str| Artifact { name: (*name).into(), size: None, href: format!("/{name}") };
        Chunk {
            part: "os".into(),
            name: "pump".into(),
            version: "2".into(),
            artifacts: names.iter().map(artifact).collect(),
            metadata: metadata.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        }
    }

    fn choose(chunks: Vec<Chunk>) -> Result<String, String> {
        let (download, update, window) = (Handling::Forced, Handling::Forced, Window::None);
        let order = Deployment { id: ActionId(1), download, update, window, chunks, history: vec![] };
        bundle(&order, "pump").map(|chosen| chosen.href)
    }

    #[test]
    fn the_one_bundle_is_chosen_among_other_files_and_modules() {
        let notes = chunk(&["notes.txt"], &[]);
        assert_eq!(choose(vec![notes.clone(), chunk(&["x.drydock", "x.sig"], &[])]), Ok("/x.drydock".into()));
        let other = chunk(&["valve.drydock"], &[("compatible", "valve")]);
        let ours = chunk(&["pump.drydock"], &[("compatible", "pump")]);
        assert_eq!(choose(vec![other.clone(), ours]), Ok("/pump.drydock".into()));
        for none in [vec![], vec![notes], vec![other]] {
            assert!(choose(none).unwrap_err().contains("no file for pump"));
        }
    }

    #[test]
    fn of_several_bundles_none_is_chosen() {
        assert!(choose(vec![chunk(&["a.drydock", "b.drydock"], &[])]).unwrap_err().contains("2 bundles"));
    }

    #[test]
    fn a_pin_that_can_not_be_read_is_no_pin_that_holds() {
        assert!(choose(vec![chunk(&["a.drydock"], &[("manifest", "123")])]).is_err());
        assert!(choose(vec![chunk(&["a.drydock"], &[("manifest", &"0f".repeat(32))])]).is_ok());
    }
}
