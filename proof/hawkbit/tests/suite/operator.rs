//! The operator's side.

use crate::common::{Device, Tenant, ordered, release, send, server, unique};
use drydock_hawkbit::{Kind, Operator};
use serde_json::{Value, json};

fn operator() -> Operator {
    server().operator()
}

fn made(path: &str, body: &Value) -> Value {
    let said = operator().request("POST", path, Some(body));
    assert_eq!(said.status, 201, "{}", said.text);
    said.json()
}

#[test]
fn nobody_is_an_operator_without_a_password() {
    for headers in [&[][..], &[("Authorization", "Basic YWRtaW46d3Jvbmc=")]] {
        assert_eq!(send(&server().url(), "GET", "/rest/v1/targets", headers, b"").status, 401);
    }
    assert_eq!(operator().request("GET", "/userinfo", None).json()["tenant"], "DEFAULT");
}

#[test]
fn a_device_is_made_with_a_token_of_the_servers_or_of_the_operators() {
    let (first, second) = (unique("made"), unique("made"));
    let said = made(
        "/targets",
        &json!([{"controllerId": first}, {"controllerId": second, "securityToken": "chosen"}]),
    );
    assert_eq!(said.as_array().unwrap().len(), 2);
    assert_eq!(operator().token(&second), "chosen");
    let target = operator().target(&first);
    assert!(target["securityToken"].as_str().is_some_and(|token| token.len() >= 32), "{target}");
    assert_eq!((&target["updateStatus"], &target["requestAttributes"]), (&json!("unknown"), &json!(true)));
}

#[test]
fn a_device_that_there_is_already_is_409_and_one_with_a_blank_in_its_id_400() {
    let device = Device::new();
    for (id, status) in [(device.id.as_str(), 409), ("a b", 400)] {
        let said = operator().request("POST", "/targets", Some(&json!([{"controllerId": id}])));
        assert_eq!((said.status, said.json()["errorCode"].is_string()), (status, true), "{id}");
    }
}

#[test]
fn an_unknown_device_is_404_with_an_error_in_json() {
    for (method, path) in [("GET", ""), ("DELETE", ""), ("GET", "/attributes"), ("GET", "/actions")] {
        let said = operator().request(method, &format!("/targets/nobody{path}"), None);
        assert_eq!(
            (said.status, &said.json()["errorCode"]),
            (404, &json!("hawkbit.server.error.repo.entityNotFound"))
        );
    }
}

#[test]
fn a_device_that_was_deleted_is_gone() {
    let device = Device::new();
    operator().delete_target(&device.id);
    assert_eq!(operator().request("GET", &format!("/targets/{}", device.id), None).status, 404);
}

#[test]
fn attributes_can_be_asked_for_but_the_question_not_taken_back() {
    let device = Device::new();
    device.put("/configData", &json!({"data": {"a": "1"}}));
    operator().request_attributes(&device.id);
    assert_eq!(operator().target(&device.id)["requestAttributes"], true);
    let path = format!("/targets/{}", device.id);
    assert_eq!(operator().request("PUT", &path, Some(&json!({"requestAttributes": false}))).status, 400);
}

#[test]
fn what_is_made_in_bulk_is_told_by_its_name_and_not_by_its_place() {
    let version = unique("v");
    let names = ["one", "two", "three", "four", "five"];
    let modules: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "version": version, "type": "os"})).collect();
    let said = made("/softwaremodules", &json!(modules));
    for module in said.as_array().unwrap() {
        let known = operator().request("GET", &format!("/softwaremodules/{}", module["id"]), None).json();
        assert_eq!(known["name"], module["name"]);
    }
    assert_eq!(said.as_array().unwrap().len(), 5);
}

#[test]
fn a_module_of_the_same_name_and_version_is_409_and_of_an_unknown_type_404() {
    let version = unique("v");
    operator().module("bundle", &version);
    let post = |kind: &str| {
        let module = json!([{"name": "bundle", "version": version, "type": kind}]);
        operator().request("POST", "/softwaremodules", Some(&module)).status
    };
    assert_eq!((post("os"), post("application"), post("firmware")), (409, 201, 404));
}

#[test]
fn a_file_is_uploaded_with_its_name_size_and_hashes_and_can_be_fetched_again() {
    let module = operator().module("bundle", &unique("v"));
    let said = operator().try_upload(module, "b.drydock", b"the very bytes");
    assert_eq!(said.status, 201, "{}", said.text);
    let artifact = said.json();
    assert_eq!((&artifact["providedFilename"], &artifact["size"]), (&json!("b.drydock"), &json!(14)));
    for hash in ["sha1", "md5", "sha256"] {
        assert!(artifact["hashes"][hash].is_string(), "{artifact}");
    }
    let list = operator().request("GET", &format!("/softwaremodules/{module}/artifacts"), None).json();
    assert_eq!(list[0]["id"], artifact["id"]);
    let path = format!("/softwaremodules/{module}/artifacts/{}/download", artifact["id"]);
    assert_eq!(operator().request("GET", &path, None).text, "the very bytes");
}

#[test]
fn a_second_file_of_the_same_name_is_409() {
    let module = operator().module("bundle", &unique("v"));
    operator().upload(module, "b.drydock", b"first of two");
    assert_eq!(operator().try_upload(module, "b.drydock", b"second of two").status, 409);
}

#[test]
fn a_file_can_be_deleted_before_the_module_is_locked() {
    let module = operator().module("bundle", &unique("v"));
    operator().upload(module, "b.drydock", b"not for long");
    let path = format!("/softwaremodules/{module}/artifacts");
    let id = operator().request("GET", &path, None).json()[0]["id"].clone();
    assert_eq!(operator().request("DELETE", &format!("{path}/{id}"), None).status, 204);
    assert_eq!(operator().request("GET", &path, None).json(), json!([]));
}

#[test]
fn a_module_is_locked_by_its_first_assignment_and_a_file_is_423_then() {
    let release = release("a.bin", b"abc");
    let device = Device::new();
    assert_eq!(
        operator().request("GET", &format!("/softwaremodules/{}", release.module), None).json()["locked"],
        false
    );
    device.order(release.set, Kind::Forced);
    assert_eq!(operator().try_upload(release.module, "b.bin", b"late").status, 423);
    let path = format!("/softwaremodules/{}/artifacts", release.module);
    let id = operator().request("GET", &path, None).json()[0]["id"].clone();
    assert_eq!(operator().request("DELETE", &format!("{path}/{id}"), None).status, 423);
    assert_eq!(
        operator().request("GET", &format!("/softwaremodules/{}", release.module), None).json()["locked"],
        true
    );
    assert_eq!(
        operator().request("GET", &format!("/distributionsets/{}", release.set), None).json()["locked"],
        true
    );
}

#[test]
fn devices_see_of_a_modules_metadata_what_is_meant_for_them_even_after_it_is_locked() {
    let (device, action) = {
        let device = Device::new();
        let release = release("a.bin", b"abc");
        let action = device.order(release.set, Kind::Forced);
        operator().module_metadata(release.module, "shown", "1", true);
        operator().module_metadata(release.module, "hidden", "2", false);
        let path = format!("/softwaremodules/{}/metadata", release.module);
        let all = operator().request("GET", &path, None).json();
        assert_eq!(all["total"], 2, "{all}");
        (device, action)
    };
    let order = device.deployment(action).json();
    assert_eq!(order["deployment"]["chunks"][0]["metadata"], json!([{"key": "shown", "value": "1"}]));
}

#[test]
fn a_set_has_metadata_that_can_be_written_read_changed_and_deleted() {
    let set = release("a.bin", b"abc").set;
    let path = format!("/distributionsets/{set}/metadata");
    let digest = json!([{"key": "drydock.digest", "value": "abc"}, {"key": "other", "value": "x"}]);
    assert_eq!(operator().request("POST", &path, Some(&digest)).status, 201);
    let one = format!("{path}/drydock.digest");
    assert_eq!(operator().request("GET", &one, None).json()["value"], "abc");
    assert!(operator().request("PUT", &one, Some(&json!({"value": "def"}))).status < 300);
    let all = operator().request("GET", &path, None).json();
    let values: Vec<&Value> = all["content"].as_array().unwrap().iter().map(|pair| &pair["value"]).collect();
    assert!(values.contains(&&json!("def")) && all["total"] == 2, "{all}");
    assert!(operator().request("DELETE", &one, None).status < 300);
    assert_eq!(operator().request("GET", &one, None).status, 404);
}

#[test]
fn a_set_of_the_same_name_and_version_is_409_and_one_without_its_module_can_not_be_assigned() {
    let release = release("a.bin", b"abc");
    let set = |version: &str, modules: Value| {
        let set = json!([{"name": "os", "version": version, "type": "os", "modules": modules}]);
        operator().request("POST", "/distributionsets", Some(&set))
    };
    assert_eq!(set(&release.version, json!([{"id": release.module}])).status, 409);
    let empty = set(&unique("empty"), json!([])).json()[0].clone();
    assert_eq!(empty["complete"], false);
    let device = Device::new();
    let said = operator().try_assign(&device.id, empty["id"].as_u64().unwrap(), Kind::Forced, &json!({}));
    assert_eq!(said.status, 400, "{}", said.text);
}

#[test]
fn an_order_shows_its_state_its_set_and_how_it_is_meant() {
    let device = Device::new();
    let release = release("a.bin", b"abc");
    let action = device.order(release.set, Kind::Soft);
    let seen = device.seen(action);
    let expected = [
        ("id", json!(action)),
        ("status", json!("running")),
        ("active", json!(true)),
        ("type", json!("update")),
        ("forceType", json!("soft")),
    ];
    for (name, value) in expected {
        assert_eq!(seen[name], value, "{seen}");
    }
    assert_eq!(seen["_links"]["distributionset"]["name"], json!(format!("os:{}", release.version)));
    device.operator().cancel(&device.id, action);
    assert_eq!(
        (&device.seen(action)["type"], &device.seen(action)["status"]),
        (&json!("cancel"), &json!("canceling"))
    );
}

#[test]
fn an_order_with_a_window_shows_when_it_opens_and_a_bad_window_is_400() {
    let device = Device::new();
    let set = release("a.bin", b"abc").set;
    let bad =
        json!({"maintenanceWindow": {"schedule": "at night", "duration": "01:00:00", "timezone": "+00:00"}});
    assert_eq!(operator().try_assign(&device.id, set, Kind::Forced, &bad).status, 400);
    let window = ("0 30 2 ? * *", "01:00:00", "+02:00");
    let action = operator().assign_in_window(&device.id, set, Kind::Forced, window);
    let seen = device.seen(action)["maintenanceWindow"].clone();
    assert_eq!(
        (&seen["schedule"], &seen["duration"], &seen["timezone"]),
        (&json!("0 30 2 ? * *"), &json!("01:00:00"), &json!("+02:00"))
    );
    let next = seen["nextStartAt"].as_u64().unwrap();
    assert_eq!(next % 86_400_000, 30 * 60_000, "half past two, two hours east: {next}");
}

#[test]
fn an_order_can_be_deleted_with_all_that_was_said_about_it() {
    let (device, action) = ordered(Kind::Forced);
    device.feedback(action, "closed", "success");
    assert!(operator().request("DELETE", &format!("/actions/{action}"), None).status < 300);
    let path = format!("/targets/{}/actions/{action}", device.id);
    assert_eq!(operator().request("GET", &path, None).status, 404);
}

/// Devices of a fleet of their own: three with attributes, and one without.
#[test]
fn settings_are_shown_changed_and_taken_back() {
    let tenant = Tenant::with(&[]);
    let operator = || tenant.server.operator();
    let path = "/system/configs/pollingOverdueTime";
    let before = operator().request("GET", path, None).json();
    assert_eq!(before["global"], true, "{before}");
    operator().configure("pollingOverdueTime", json!("00:07:00"));
    let changed = operator().request("GET", path, None).json();
    assert_eq!((&changed["value"], &changed["global"]), (&json!("00:07:00"), &json!(false)));
    assert_eq!(operator().request("DELETE", path, None).status, 204);
    assert_eq!(operator().request("GET", path, None).json()["value"], before["value"]);
    for (key, value) in [("pollingOverdueTime", json!("soon")), ("user.confirmation.flow.enabled", json!(7))]
    {
        let path = format!("/system/configs/{key}");
        assert_eq!(operator().request("PUT", &path, Some(&json!({"value": value}))).status, 400, "{key}");
    }
    assert_eq!(operator().request("GET", "/system/configs/nothing", None).status, 400);
}

#[test]
fn a_file_is_refused_with_400_if_it_has_another_sum_than_was_said() {
    let module = operator().module("bundle", &unique("v"));
    let boundary = "b0undary";
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nabc\r\n--{boundary}--\r\n"
    );
    let kind = format!("multipart/form-data; boundary={boundary}");
    let headers = [("Authorization", "Basic YWRtaW46YWRtaW4="), ("Content-Type", kind.as_str())];
    let zeros = "0".repeat(64);
    let good = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for (sum, status) in [(zeros.as_str(), 400), (good, 201)] {
        let path = format!("/rest/v1/softwaremodules/{module}/artifacts?filename=x.bin&sha256sum={sum}");
        let answer = send(&server().url(), "POST", &path, &headers, body.as_bytes());
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 400 {
            let code = "hawkbit.server.error.artifact.uploadFailed.checksum.sha256.match";
            assert_eq!(answer.json()["errorCode"], code);
        }
    }
}

#[test]
fn a_module_of_an_assigned_set_can_not_be_deleted_and_what_was_assigned_is_only_hidden() {
    let device = Device::new();
    let release = release("a.bin", b"abc");
    let action = device.order(release.set, Kind::Forced);
    let (module, set) =
        (format!("/softwaremodules/{}", release.module), format!("/distributionsets/{}", release.set));
    assert_eq!(operator().request("DELETE", &module, None).status, 423);
    assert_eq!(operator().request("DELETE", &set, None).status, 204);
    assert_eq!(operator().request("DELETE", &module, None).status, 204);
    for path in [&module, &set] {
        let known = operator().request("GET", path, None);
        assert_eq!((known.status, &known.json()["deleted"]), (200, &json!(true)));
    }
    let found = format!("/distributionsets?q=version%3D%3D{}", release.version);
    assert_eq!(operator().request("GET", &found, None).json()["total"], 0);
    assert_eq!(device.deployment(action).status, 200);
    let never = operator().module("bundle", &unique("v"));
    assert_eq!(operator().request("DELETE", &format!("/softwaremodules/{never}"), None).status, 204);
    assert_eq!(operator().request("GET", &format!("/softwaremodules/{never}"), None).status, 404);
}

#[test]
fn a_set_is_ordered_for_several_devices_at_once() {
    let release = release("a.bin", b"abc");
    let (first, second) = (Device::new(), Device::new());
    let path = format!("/distributionsets/{}/assignedTargets", release.set);
    let body = json!([{"id": first.id, "type": "soft"}, {"id": second.id, "type": "soft"}]);
    let said = operator().request("POST", &path, Some(&body)).json();
    assert_eq!((&said["assigned"], &said["total"]), (&json!(2), &json!(2)), "{said}");
    for device in [&first, &second] {
        assert!(device.link("deploymentBase").is_some());
    }
}
