//! What the page looks like. A reader for those who do not see hears of each step; without scripts the page is fetched anew.

use super::{PATH, Typed};
use crate::{
    fault::Fault,
    status::{Stage, Status},
    step::{Mark, StepReport},
};
use maud::{DOCTYPE, Markup, html};

const fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Open => "not begun",
        Mark::Doing => "under way",
        Mark::Done => "done",
        Mark::Failed => "failed",
    }
}

const fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Open => "open",
        Mark::Doing => "doing",
        Mark::Done => "done",
        Mark::Failed => "failed",
    }
}

fn step(report: &StepReport) -> Markup {
    html! {
        li class=(class(report.mark)) aria-current=[(report.mark == Mark::Doing).then_some("step")] {
            span.title { (report.title) }
            span.mark { (word(report.mark)) }
            @if let Some(detail) = &report.detail { p.detail { (detail) } }
        }
    }
}

fn facts(status: &Status) -> Markup {
    html! {
        dl {
            dt { "Serial of this box" }
            dd { (status.serial.as_deref().unwrap_or("not known; set `node.serial` in aisle.toml")) }
            @if let Some(key) = &status.key {
                dt { "Fingerprint of its key" }
                dd.code { (key) }
            }
            @if let Some(hub) = &status.hub { dt { "Hub" } dd { (hub) } }
            @if let Some(identity) = &status.identity { dt { "This box is" } dd { (identity) } }
        }
    }
}

fn form(status: &Status, said: Option<&Fault>, typed: &Typed) -> Markup {
    let wrong = said.is_some();
    html! {
        form.card action=(PATH) method="post" {
            h2 { "Type the claim" }
            p #claim-about {
                "Headquarters gave you a slip with a code of five groups, and a QR code. Type the code; small letters and missing dashes do not matter."
            }
            label for="claim" { "Claim code or link" }
            input #claim name="claim" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="1024"
                placeholder="7K3QM-…" aria-describedby=(if wrong { "claim-about said" } else { "claim-about" })
                aria-invalid=[wrong.then_some("true")];
            details {
                summary { "The QR code, and a hub that the box does not know" }
                p {
                    "A phone's camera shows what the QR code says: a text that begins with “aisle-claim:”. Open this page on the phone, in the store's network, "
                    "and paste that text into the field. It names the hub as well."
                }
                label for="hub" { "Address of the hub, if only the code was typed" }
                input #hub name="hub" value=(typed.hub) autocomplete="off" spellcheck="false" maxlength="253"
                    placeholder=(status.hub.as_deref().unwrap_or("hub.shops.example:8444"));
            }
            button type="submit" { "Claim this box" }
        }
    }
}

/// The page.
pub(super) fn page(status: &Status, said: Option<&Fault>, typed: &Typed) -> Markup {
    let fault = said.map(Fault::report).or_else(|| status.fault.clone());
    let is_under_way = status.stage == Stage::Claiming && fault.as_ref().is_none_or(|fault| fault.passing);
    let is_claimed = status.is_claimed();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { "First start · Aisle" }
                link rel="stylesheet" href="/first-boot/style.css";
                script src="/first-boot/script.js" defer {}
                @if is_under_way { noscript { meta http-equiv="refresh" content="5"; } }
            }
            body {
                main #content data-moving=[is_under_way.then_some("")] {
                    h1 { @if is_claimed { "This box is part of its store" } @else { "Make this box part of its store" } }
                    @if let Some(fault) = &fault {
                        div #said role="alert" class=(if fault.passing { "said waiting" } else { "said wrong" }) {
                            p { strong { (fault.code) } " " (fault.title) }
                            @if !fault.detail.is_empty() { p.detail { (fault.detail) } }
                            p { strong { "Next: " } (fault.next_step) }
                        }
                    }
                    @if is_claimed {
                        p { "There is nothing to do here. The store's own page is " a href="/staff" { "the staff board" } "." }
                    } @else if !is_under_way {
                        (form(status, said, typed))
                    }
                    @if !status.steps.is_empty() {
                        h2 { "Steps" }
                        ol.steps aria-live="polite" { @for report in &status.steps { (step(report)) } }
                        @if status.stage == Stage::Claiming {
                            form action="/first-boot/again" method="post" { button.quiet type="submit" { "Try now" } }
                        }
                    }
                    h2 { "To read out on the phone" }
                    (facts(status))
                }
            }
        }
    }
}
