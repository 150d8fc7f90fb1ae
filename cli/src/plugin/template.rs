//! What a new plugin begins with: one template for each hook, as files under `cli/templates`, embedded.
//!
//! In a template `{{name}}`, `{{what}}`, `{{hook}}`, `{{case}}` and `{{sdk}}` stand for what differs.

use aisle_plugin_host::Hook;

/// One template.
#[derive(Debug)]
pub(crate) struct Template {
    hook: Hook,
    /// What the plugin does, in a sentence: at the head of its source, in its manifest, in its README.
    what: &'static str,
    manifest: &'static str,
    source: &'static str,
    cases: [(&'static str, &'static str); 2],
}

macro_rules! template {
    ($hook:ident, $folder:literal, $what:literal, [$one:literal, $two:literal]) => {
        Template {
            hook: Hook::$hook,
            what: $what,
            manifest: include_str!(concat!("../../templates/", $folder, "/plugin.toml")),
            source: include_str!(concat!("../../templates/", $folder, "/lib.rs")),
            cases: [
                ($one, include_str!(concat!("../../templates/", $folder, "/cases/", $one, ".json"))),
                ($two, include_str!(concat!("../../templates/", $folder, "/cases/", $two, ".json"))),
            ],
        }
    };
}

const TEMPLATES: [Template; 5] = [
    template!(
        Pricing,
        "pricing",
        "Prices of a group fall in the evening, before the shop closes.",
        ["evening", "morning"]
    ),
    template!(
        Promotion,
        "promotion",
        "A percentage off a group of products when enough of them are in the basket.",
        ["enough", "too-few"]
    ),
    template!(
        Ranking,
        "ranking",
        "What may be sold out goes to the end of recommendations; what is in the basket is left out.",
        ["doubtful", "in-basket"]
    ),
    template!(
        Replenishment,
        "replenishment",
        "Orders whole packs, so that what there is lasts beyond the next delivery.",
        ["short", "plenty"]
    ),
    template!(
        Reaction,
        "reaction",
        "Empty shelves become tasks, warm fridges become alerts.",
        ["empty-shelf", "warm-fridge"]
    ),
];

const CARGO: &str = include_str!("../../templates/common/Cargo.toml.in");
const IGNORED: &str = include_str!("../../templates/common/gitignore");
const README: &str = include_str!("../../templates/common/README.md");

impl Template {
    /// That of a hook.
    pub(crate) fn of(hook: Hook) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.hook == hook)
    }

    /// Its files, by their paths in the plugin's folder.
    pub(crate) fn files(&self, name: &str, sdk: &str) -> Vec<(String, String)> {
        let (case, _) = self.cases[0];
        let fill = |text: &str| {
            text.replace("{{name}}", name)
                .replace("{{what}}", self.what)
                .replace("{{hook}}", self.hook.as_str())
                .replace("{{case}}", case)
                .replace("{{sdk}}", sdk)
        };
        let cases = self.cases.iter().map(|(name, text)| (format!("cases/{name}.json"), fill(text)));
        [
            ("Cargo.toml", CARGO),
            ("plugin.toml", self.manifest),
            ("src/lib.rs", self.source),
            ("README.md", README),
            (".gitignore", IGNORED),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), fill(text)))
        .chain(cases)
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use aisle_plugin_host::{Hook, Manifest};

    #[test]
    fn every_hook_has_a_template_whose_manifest_the_host_takes() {
        for hook in Hook::ALL {
            let template = Template::of(hook).expect("a template");
            let files = template.files("my-plugin", "\"0.1.0\"");
            assert!(files.iter().all(|(_, text)| !text.contains("{{")), "{hook}: a place is left open");
            let (_, manifest) = files.iter().find(|(path, _)| path == "plugin.toml").expect("a manifest");
            let manifest = Manifest::parse(manifest).expect("a manifest that can be read");
            assert_eq!((manifest.id.as_str(), &manifest.hooks[..]), ("my-plugin", &[hook][..]));
        }
    }
}
