//! A list of later deltas, in a bundle that lacks what these make needless.

use drydock_fixtures::Parts;
use drydock_format::delta::Base;
use drydock_format::supplement::Format;
use drydock_format::{
    Bundle, DELTAS, DELTAS_SIGNATURES, Delta, Digest, LEFT_OUT, MANIFEST, Member, Supplement,
};
use drydock_format::{sha256, signature::MEMBER_SIZE};

/// The list of a later delta, and the bundle that it is put into. It is signed by nobody.
pub(crate) fn with_list(archive: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut parts = Parts::of(archive);
    let added = [("root.delta-0.index", vec![1; 40]), ("root.delta-0.data", vec![2; 600])];
    let member = |(name, data): &(&str, Vec<u8>)| Member {
        name: (*name).into(),
        size: data.len() as u64,
        sha256: Some(sha256(data)),
    };
    let delta = Delta {
        image: "root".into(),
        base: Base { root_hash: Digest([7; 32]), size: 8192 },
        index: added[0].0.into(),
        data: added[1].0.into(),
    };
    let list = Supplement {
        drydock: Format::V1,
        manifest: sha256(parts.get(MANIFEST)),
        members: added.iter().map(member).collect(),
        deltas: vec![delta],
    };
    let list = list.to_bytes();
    let documents = [
        (LEFT_OUT, b"root.zst\n".to_vec()),
        (DELTAS, list.clone()),
        (DELTAS_SIGNATURES, vec![b'\n'; MEMBER_SIZE]),
    ];
    parts.members.splice(2..2, documents.map(|(name, bytes)| (name.into(), bytes)));
    parts.members.retain(|(name, _)| name != "root.zst");
    parts.members.extend(added.map(|(name, data)| (name.into(), data)));
    Bundle::open_unverified(parts.bytes()).unwrap();
    (list, parts.bytes())
}
