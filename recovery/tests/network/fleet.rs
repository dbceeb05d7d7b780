//! The agent as it ships: the real `drydock` with a real disk, behind nginx with TLS.

use crate::agent::{NAME, NAME_FILE, Site, TOKEN_FILE, usual};
use crate::certificates::EC;
use crate::lab::Lab;
use drydock_config::Fleet;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;

/// Whether the server has ever seen the device.
fn is_known(site: &Site<'_>) -> bool {
    let poll = site.operator(|operator| operator.target(NAME)["pollStatus"]["lastRequestAt"].clone());
    poll != Value::Null && poll != 0
}

#[test]
fn an_order_is_fetched_staged_and_restarted_for_and_nobody_sees_the_token() {
    let lab = Lab::connected();
    let site = Site::new(&lab, "limit_rate 100k;");
    let (device, token) = site.usual_device();
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok && said.contains("nothing is to be done"), "{said}");
    assert!(is_known(&site));
    let attributes = site.operator(|operator| operator.attributes(NAME));
    assert_eq!((attributes["version"].as_str(), attributes["set"].as_str()), ("2", "b"), "{attributes:?}");

    let action = site.order();
    let agent = device.drydock(&["agent", "--once"]);
    lab.await_received("e0", 100_000);
    // In the middle of the download: what any user of a system may read of a process.
    let mut agents = 0;
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let of = |file: &str| fs::read(process.path().join(file)).unwrap_or_default();
        let line = of("cmdline");
        agents += usize::from(String::from_utf8_lossy(&line).ends_with("drydock\0agent\0--once\0"));
        for what in [line, of("environ")] {
            assert!(!what.windows(token.len()).any(|part| part == token.as_bytes()));
        }
    }
    assert!(agents > 0, "the download was over too soon");
    let (ok, said) = agent.wait();
    assert!(ok && said.contains("restarts to install 3"), "{said}");
    assert_eq!(device.on_data("cat restarts"), "restarted\n");
    let (_, status) = device.drydock(&["status", "--json"]).wait();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["intent"]["id"], &status["fleet"]["order"]["action"]), (&2.into(), &action.into()));
    assert_eq!(status["fleet"]["order"]["intent"], 2);
    let (messages, order) =
        site.operator(move |operator| (operator.messages(NAME, action), operator.action(NAME, action)));
    assert_eq!(order["active"], true, "{order}");
    let words = messages.join("\n") + &said + &status.to_string();
    assert!(words.contains("staged"), "{words}");
    assert!(!words.contains(&token), "{words}");
}

#[test]
fn a_token_that_others_can_read_is_refused_and_not_sent() {
    let lab = Lab::connected();
    let site = Site::new(&lab, "");
    let (device, token) = site.usual_device();
    let refuses = |change: &str, why: &str| {
        device.on_data(change);
        let (ok, said) = device.drydock(&["agent", "--once"]).wait();
        assert!(!ok && said.contains(why), "{change}: {said}");
        assert!(!said.contains(&token), "{said}");
        assert!(!is_known(&site), "{change}");
    };
    for mode in ["0644", "0640", "0604", "0620", "0601"] {
        refuses(&format!("chmod {mode} {TOKEN_FILE}"), &format!("it has mode {mode} and the owner 0"));
    }
    refuses(&format!("chmod 0600 {TOKEN_FILE}; chown 1000 {TOKEN_FILE}"), "the owner 1000: it is not used");
    // It is the file that counts, and not the name.
    refuses(
        &format!("chown 0 {TOKEN_FILE}; mv {TOKEN_FILE} keys/t; chmod 0644 keys/t; ln -s t {TOKEN_FILE}"),
        "has mode 0644",
    );
    refuses(&format!("rm {TOKEN_FILE}; mkdir -m 0700 {TOKEN_FILE}"), "has mode 0700");
    refuses(&format!("rmdir {TOKEN_FILE}; mkfifo -m 0600 {TOKEN_FILE}"), "must be a file");
    refuses(&format!("rm {TOKEN_FILE}"), &format!("{TOKEN_FILE} on the data volume, the token"));
    refuses(&format!("umask 077; echo two words > {TOKEN_FILE}"), "holds no token");
    device.on_data(&format!("umask 077; echo {token} > {TOKEN_FILE}"));
    refuses(&format!("echo 'a name' > {NAME_FILE}"), "holds no name of a device");
    refuses(&format!("rm {NAME_FILE}"), "the device's name in its fleet, is missing");
    device.on_data(&format!("echo {NAME} > {NAME_FILE}"));
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok && is_known(&site), "{said}");
}

#[test]
fn the_gateways_token_registers_a_device_and_its_own_one_is_taken_once_it_is_there() {
    let lab = Lab::connected();
    let site = Site::new(&lab, "");
    let fleet = Fleet { gateway_token_file: Some("keys/gateway".into()), ..usual() };
    let device = site.device(&site.authority.certify("somebody", EC), fleet);
    let key = site.gateway_key();
    device.on_data(&format!("umask 077; echo {key} > keys/gateway"));
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok && is_known(&site), "{said}");
    let token = site.operator(|operator| operator.token(NAME));
    device.on_data(&format!("umask 077; echo {token} > {TOKEN_FILE}; echo wrong > keys/gateway"));
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok, "{said}");
    device.on_data(&format!("echo wrong > {TOKEN_FILE}"));
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(!ok && said.contains("401"), "{said}");
    assert!(!said.contains(&key), "{said}");
}

#[test]
fn an_agent_that_is_ended_in_the_middle_of_a_download_goes_on_where_it_was() {
    let lab = Lab::connected();
    let site = Site::new(&lab, "limit_rate 60k;");
    let (device, _) = site.usual_device();
    site.order();
    let agent = device.drydock(&["agent"]);
    lab.await_received("e0", 120_000);
    agent.signal(Signal::SIGTERM);
    let (ok, said) = agent.wait();
    assert!(!ok && !said.contains("restarts"), "{said}");
    let there = device.there().bytes();
    assert!(there > 20_000, "{there}");
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok && said.contains("restarts to install 3"), "{said}");
    let all = device.there().bytes();
    assert!(all > there, "{all} bytes are there now, and {there} were");
}

#[test]
fn there_is_one_agent_and_it_is_woken_by_a_poke_and_by_commands() {
    let lab = Lab::connected();
    let site = Site::new(&lab, "");
    let (device, _) = site.usual_device();
    let line = "
        $drydock agent & agent=$!
        until grep -q contact /run/drydock/agent.json 2> /dev/null; do sleep 0.05; done
        $drydock status | grep -A1 '^fleet'
        $drydock agent --once && exit 1
        stat -c '%F %a' /run/drydock/agent.poke
        for way in 'echo > /run/drydock/agent.poke' \"$drydock factory-reset\" \"$drydock cancel\"; do
            before=$(stat -c %i /run/drydock/agent.json)
            sh -euc \"$way\"
            while [ \"$(stat -c %i /run/drydock/agent.json)\" = $before ]; do sleep 0.05; done
        done
        $drydock confirm && exit 1
        kill -TERM $agent; wait $agent || echo ended by $?
        $drydock agent --once";
    let (ok, said) = device.shell(line).wait();
    assert!(ok && said.contains("ended by 143"), "{said}");
    assert!(
        said.contains(&format!("fleet      https://updates.example, as {NAME}\n           last contact ")),
        "{said}"
    );
    assert!(
        said.contains("there is an agent already: `") && said.contains("drydock agent`, process "),
        "{said}"
    );
    assert!(said.contains("fifo 600") && said.contains("nobody has asked anything"), "{said}");
}

#[test]
fn a_gate_holds_the_restart_back_and_its_last_line_is_told() {
    let lab = Lab::connected();
    let site = Site::new(&lab, "");
    let gate = ["sh", "-c", "echo looking; test -e /srv/open || { echo the pump runs; exit 1; }"];
    let device = site.device(
        &site.authority.certify("somebody", EC),
        Fleet { gate: gate.map(String::from).into(), ..usual() },
    );
    let token = site.operator(|operator| operator.create_target(NAME));
    device.on_data(&format!("umask 077; echo {token} > {TOKEN_FILE}"));
    site.order();
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok && said.contains("the gate holds the restart back: the pump runs"), "{said}");
    device.on_data("test ! -e restarts; touch open");
    let (ok, said) = device.drydock(&["agent", "--once"]).wait();
    assert!(ok && said.contains("restarts to install 3"), "{said}");
    assert_eq!(device.on_data("cat restarts"), "restarted\n");
}
