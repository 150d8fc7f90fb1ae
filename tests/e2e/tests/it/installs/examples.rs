//! Every example is taken by the program that it is for.

use super::edge;
use crate::support::{
    command::{aisle, run},
    need,
    store::Store,
};
use aisle_harness::node;
use serde_json::Value;
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Documents of a YAML file, by somebody else's reader.
const AS_JSON: &str =
    "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
/// What an image may be made of.
const INSTRUCTIONS: [&str; 10] =
    ["FROM", "ARG", "RUN", "COPY", "ENV", "USER", "WORKDIR", "STOPSIGNAL", "ENTRYPOINT", "CMD"];

fn node_accepts(store: &Store, config: &Path) {
    let checked = run(aisle(&store.data(), ["config", "check", "--config"]).arg(config)).exits(0);
    assert!(checked.stdout.starts_with("accepted"), "{checked:#?}");
}

fn hub_accepts(config: &Path) {
    let mut command = Command::new(node::hub_binary().expect("the hub is built"));
    let checked = run(command.args(["config", "check", "--config"]).arg(config)).exits(0);
    assert!(checked.stdout.starts_with("accepted"), "{checked:#?}");
}

fn documents(file: &str) -> Vec<Value> {
    let python = env::var_os("AISLE_PAHO_PYTHON").unwrap_or_else(|| OsString::from("python3"));
    let read = run(Command::new(python).args(["-c", AS_JSON]).arg(edge(file))).exits(0);
    read.json().as_array().expect("documents").clone()
}

/// The text under a key of a document's `data`.
fn text_in(documents: &[Value], key: &str) -> String {
    let found = documents.iter().find_map(|document| document["data"][key].as_str());
    found.unwrap_or_else(|| panic!("no `{key}`")).to_owned()
}

#[test]
fn the_settings_that_the_packages_bring_are_accepted_as_they_are() {
    let store = Store::empty();
    node_accepts(&store, &edge("etc/aisle.toml"));
    hub_accepts(&edge("etc/hub.toml"));
}

#[test]
fn what_the_settings_leave_commented_out_is_accepted_too() {
    let store = Store::empty();
    let text = fs::read_to_string(edge("etc/aisle.toml")).unwrap();
    // A line of prose has a space behind its mark.
    let whole: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(whole.contains("\n[sync]\n") && whole.contains("\n[[sync.hub]]\n"), "{whole}");
    node_accepts(&store, &store.file("whole/aisle.toml", whole));
}

#[test]
fn a_secret_is_named_by_its_credential_and_a_name_that_leads_elsewhere_is_refused() {
    let store = Store::empty();
    let certificate = store.file("secret/c.pem", "of the broker").display().to_string();
    let settings = |name: &str| {
        let text = format!(
            "[mqtt]\ncertificate_file = \"{certificate}\"\nprivate_key_file = \"credential:{name}\"\n"
        );
        store.file("secret/aisle.toml", text)
    };
    let show = |given: Option<&Path>| {
        let mut command = aisle(&store.data(), ["config", "show", "--json", "--config"]);
        command.arg(settings("mqtt.key")).env_remove("CREDENTIALS_DIRECTORY");
        command.envs(given.map(|folder| ("CREDENTIALS_DIRECTORY", folder)));
        let shown = run(&mut command).exits(0).json();
        PathBuf::from(shown["mqtt"]["private_key_file"].as_str().expect("a file"))
    };
    let given = store.file("given/aisle_mqtt.key", "as the service manager hands it over");
    assert_eq!(show(given.parent()), given);
    let beside = store.file("secret/credentials/mqtt.key", "as root keeps it");
    assert_eq!(show(None), beside);
    let file = settings("../../etc/shadow");
    let refused = run(aisle(&store.data(), ["config", "check", "--config"]).arg(file)).exits(78);
    refused.complains_about(&["`mqtt.private_key_file`", "`../../etc/shadow`", "hint: "]);
}

#[test]
fn the_firewalls_example_is_one() {
    if !need::root("reading a firewall's rules") {
        return;
    }
    let nft =
        ["/usr/sbin/nft", "/usr/bin/nft", "/sbin/nft"].into_iter().find(|path| Path::new(path).is_file());
    let nft = nft.map_or_else(|| need::program("nft", "nftables"), PathBuf::from);
    // In a network of its own, though nothing is loaded.
    let checked = run(Command::new("unshare")
        .arg("--net")
        .arg(nft)
        .args(["--check", "--file"])
        .arg(edge("nftables.conf")));
    assert_eq!(checked.code(), 0, "{checked:#?}");
}

#[test]
fn what_kubernetes_is_told_names_only_what_is_there() {
    let store = Store::empty();
    let (hub, node) = (documents("k8s/hub.yaml"), documents("k8s/node.yaml"));
    hub_accepts(&store.file("k8s/hub.toml", text_in(&hub, "hub.toml")));
    node_accepts(&store, &store.file("k8s/aisle.toml", text_in(&node, "aisle.toml")));
    for documents in [&hub, &node] {
        let set = documents.iter().find(|document| document["kind"] == "StatefulSet").expect("a set");
        let (template, claims) = (&set["spec"]["template"], &set["spec"]["volumeClaimTemplates"]);
        let labels = &template["metadata"]["labels"];
        assert_eq!(&set["spec"]["selector"]["matchLabels"], labels);
        let spec = &template["spec"];
        let container = &spec["containers"][0];
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
        let names = |list: &Value| -> Vec<String> {
            let items = list.as_array().into_iter().flatten();
            items.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
        };
        let mut volumes = names(&spec["volumes"]);
        let of_claims = claims.as_array().into_iter().flatten();
        volumes.extend(of_claims.filter_map(|claim| claim["metadata"]["name"].as_str().map(str::to_owned)));
        for mount in names(&container["volumeMounts"]) {
            assert!(volumes.contains(&mount), "`{mount}` is no volume: {volumes:?}");
        }
        let ports = names(&container["ports"]);
        for service in documents.iter().filter(|document| document["kind"] == "Service") {
            assert_eq!(&service["spec"]["selector"], labels);
            for port in service["spec"]["ports"].as_array().expect("ports") {
                let target = port["targetPort"].as_str().expect("a name").to_owned();
                assert!(ports.contains(&target), "`{target}` is no port: {ports:?}");
            }
        }
    }
}

#[test]
fn the_image_is_made_of_what_there_is_and_runs_as_nobody_special() {
    let text = fs::read_to_string(edge("Containerfile")).unwrap().replace("\\\n", " ");
    let lines = || text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines() {
        let word = line.split(' ').next().unwrap();
        assert!(INSTRUCTIONS.contains(&word), "`{line}`");
    }
    let user = lines().filter_map(|line| line.strip_prefix("USER ")).next_back().expect("a user");
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");
    for program in ["aisle-node", "aisle-hub"] {
        let copies =
            lines().filter(|line| line.starts_with("COPY ")).map(|line| line.replace("${PROGRAM}", program));
        assert!(
            copies.into_iter().any(|copy| copy.contains(&format!(" target/release/{program} "))),
            "{program}"
        );
    }
}
