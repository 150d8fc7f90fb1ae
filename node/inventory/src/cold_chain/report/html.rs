//! The report as a page: one file without outside resources, to be read or printed on A4.

use super::{Language, Report};
use crate::cold_chain::{Excursion, Slot};
use aisle_event::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What the data stands between.
pub(crate) const DATA: (&str, &str) =
    ("<script type=\"application/json\" id=\"aisle-cold-chain-report\">", "</script>");
const STYLE: &str = include_str!("style.css");

fn celsius(milli: i32) -> String {
    format!("{:.1} °C", f64::from(milli) / 1000.0)
}

fn minutes(seconds: u64) -> String {
    format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60)
}

impl Report {
    /// The report as a page. It holds everything: text, drawing, data.
    #[must_use]
    pub fn html(&self, language: Language) -> String {
        let is = |en, zh| language.of(en, zh);
        let title = is("Cold chain report", "冷链记录报告");
        html! {
            (DOCTYPE)
            html lang=(language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    title { (title) " – " (self.unit) " – " (self.day) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        h1 { (title) }
                        p { (self.store) " · " (self.unit) " · " (self.day) " (" (self.zone) ")" }
                        @if let Some(note) = language.standing(self.standing) { p.note { (note) } }
                        (self.head(language))
                        @if self.limit.is_some() { (self.body(language)) }
                        (self.proof(language))
                    }
                    (PreEscaped(DATA.0)) (PreEscaped(self.json_in_html())) (PreEscaped(DATA.1))
                }
            }
        }
        .into_string()
    }

    /// The data as JSON in which nothing can end the element around it.
    fn json_in_html(&self) -> String {
        serde_json::to_string(self).unwrap_or_default().replace('<', "\\u003c").replace('>', "\\u003e")
    }

    fn head(&self, language: Language) -> Markup {
        let is = |en, zh| language.of(en, zh);
        html! {
            dl {
                @if let Some(limit) = self.limit {
                    dt { (is("Kept as", "保存方式")) } dd { (language.group(limit.group)) }
                    dt { (is("Limit", "限值")) }
                    dd { @if self.is_hot() { "≥ " } @else { "≤ " } (celsius(limit.milli)) " · "
                        (is("grace", "宽限")) " " (self.grace_s / 60) " min" }
                }
                dt { (is("Made", "生成时间")) } dd { (self.local(self.made_at, "%Y-%m-%d %H:%M:%S %:z")) }
                @if !self.skus.is_empty() {
                    dt { (is("Products", "商品")) }
                    dd { @for (place, sku) in self.skus.iter().enumerate() { @if place > 0 { ", " } (sku) } }
                }
            }
        }
    }

    fn body(&self, language: Language) -> Markup {
        let is = |en, zh| language.of(en, zh);
        html! {
            p class={ "verdict " (format!("{:?}", self.verdict).to_lowercase()) } { (language.day(self.verdict)) }
            h2 { (is("Probes", "探头")) }
            @if self.probes.is_empty() { p { (is("No probe watched this unit.", "没有探头监测该设备。")) } }
            @else { table {
                tr { th { (is("Device", "设备")) } th.w { (is("Stream", "数据流")) } th { (is("Placed", "放置时间")) }
                    th { (is("Records", "记录")) } }
                @for probe in &self.probes { tr {
                    td { (probe.device) } td.w { (probe.stream) }
                    td { (self.local(probe.placed_at, "%Y-%m-%d %H:%M")) }
                    td { (probe.from_seq) "–" @if let Some(to) = probe.to_seq { (to) } }
                } }
            }
            p { (is("Compared with a reference thermometer on: ____________  by: ____________", "与标准温度计比对日期：____________  比对人：____________")) } }
            h2 { (is("Readings", "读数")) }
            @if self.slots.is_empty() { p.note { (is("There are no readings of this day.", "当天没有读数。")) } }
            @else {
                @if let Some(chart) = self.chart() { div { (PreEscaped(chart)) } }
                @if self.missing_s > 0 { p.note { (is("Time without readings: ", "缺少读数的时间：")) (minutes(self.missing_s)) } }
                @let rows = self.half_hours();
                div.halves { @for half in rows.chunks(rows.len().div_ceil(2).max(1)) { table {
                    tr { th { (is("From", "起")) } th { (is("Least", "最低")) } th { (is("Mean", "平均")) } th { (is("Most", "最高")) } }
                    @for row in half { (self.row(row)) }
                } } }
            }
            h2 { (is("Excursions", "超限事件")) }
            @if self.excursions.is_empty() { p { (is("None.", "无。")) } }
            @for excursion in &self.excursions { (self.excursion(excursion, language)) }
            @if !self.excursions.is_empty() { dl {
                dt { (is("Products touched", "受影响商品")) }
                dd { @for (place, sku) in self.skus_touched.iter().enumerate() { @if place > 0 { ", " } (sku) } }
                dt { (is("Lots touched, as far as receipts say", "受影响批次（以收货记录为准）")) }
                dd { @if self.lots_touched.is_empty() { (is("no lots are known", "没有批次记录")) }
                    @for (place, lot) in self.lots_touched.iter().enumerate() { @if place > 0 { ", " } (lot) } }
            } }
            div.sign {
                span { (is("Checked by", "检查人")) } span { (is("Manager", "负责人")) } span { (is("Date", "日期")) }
            }
        }
    }

    fn row(&self, row: &Slot) -> Markup {
        let mean = row.mean_milli().round() as i32;
        let bad = |milli: i32| {
            if self.limit.is_some_and(|limit| limit.outside(f64::from(milli))) { "bad" } else { "" }
        };
        html! { tr {
            td { (self.local(Timestamp(row.at_ms), "%H:%M")) }
            @for milli in [row.min_milli, mean, row.max_milli] {
                td class=(bad(milli)) { (format!("{:.1}", f64::from(milli) / 1000.0)) }
            }
        } }
    }

    fn excursion(&self, excursion: &Excursion, language: Language) -> Markup {
        let is = |en, zh| language.of(en, zh);
        let time = |at| self.local(at, "%Y-%m-%d %H:%M");
        html! { div.excursion {
            strong { (language.rule(excursion.rule)) }
            dl {
                dt { (is("Name", "编号")) } dd { (excursion.name) }
                dt { (is("Since", "开始")) } dd { (time(excursion.since)) " (" (is("record", "记录")) " " (excursion.first_seq) ")" }
                dt { (is("Noticed", "发现")) } dd { (time(excursion.opened_at)) }
                @if let Some(peak) = excursion.peak_milli { dt { (is("Furthest outside", "最大偏离")) } dd { (celsius(peak)) } }
                @match &excursion.closed {
                    Some(end) => {
                        dt { (is("Ended", "结束")) }
                        dd { (excursion.until.map_or_else(String::new, time)) " (" (is("record", "记录")) " " (end.last_seq) ")" }
                        dt { (is("Outside", "超限时长")) } dd { (minutes(end.outside_s)) }
                        dt { (is("Verdict", "结论")) } dd { strong { (language.verdict(end.verdict)) } }
                    }
                    None => { dt { (is("Ended", "结束")) } dd { (is("not yet", "尚未结束")) } }
                }
                @for action in &excursion.actions {
                    dt { (is("Acknowledged", "确认")) }
                    dd { (time(action.at)) " · " (action.by) @if let Some(done) = &action.action { " · " (done) } }
                }
            }
            @if excursion.actions.is_empty() { p { (is("Nobody has acknowledged it. Action taken: ", "尚无人确认。处理措施：")) "______________________________" } }
            div.sign { span { (is("Name", "姓名")) } span { (is("Signature", "签名")) } span { (is("Date, time", "日期时间")) } }
        } }
    }

    fn proof(&self, language: Language) -> Markup {
        let is = |en, zh| language.of(en, zh);
        html! {
            h2 { (is("Evidence", "证据")) }
            @match &self.evidence {
                Some(evidence) => {
                    dl {
                        dt { (is("Journal", "日志")) } dd { code { (evidence.journal) } }
                        dt { (is("Records", "记录")) } dd { (evidence.first_seq) "–" (evidence.last_seq) }
                        dt { (is("Chain before", "链首")) } dd { code { (evidence.head_before) } }
                        dt { (is("Chain after", "链尾")) } dd { code { (evidence.head_after) } }
                        dt { (is("Readings (BLAKE3)", "读数摘要（BLAKE3）")) } dd { code { (self.digest) } }
                    }
                    p { (is("To hold this file against the store's journal, without a network:", "离线用门店日志核对本文件：")) " "
                        code { "aisle-node cold-chain verify FILE" } }
                }
                None => p { (is("No records of the journal stand behind this page.", "本页没有对应的日志记录。")) },
            }
        }
    }
}
