//! Lists of things, and searches for them.

use crate::common::{Device, ordered, release, server, unique};
use drydock_hawkbit::{Kind, Operator};
use serde_json::{Value, json};

fn operator() -> Operator {
    server().operator()
}

#[test]
fn sets_and_modules_are_found_by_name_and_version() {
    let release = release("a.bin", b"abc");
    for (path, name, id) in
        [("distributionsets", "os", release.set), ("softwaremodules", "bundle", release.module)]
    {
        let search = format!("/{path}?q=name%3D%3D{name}%3Bversion%3D%3D{}", release.version);
        let found = operator().request("GET", &search, None).json();
        assert_eq!((&found["total"], &found["content"][0]["id"]), (&json!(1), &json!(id)), "{found}");
    }
}

#[test]
fn rows_of_an_order_are_in_pages_and_either_way_round() {
    let (device, action) = ordered(Kind::Forced);
    for _ in 0..4 {
        device.feedback(action, "proceeding", "none");
    }
    let page = |query: &str| {
        let path = format!("/targets/{}/actions/{action}/status?{query}", device.id);
        operator().request("GET", &path, None).json()
    };
    let ids = |page: &Value| -> Vec<u64> {
        page["content"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
    };
    let up = page("sort=id:ASC");
    let mut down = ids(&page("sort=id:DESC"));
    down.reverse();
    assert_eq!((&up["total"], &up["size"], ids(&up)), (&json!(5), &json!(5), down));
    let second = page("sort=id:ASC&offset=3&limit=1");
    assert_eq!((ids(&second), &second["total"]), (vec![ids(&up)[3]], &json!(5)));
    assert_eq!(up["content"][0]["type"], "running");
}

fn fleet() -> (String, Vec<Device>) {
    let fleet = unique("fleet");
    let devices: Vec<Device> = (0..4).map(|_| Device::new()).collect();
    for (device, (board, site)) in devices.iter().zip([("bbb", "s1"), ("bbb", "s2"), ("rpi", "s3")]) {
        let data = json!({"data": {"fleet": fleet, "board": board, "site": site}});
        assert_eq!(device.put("/configData", &data).status, 200);
    }
    assert_eq!(devices[3].put("/configData", &json!({"data": {"fleet": fleet}})).status, 200);
    (fleet, devices)
}

fn assert_found(search: &str, fleet: &str, devices: &[Device], expected: &[usize]) {
    let mut found = operator().find(&format!("attribute.fleet=={fleet} and {search}"));
    found.sort();
    let mut ids: Vec<String> = expected.iter().map(|at| devices[*at].id.clone()).collect();
    ids.sort();
    assert_eq!(found, ids, "{search}");
}

#[test]
fn devices_are_found_by_attributes() {
    let (fleet, devices) = fleet();
    assert_found("attribute.board==bbb and attribute.site=in=(s1,s3)", &fleet, &devices, &[0]);
    assert_found("attribute.board==bbb;attribute.site==s2", &fleet, &devices, &[1]);
    assert_found("(attribute.site==s1 or attribute.site==s3)", &fleet, &devices, &[0, 2]);
    assert_found("attribute.site=out=(s1,s3)", &fleet, &devices, &[1]);
    assert_found("attribute.board==B*", &fleet, &devices, &[0, 1]);
}

#[test]
fn not_equal_leaves_out_devices_that_lack_the_attribute() {
    let (fleet, devices) = fleet();
    assert_found("attribute.board!=bbb", &fleet, &devices, &[2]);
}

#[test]
fn is_null_finds_devices_that_lack_the_attribute() {
    let (fleet, devices) = fleet();
    assert_found("attribute.board=is=null", &fleet, &devices, &[3]);
    assert_found("attribute.board=not=null", &fleet, &devices, &[0, 1, 2]);
}

#[test]
fn a_search_for_a_field_that_there_is_none_of_is_400() {
    for search in ["wheels%3D%3D4", "board"] {
        assert_eq!(operator().request("GET", &format!("/targets?q={search}"), None).status, 400);
    }
}

#[test]
fn orders_are_found_by_device_and_state_the_newest_first_if_nothing_else_is_said() {
    let (device, first) = ordered(Kind::Forced);
    device.feedback(first, "closed", "success");
    let second = device.order(release("b.bin", b"def").set, Kind::Forced);
    let list = |path: &str| -> Vec<u64> {
        let said = operator().request("GET", path, None);
        assert_eq!(said.status, 200, "{}", said.text);
        said.json()["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|action| action["id"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(list(&format!("/targets/{}/actions", device.id)), [second, first]);
    let search = format!("/actions?q=target.controllerId%3D%3D{}", device.id);
    assert_eq!(list(&search), [second, first]);
    assert_eq!(list(&format!("{search}&sort=ID:ASC")), [first, second]);
    assert_eq!(list(&format!("{search}&sort=ACTIVE:DESC,ID:DESC")), [second, first]);
    assert_eq!(list(&format!("{search}%3Bstatus%3D%3Dfinished")), [first]);
    assert_eq!(operator().request("GET", "/actions?q=status%3D%3Dpending", None).status, 400);
}

#[test]
fn in_lists_things_have_a_link_to_themselves_and_no_other_unless_all_of_them_is_asked_for() {
    let (device, action) = ordered(Kind::Forced);
    let links = |path: &str| -> Vec<String> {
        let said = operator().request("GET", path, None).json();
        said["content"][0]["_links"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(links(&format!("/targets?q=controllerId%3D%3D{}", device.id)), ["self"]);
    let actions = format!("/actions?q=id%3D%3D{action}");
    assert_eq!(links(&actions), ["self"]);
    assert!(links(&format!("{actions}&representation=full")).contains(&"distributionset".to_owned()));
}

#[test]
fn a_list_is_not_sorted_by_what_things_do_not_have() {
    for (sort, code) in [("wheels:ASC", "invalidField"), ("id", "sortParamSyntax")] {
        let said = operator().request("GET", &format!("/targets?sort={sort}"), None);
        assert_eq!(
            (said.status, &said.json()["errorCode"]),
            (400, &json!(format!("hawkbit.server.error.rest.param.{code}")))
        );
    }
}
