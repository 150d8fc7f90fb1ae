//! A page read back as a browser would: elements that nest, attributes, text. What does not nest was broken by somebody's text.

use std::collections::BTreeSet;

/// An element with its attributes, and the text that is in it.
#[derive(Debug, Clone)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// All text in it, that of the elements in it too.
    pub text: String,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Every element in the order in which it begins.
#[derive(Debug, Clone)]
pub struct Html(pub Vec<Element>);

const VOID: [&str; 5] = ["meta", "link", "input", "br", "img"];

impl Html {
    pub fn read(text: &str) -> Self {
        let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut rest = text.strip_prefix("<!DOCTYPE html>").expect("a page begins with its type");
        while !rest.is_empty() {
            let (said, tail) = rest.split_once('<').unwrap_or((rest, ""));
            let said = unescaped(said);
            open.iter().for_each(|at| elements[*at].text.push_str(&said));
            if tail.is_empty() {
                break;
            }
            let (tag, behind) = tag(tail);
            rest = behind;
            if let Some(name) = tag.strip_prefix('/') {
                let last = open.pop().unwrap_or_else(|| panic!("`{name}` ends and never began"));
                assert_eq!(elements[last].name, name, "an element ends in another one");
                continue;
            }
            let element = element(tag);
            if !VOID.contains(&element.name.as_str()) && !tag.ends_with('/') {
                open.push(elements.len());
            }
            elements.push(element);
        }
        assert!(open.is_empty(), "not every element ends");
        Self(elements)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.0.iter().filter(move |element| element.name == name)
    }

    pub fn by_id(&self, id: &str) -> &Element {
        let found = self.0.iter().find(|element| element.get("id") == Some(id));
        found.unwrap_or_else(|| panic!("nothing has the id `{id}`"))
    }

    /// The way with this text.
    pub fn way(&self, text: &str) -> &str {
        let found = self.all("a").find(|link| link.text.trim() == text);
        let way = found.unwrap_or_else(|| panic!("no way is called `{text}`"));
        way.get("href").expect("a way leads somewhere")
    }

    /// All ways with this text.
    pub fn ways(&self, text: &str) -> Vec<&str> {
        self.all("a").filter(|link| link.text.trim() == text).filter_map(|link| link.get("href")).collect()
    }

    /// The text of a whole page.
    pub fn text(&self) -> &str {
        &self.all("body").next().expect("a body").text
    }

    /// Holds the page to what every page promises.
    pub fn keeps_its_promises(&self, page: &str) {
        self.runs_nothing(page);
        self.is_for_everybody(page);
    }

    fn runs_nothing(&self, page: &str) {
        for element in &self.0 {
            for (name, value) in &element.attributes {
                assert!(
                    !name.starts_with("on") && name != "style" && name != "srcdoc",
                    "{page}: {element:?}"
                );
                if ["href", "src", "action", "formaction"].contains(&name.as_str()) {
                    let is_own =
                        (value.starts_with('/') && !value.starts_with("//")) || value.starts_with('#');
                    assert!(is_own, "{page} leads elsewhere: {value}");
                }
            }
            match element.name.as_str() {
                "script" => {
                    let from = element.get("src").unwrap_or_default();
                    assert!(
                        from.starts_with("/assets/console-") && element.text.is_empty(),
                        "{page}: {element:?}"
                    );
                }
                "style" | "iframe" | "object" | "embed" | "base" | "img" => panic!("{page}: {element:?}"),
                _ => {}
            }
        }
    }

    fn is_for_everybody(&self, page: &str) {
        let ids: Vec<&str> = self.0.iter().filter_map(|element| element.get("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{page} has an id twice: {ids:?}");
        for element in &self.0 {
            for name in ["aria-labelledby", "aria-describedby", "for"] {
                for id in element.get(name).unwrap_or_default().split_whitespace() {
                    assert!(ids.contains(&id), "{page}: `{id}` is nowhere: {element:?}");
                }
            }
        }
        for only in ["h1", "main", "title"] {
            assert_eq!(self.all(only).count(), 1, "{page}: `{only}`");
        }
        let mut last = 0;
        for level in self.0.iter().filter_map(|element| element.name.strip_prefix('h')?.parse::<u32>().ok()) {
            assert!(level <= last + 1, "{page}: a heading leaves a level out");
            last = level;
        }
        let named: Vec<&str> = self.all("label").filter_map(|label| label.get("for")).collect();
        let fields = self.all("input").filter(|input| input.get("type") != Some("hidden"));
        for input in fields.chain(self.all("select")).chain(self.all("textarea")) {
            let id = input.get("id").unwrap_or_default();
            assert!(
                named.contains(&id) || input.get("aria-label").is_some(),
                "{page}: a field has no name: {input:?}"
            );
        }
        // What changes something carries what only our own page knows; the door's own forms come from nobody.
        for form in self.all("form").filter(|form| form.get("method") == Some("post")) {
            let is_doors = ["/sign-in", "/set-up"].contains(&form.get("action").unwrap_or_default());
            let at = self.0.iter().position(|element| std::ptr::eq(element, form)).unwrap();
            let first = self.0.get(at + 1).unwrap();
            assert_eq!(
                first.get("name") == Some("csrf"),
                !is_doors,
                "{page}: {form:?} begins with {first:?}"
            );
        }
        for link in self.all("a").chain(self.all("button")).chain(self.all("th")) {
            assert!(!link.text.trim().is_empty(), "{page}: nobody can say what this is: {link:?}");
        }
    }
}

/// What stands before the end of a tag that is not in an attribute's value, and what is behind it.
fn tag(text: &str) -> (&str, &str) {
    let mut is_quoted = false;
    for (at, sign) in text.char_indices() {
        match sign {
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    panic!("a tag has no end: {}", text.chars().take(80).collect::<String>());
}

fn element(tag: &str) -> Element {
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    assert!(is_name(name), "no element is called `{name}`");
    let mut attributes = Vec::new();
    while !rest.trim().is_empty() {
        let (before, after) = rest.trim_start().split_once("=\"").unwrap_or((rest.trim(), ""));
        let mut names: Vec<&str> = before.split_whitespace().collect();
        let valued = if after.is_empty() && !rest.contains("=\"") { None } else { names.pop() };
        attributes.extend(names.iter().map(|name| ((*name).to_owned(), String::new())));
        let Some(valued) = valued else { break };
        let (value, tail) = after.split_once('"').expect("a value ends");
        attributes.push((valued.to_owned(), unescaped(value)));
        rest = tail;
    }
    for (name, _) in &attributes {
        assert!(
            is_name(name) || name == "viewBox" || name == "preserveAspectRatio",
            "no attribute is called `{name}`"
        );
    }
    Element { name: name.to_owned(), attributes, text: String::new() }
}

fn unescaped(text: &str) -> String {
    assert!(
        !text.contains('>') || text.contains("&gt;") || !text.contains('<'),
        "a sign is not escaped: {text}"
    );
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
