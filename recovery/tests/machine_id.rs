//! The machine id on a real filesystem.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_engine::machine_id::{PATH, keep};
use drydock_recovery::mount::files::Mounted;

#[test]
fn what_is_no_machine_id_is_made_anew_with_a_warning_and_then_stays() {
    let good = "0123456789abcdef0123456789abcdef";
    let nulls = "\0".repeat(33);
    let wrong =
        ["", &nulls, good, &format!("{good}0\n"), &format!("{}\n", "0".repeat(32)), &good.replace('f', "g")];
    for wrong in wrong {
        let data = tempfile::tempdir().unwrap();
        let files = Mounted(data.path().into());
        let file = data.path().join(PATH);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, wrong).unwrap();
        let mut warnings = vec![];
        let mut seven = |bytes: &mut [u8]| {
            bytes.fill(7);
            Ok(())
        };
        let id = keep(&files, &mut seven, &mut |text| warnings.push(text)).unwrap();
        assert_eq!((id, warnings.len()), (b"07070707070747078707070707070707\n".to_vec(), 1), "{wrong:?}");
        let again = keep(&files, &mut |_| panic!("a second one is made"), &mut |_| panic!("again"));
        assert_eq!(again.unwrap(), std::fs::read(&file).unwrap());
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "something is left over");
    }
}

#[test]
fn a_machine_id_that_cannot_be_read_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join(PATH)).unwrap();
    let error = keep(&Mounted(data.path().into()), &mut |_| panic!("one is made"), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("reading lib/drydock/machine-id"), "{error}");
    assert!(data.path().join(PATH).is_dir());
}
