//! A real browser: Chromium behind its driver, one for each test, gone with it.
//!
//! Guards: the driver takes a port that the system chooses, the profile is new and lies in a temporary directory, and
//! at the end the driver is asked to close its browser before it is stopped by its own process id.

use super::{need, wait};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element, error::CmdError, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a driver is started that ends before it is there.
const STARTS_MAX: usize = 3;
/// How often something is looked for again that went with its page.
const TOUCHES_MAX: usize = 5;
/// Every kiosk page is made for a screen at least this wide.
pub(crate) const SCREEN: (u32, u32) = (1080, 1350);
/// The smallest side of what a finger has to hit, in CSS pixels.
pub(crate) const TOUCH_PX: u32 = 48;

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
];

/// What a shopper's finger may be aimed at and is smaller than [`TOUCH_PX`].
const SMALL_TARGETS: &str = r#"
    const least = arguments[0];
    const targets = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
    return [...document.querySelectorAll(targets)].flatMap((element) => {
        const box = element.getBoundingClientRect();
        const style = getComputedStyle(element);
        const unseen = box.width === 0 || box.height === 0 || style.visibility === "hidden"
            || box.bottom + scrollY <= 0 || box.right + scrollX <= 0;
        if (unseen || (box.width >= least && box.height >= least)) return [];
        return [`${element.outerHTML.slice(0, 120)} is ${Math.round(box.width)} x ${Math.round(box.height)}`];
    });
"#;

const RUN_AXE: &str = r#"
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ["violations"] }).then(
        (found) => done(found.violations.map((rule) =>
            `${rule.id} (${rule.impact}): ${rule.help}: ${rule.nodes.map((node) => node.html).slice(0, 5).join(" | ")}`)),
        (error) => done([String(error)]),
    );
"#;

/// A browser with one window.
pub(crate) struct Browser {
    client: Client,
    driver: Driver,
    session: String,
    _profile: TempDir,
}

/// How a browser is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// False as in a browser whose owner switched scripts off.
    pub(crate) scripts: bool,
    pub(crate) screen: (u32, u32),
}

impl Default for Setup {
    fn default() -> Self {
        Self { scripts: true, screen: SCREEN }
    }
}

struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        // It ends at once when the port that it was given for one protocol is taken in the other.
        (0..STARTS_MAX).find_map(|_| Self::try_start()).unwrap_or_else(|| {
            panic!("chromedriver did not start within {START_TIMEOUT:?}, {STARTS_MAX} times")
        })
    }

    fn try_start() -> Option<Self> {
        let program = need::program("chromedriver", "chromium-driver");
        let mut child = Command::new(program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, port) = mpsc::channel();
        // Reads to the end, so that the driver never waits for a reader.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let port = line
                    .split_once("started successfully on port ")
                    .and_then(|(_, rest)| rest.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok());
                if let Some(port) = port {
                    let _ = sender.send(port);
                }
            }
        });
        match port.recv_timeout(START_TIMEOUT) {
            Ok(port) => Some(Self { child, port }),
            Err(_) => {
                drop(child.kill());
                drop(child.wait());
                None
            }
        }
    }

    /// Closes a browser, in a way that also works while a test is failing.
    fn close(&self, session: &str) -> std::io::Result<()> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            connection,
            "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            self.port
        )?;
        // The answer begins when the browser is gone; the driver keeps the connection open behind it.
        connection.read(&mut [0; 512]).map(drop)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Err(error) = self.driver.close(&self.session) {
            eprintln!("the browser was not closed: {error}");
        }
    }
}

impl Browser {
    /// Opens a browser.
    pub(crate) async fn open(setup: Setup) -> Self {
        let chromium = need::program("chromium", "chromium");
        let driver = Driver::start();
        let profile =
            tempfile::Builder::new().prefix("aisle-browser-").tempdir().expect("a temporary directory");
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).into()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!("--window-size={},{}", setup.screen.0, setup.screen.1));
        flags.push("--lang=en".into());
        let javascript = if setup.scripts { 1 } else { 2 };
        let capabilities: Capabilities = serde_json::from_value(json!({
            // Certificates come from an authority of the test.
            "acceptInsecureCerts": true,
            "goog:chromeOptions": {
                "binary": chromium,
                "args": flags,
                "prefs": {
                    "intl.accept_languages": "en",
                    "profile.managed_default_content_settings.javascript": javascript,
                },
            },
        }))
        .expect("capabilities");
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .expect("chromium opens");
        let session = client.session_id().await.expect("an answer").expect("a session");
        Self { client, driver, session, _profile: profile }
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("the page opens");
    }

    /// The path and the query of where the browser is.
    pub(crate) async fn place(&self) -> String {
        let url = self.client.current_url().await.expect("the browser is somewhere");
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    pub(crate) async fn back(&self) {
        self.client.back().await.expect("there is a way back");
    }

    /// The first element that a CSS selector finds, once it is there.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no `{selector}` on {}: {error}", self.place().await),
        }
    }

    /// How many elements a CSS selector finds now.
    pub(crate) async fn count(&self, selector: &str) -> usize {
        self.client.find_all(Locator::Css(selector)).await.expect("an answer").len()
    }

    /// The text of the first element that a CSS selector finds.
    pub(crate) async fn text(&self, selector: &str) -> String {
        for _ in 0..TOUCHES_MAX {
            match self.find(selector).await.text().await {
                Ok(text) => return text,
                // The next page came in between; it is looked for there.
                Err(error) if went(&error) => {}
                Err(error) => panic!("`{selector}` has no text: {error}"),
            }
        }
        panic!("`{selector}` was gone {TOUCHES_MAX} times before it could be read");
    }

    /// Touches the link or the button with this name.
    pub(crate) async fn touch(&self, name: &str) {
        let path =
            format!("//*[self::a or self::button][normalize-space(.)='{name}' or @aria-label='{name}']");
        for _ in 0..TOUCHES_MAX {
            let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)).await;
            match found {
                Ok(element) => match element.click().await {
                    Ok(()) => return,
                    // The next page came in between; it is looked for there.
                    Err(error) if went(&error) => {}
                    Err(error) => panic!("`{name}` cannot be touched: {error}"),
                },
                Err(error) => panic!("nothing named `{name}` on {}: {error}", self.place().await),
            }
        }
        panic!("`{name}` was gone {TOUCHES_MAX} times before it could be touched");
    }

    /// Touches the first element that a CSS selector finds.
    pub(crate) async fn touch_first(&self, selector: &str) {
        for _ in 0..TOUCHES_MAX {
            match self.find(selector).await.click().await {
                Ok(()) => return,
                Err(error) if went(&error) => {}
                Err(error) => panic!("`{selector}` cannot be touched: {error}"),
            }
        }
        panic!("`{selector}` was gone {TOUCHES_MAX} times before it could be touched");
    }

    /// Types a search and sends it.
    pub(crate) async fn search(&self, words: &str) {
        for _ in 0..TOUCHES_MAX {
            let field = self.find("input[name=q]").await;
            let typed = match field.clear().await {
                Ok(()) => field.send_keys(&format!("{words}\n")).await,
                Err(error) => Err(error),
            };
            match typed {
                Ok(()) => return,
                // The next page came in between; it is looked for there.
                Err(error) if went(&error) => {}
                Err(error) => panic!("the search does not take `{words}`: {error}"),
            }
        }
        panic!("the search was gone {TOUCHES_MAX} times before it took `{words}`");
    }

    /// Waits until the browser is at a place that begins like this; at the home page, for `/`, since every place begins so.
    pub(crate) async fn arrives(&self, place: &str) {
        let is_there = |at: &str| if place == "/" { at == "/" } else { at.starts_with(place) };
        self.arrives_where(place, is_there).await;
    }

    /// Waits until the browser is at a place of which this is true.
    pub(crate) async fn arrives_where(&self, name: &str, is_there: impl Fn(&str) -> bool) {
        let came =
            wait::within(PATIENCE, async || is_there(&self.place().await).then_some(())).await.is_some();
        assert!(came, "the browser is at `{}` after {PATIENCE:?}, and not at `{name}`", self.place().await);
    }

    pub(crate) async fn cookie(&self, name: &str) -> Option<fantoccini::cookies::Cookie<'static>> {
        let cookies = self.client.get_all_cookies().await.expect("an answer");
        cookies.into_iter().find(|cookie| cookie.name() == name)
    }

    /// Runs a script in the page.
    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.expect("the script runs")
    }

    /// What is too small to be touched on this page.
    pub(crate) async fn small_targets(&self) -> Vec<String> {
        texts(self.script(SMALL_TARGETS, vec![json!(TOUCH_PX)]).await)
    }

    /// What axe finds wrong with this page.
    pub(crate) async fn violations(&self, axe: &str) -> Vec<String> {
        self.script(axe, Vec::new()).await;
        texts(self.client.execute_async(RUN_AXE, Vec::new()).await.expect("axe runs"))
    }

    /// Makes the page itself as large as this; the window's frame takes more.
    pub(crate) async fn resize(&self, (width, height): (u32, u32)) {
        self.client.set_window_size(width, height).await.expect("the window has a size");
        let inside = self.script("return [innerWidth, innerHeight]", Vec::new()).await;
        let frame = |at: usize, whole: u32| whole - inside[at].as_u64().expect("a size") as u32;
        let (more_width, more_height) = (frame(0, width), frame(1, height));
        self.client.set_window_size(width + more_width, height + more_height).await.expect("it has a size");
    }

    /// The page as a PNG picture, as far as the window shows it.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.client.screenshot().await.expect("a picture")
    }
}

/// The accessibility rules: `AISLE_AXE`, or where `cargo xtask test` puts them.
pub(crate) fn axe() -> String {
    let path = env::var_os("AISLE_AXE").map_or_else(
        || need::project().join("target/tools/npm/node_modules/axe-core/axe.min.js"),
        PathBuf::from,
    );
    fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("cannot read axe-core at `{}`: {error}; hint: `cargo xtask test` installs it", path.display())
    })
}

/// Whether what was found has gone with its page. The driver says so in two ways, by when it notices.
pub(crate) fn went(error: &CmdError) -> bool {
    error.is_stale_element_reference() || error.to_string().contains("does not belong to the document")
}

fn texts(value: Value) -> Vec<String> {
    serde_json::from_value(value).expect("a list of texts")
}
