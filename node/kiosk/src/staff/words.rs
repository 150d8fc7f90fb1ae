//! Every text of the board, the languages side by side: a text that is missing in one does not compile.
//!
//! Not here: what other parts of the store say in words (why a task is open, what is wrong with a payload); that is English and is marked so.

use super::{
    board::{AlertKind, DeviceState, Severity, UnitState},
    detail::Source,
    form::Reason,
};
use crate::strings::Language;
use aisle_event::{
    cold_chain::{ColdGroup, ColdRule, ColdVerdict},
    device::{AnomalyKind, CommandEnd, DeviceProblem, Measured, Place, StreamKind},
    inventory::TaskKind,
};

macro_rules! words {
    ($($name:ident: $type:ty = $english:expr, $chinese:expr;)+) => {
        /// The texts of the board in one language.
        pub(super) struct Words {
            $(pub(super) $name: $type,)+
        }
        const ENGLISH: Words = Words { $($name: $english,)+ };
        const CHINESE: Words = Words { $($name: $chinese,)+ };
    };
}

/// The texts in a language.
pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    }
}

type Text = &'static str;

words! {
    staff: Text = "Staff", "员工";
    skip: Text = "Skip to content", "跳到正文";
    parts: Text = "Parts of the board", "看板导航";
    now: Text = "Now", "现在";
    tasks: Text = "Tasks", "任务";
    products: Text = "Products", "商品";
    cold: Text = "Cold chain", "冷链";
    devices: Text = "Devices", "设备";
    alerts: Text = "Alerts", "警报";
    gaps: Text = "Shelf gaps", "货架缺货";
    signed_in_as: fn(&str) -> String = |name| format!("Signed in as {name}"), |name| format!("已登录：{name}");
    claim_box: Text = "Make this box part of its chain", "将本机加入连锁";
    sign_out: Text = "Sign out", "退出登录";

    live: Text = "Live", "实时";
    not_live_since: Text = "Not live since {}", "{} 起未更新";
    as_of: fn(&str) -> String = |time| format!("As of {time}"), |time| format!("截至 {time}");
    look_again: Text = "Look again", "刷新";
    ago_now: Text = "just now", "刚刚";
    ago_min: Text = "{} min ago", "{} 分钟前";
    ago_h: Text = "{} h ago", "{} 小时前";
    ago_d: Text = "{} days ago", "{} 天前";
    ahead: Text = "time unclear: a clock is ahead", "时间不明：时钟偏快";
    since: Text = "since", "始于";
    sure: fn(&str) -> String = |percent| format!("{percent} sure"), |percent| format!("把握 {percent}");
    between: fn(&str, &str) -> String = |low, high| format!("between {low} and {high}"), |low, high| format!("介于 {low} 与 {high} 之间");

    summary: fn(u32, u32, u32) -> String =
        |tasks, alerts, gaps| format!("Tasks: {tasks}. Alerts: {alerts}. Shelf gaps: {gaps}."),
        |tasks, alerts, gaps| format!("任务 {tasks} 项，警报 {alerts} 条，货架缺货 {gaps} 处。");
    glance: Text = "At a glance", "概览";
    all: fn(u32) -> String = |count| format!("All {count}"), |count| format!("全部 {count} 项");
    quiet: Text = "Nothing needs you right now", "目前没有需要处理的事项";
    quiet_hint: Text = "This page tells you as soon as something does.", "一有事项，本页会立即提示。";
    no_tasks: Text = "No open tasks.", "没有待办任务。";
    no_alerts: Text = "No alerts.", "没有警报。";
    no_gaps: Text = "No shelf looks empty.", "没有疑似空货架。";
    no_units: Text = "No cold chain units yet. Define one with “aisle-node cold-chain define”.", "尚无冷链设备。请用 “aisle-node cold-chain define” 添加。";
    no_devices: Text = "No devices yet. Switch one on in the store’s network: it appears here for approval.", "尚无设备。请在店内网络中接通设备，它会出现在这里等待批准。";
    no_positions: Text = "Nothing is known of any product’s place yet. Count one to begin.", "尚无任何商品的位置信息。请先盘点一件商品。";

    task: fn(TaskKind) -> Text = |kind| match kind {
        TaskKind::FillShelf => "Fill the shelf",
        TaskKind::FindPhantom => "Look for missing stock",
        TaskKind::Recount => "Count again",
        TaskKind::CheckUnit => "Check the unit",
        TaskKind::CheckDevice => "Check the device",
        TaskKind::Plugin => "See to it",
    }, |kind| match kind {
        TaskKind::FillShelf => "补货上架",
        TaskKind::FindPhantom => "查找失踪库存",
        TaskKind::Recount => "重新盘点",
        TaskKind::CheckUnit => "检查冷链设备",
        TaskKind::CheckDevice => "检查设备",
        TaskKind::Plugin => "请处理",
    };
    bring: fn(&str) -> String = |amount| format!("Bring {amount}"), |amount| format!("取 {amount}");
    done: Text = "Done", "完成";
    done_named: fn(&str) -> String = |what| format!("Done: {what}"), |what| format!("完成：{what}");
    not_needed: Text = "Not needed", "无需处理";
    not_needed_named: fn(&str) -> String = |what| format!("Not needed: {what}"), |what| format!("无需处理：{what}");
    counted: Text = "On the shelf now, if counted", "货架现有数量（如已盘点）";

    severity: fn(Severity) -> Text = |severity| match severity {
        Severity::Critical => "Urgent",
        Severity::Warning => "Warning",
        Severity::Notice => "Notice",
    }, |severity| match severity {
        Severity::Critical => "紧急",
        Severity::Warning => "警告",
        Severity::Notice => "提示",
    };
    alert: fn(AlertKind) -> Text = |kind| match kind {
        AlertKind::Excursion => "Temperature out of limits",
        AlertKind::Anomaly => "Odd readings",
        AlertKind::DeviceProblem => "Device sends what cannot be used",
        AlertKind::Offline => "Device is gone",
        AlertKind::Approval => "Device waits for approval",
        AlertKind::Settings => "Settings not taken over",
        AlertKind::Plugin => "From a plugin",
        AlertKind::Node => "About this box",
    }, |kind| match kind {
        AlertKind::Excursion => "温度超限",
        AlertKind::Anomaly => "读数异常",
        AlertKind::DeviceProblem => "设备数据无法使用",
        AlertKind::Offline => "设备离线",
        AlertKind::Approval => "设备等待批准",
        AlertKind::Settings => "设置未生效",
        AlertKind::Plugin => "来自插件",
        AlertKind::Node => "关于本机",
    };

    place: fn(Place) -> Text = |place| match place {
        Place::Shelf => "Shelf",
        Place::Backroom => "Backroom",
    }, |place| match place {
        Place::Shelf => "货架",
        Place::Backroom => "后仓",
    };
    empty_shelf: Text = "Shelf empty", "货架已空";
    phantom: Text = "Book has goods that are not there", "账面有货而实际无货";
    chance: fn(&str) -> String = |percent| format!("{percent} likely"), |percent| format!("可能性 {percent}");
    sellable: Text = "Can be sold", "可售";
    not_sellable: Text = "Probably none left", "可能已售罄";

    unit_state: fn(UnitState) -> Text = |state| match state {
        UnitState::Fine => "Fine",
        UnitState::Outside => "Outside its limit, not for long",
        UnitState::Excursion => "Out of limits",
        UnitState::Unknown => "Nothing known: sensor silent",
    }, |state| match state {
        UnitState::Fine => "正常",
        UnitState::Outside => "短时超限",
        UnitState::Excursion => "超限",
        UnitState::Unknown => "情况不明：传感器无数据",
    };
    group: fn(ColdGroup) -> Text = |group| match group {
        ColdGroup::Chilled => "Chilled",
        ColdGroup::Hot => "Hot",
        ColdGroup::Frozen => "Frozen",
    }, |group| match group {
        ColdGroup::Chilled => "冷藏",
        ColdGroup::Hot => "热柜",
        ColdGroup::Frozen => "冷冻",
    };
    limit: fn(ColdGroup, &str) -> String = |group, limit| match group {
        ColdGroup::Hot => format!("at least {limit}"),
        ColdGroup::Chilled | ColdGroup::Frozen => format!("at most {limit}"),
    }, |group, limit| match group {
        ColdGroup::Hot => format!("不低于 {limit}"),
        ColdGroup::Chilled | ColdGroup::Frozen => format!("不高于 {limit}"),
    };
    door_open: Text = "Door open", "柜门开着";
    no_reading: Text = "No temperature yet", "尚无温度";
    acknowledged: Text = "Seen", "已确认";
    not_acknowledged: Text = "Nobody has seen this yet", "尚无人确认";

    device_state: fn(DeviceState) -> Text = |state| match state {
        DeviceState::Pending => "Waits for approval",
        DeviceState::Online => "Online",
        DeviceState::Offline => "Offline",
        DeviceState::Retired => "Retired",
    }, |state| match state {
        DeviceState::Pending => "等待批准",
        DeviceState::Online => "在线",
        DeviceState::Offline => "离线",
        DeviceState::Retired => "已停用",
    };
    in_sync: Text = "Settings in force", "设置已生效";
    out_of_sync: Text = "Settings not in force yet", "设置尚未生效";
    problems_count: fn(u32) -> String = |count| format!("Problems: {count}"), |count| format!("问题 {count} 个");
    never_heard: Text = "Not heard yet", "尚未通信";
    firmware: Text = "Software", "软件版本";
    profile: Text = "Profile", "配置档";
    serial: Text = "Serial number", "序列号";
    boots: Text = "Starts", "启动次数";
    approve: Text = "Approve", "批准";
    approve_hint: Text = "From then on its readings count. Approve it only if you know where it stands.", "批准后其读数才会被采用。请确认设备位置后再批准。";
    retire: Text = "Retire", "停用";
    retire_hint: Text = "It is sent away for good; its settings and messages are cleaned up. It would have to announce itself again.", "设备将被永久停用，其设置和消息会被清除；需重新接入才能再用。";

    streams: Text = "What it measures", "测量数据";
    no_streams: Text = "It has not said what it measures.", "设备尚未说明测量内容。";
    stream_kind: fn(StreamKind) -> Text = |kind| match kind {
        StreamKind::Number => "Numbers",
        StreamKind::Tags => "RFID tags",
        StreamKind::Code => "Scanned codes",
    }, |kind| match kind {
        StreamKind::Number => "数值",
        StreamKind::Tags => "RFID 标签",
        StreamKind::Code => "扫描条码",
    };
    not_taken: Text = "Its values are not taken before it is approved", "批准之前不采用其数值";
    first_reading: Text = "Waits for its first reading", "等待首次读数";
    interval: fn(u32) -> String = |seconds| format!("every {seconds} s"), |seconds| format!("每 {seconds} 秒");
    anomaly: fn(AnomalyKind) -> Text = |kind| match kind {
        AnomalyKind::Range => "Outside what can be",
        AnomalyKind::Stuck => "Stuck at one value",
        AnomalyKind::Drift => "Drifting",
        AnomalyKind::Silent => "Silent",
    }, |kind| match kind {
        AnomalyKind::Range => "超出合理范围",
        AnomalyKind::Stuck => "数值卡住",
        AnomalyKind::Drift => "数值漂移",
        AnomalyKind::Silent => "无数据",
    };
    measured: fn(Measured) -> Text = |measured| match measured {
        Measured::Celsius => "°C",
        Measured::HumidityPercent | Measured::Percent => "%",
        Measured::Gram => "g",
        Measured::Watt => "W",
        Measured::KilowattHour => "kWh",
        Measured::Volt => "V",
        Measured::Open => "(1 = open)",
        Measured::On => "(1 = on)",
        Measured::Count => "",
        Measured::Dbm => "dBm",
        Measured::Second => "s",
    }, |measured| match measured {
        Measured::Celsius => "°C",
        Measured::HumidityPercent | Measured::Percent => "%",
        Measured::Gram => "g",
        Measured::Watt => "W",
        Measured::KilowattHour => "kWh",
        Measured::Volt => "V",
        Measured::Open => "（1 = 打开）",
        Measured::On => "（1 = 开启）",
        Measured::Count => "",
        Measured::Dbm => "dBm",
        Measured::Second => "秒",
    };
    chart_of: fn(&str, u32) -> String = |stream, hours| format!("{stream}, the last {hours} hours"), |stream, hours| format!("{stream}，最近 {hours} 小时");
    span: Text = "Span of the chart", "图表时间范围";
    hours: fn(u32) -> String = |hours| if hours > 48 { format!("{} days", hours / 24) } else { format!("{hours} h") },
        |hours| if hours > 48 { format!("{} 天", hours / 24) } else { format!("{hours} 小时") };

    settings: Text = "Settings", "设置";
    no_settings: Text = "It has no settings.", "设备没有可调设置。";
    says: fn(&str) -> String = |value| format!("Device says {value}"), |value| format!("设备上报 {value}");
    says_nothing: Text = "Device has not said", "设备未上报";
    wanted: fn(&str) -> String = |value| format!("wanted {value}"), |value| format!("目标 {value}");
    default: fn(&str) -> String = |value| format!("default {value}"), |value| format!("默认 {value}");
    range: fn(&str, &str) -> String = |least, most| format!("{least} to {most}"), |least, most| format!("{least} 至 {most}");
    bytes_max: fn(usize) -> String = |bytes| format!("at most {bytes} bytes"), |bytes| format!("最多 {bytes} 字节");
    version: fn(u64, &str) -> String = |desired, reported| format!("Version {desired} wanted, {reported} in force"), |desired, reported| format!("目标版本 {desired}，生效版本 {reported}");
    refused: fn(u64) -> String = |version| format!("It refused version {version}. Nothing of it was taken over."), |version| format!("设备拒绝了版本 {version}，未应用其中任何设置。");
    last_known_good: Text = "It fell back to the last settings with which it started.", "设备已退回到上次可正常启动的设置。";
    save: Text = "Save settings", "保存设置";
    yes: Text = "Yes", "是";
    no: Text = "No", "否";
    commands: Text = "Commands", "指令";
    no_commands: Text = "Nothing was asked of it yet.", "尚未发送过指令。";
    waiting: Text = "Waiting for its answer", "等待设备回应";
    command_end: fn(CommandEnd) -> Text = |end| match end {
        CommandEnd::Done => "Done",
        CommandEnd::Refused => "Refused by the device",
        CommandEnd::TimedOut => "No answer in time. Check that it is online and try again.",
    }, |end| match end {
        CommandEnd::Done => "已完成",
        CommandEnd::Refused => "设备拒绝",
        CommandEnd::TimedOut => "设备未及时回应。请确认在线后重试。",
    };
    problems: Text = "Problems", "问题";
    no_problems: Text = "No problems.", "没有问题。";
    problem: fn(DeviceProblem) -> Text = |problem| match problem {
        DeviceProblem::Payload => "It sends what cannot be read",
        DeviceProblem::Value => "It sends numbers that cannot be",
        DeviceProblem::Unit => "It sends the wrong unit",
        DeviceProblem::Clock => "Its clock is far off",
        DeviceProblem::TwoDevices => "Two devices use this name",
        DeviceProblem::Model => "It now says it is another model",
        DeviceProblem::Flood => "It sends too much",
        DeviceProblem::Settings => "It refused settings",
    }, |problem| match problem {
        DeviceProblem::Payload => "数据无法解析",
        DeviceProblem::Value => "数值不可能",
        DeviceProblem::Unit => "单位错误",
        DeviceProblem::Clock => "时钟偏差过大",
        DeviceProblem::TwoDevices => "两台设备使用同一名称",
        DeviceProblem::Model => "设备型号发生变化",
        DeviceProblem::Flood => "发送数据过多",
        DeviceProblem::Settings => "拒绝了设置",
    };

    contents: Text = "In it", "存放商品";
    no_contents: Text = "Nobody has said what is kept in it.", "尚未登记存放商品。";
    sensors: Text = "Watched by", "监测设备";
    no_sensors: Text = "No sensor watches it. Place a device’s stream on this unit.", "没有传感器监测此设备。请将设备数据流指定到此设备。";
    excursions: Text = "Excursions", "超限记录";
    no_excursions: Text = "It has always been as it must be.", "一直保持在要求范围内。";
    rule: fn(ColdRule) -> Text = |rule| match rule {
        ColdRule::Limit => "Outside its limit for too long",
        ColdRule::Cumulative => "Outside for so long in all that the food must go",
        ColdRule::Unknown => "Sensor silent: nobody knows",
    }, |rule| match rule {
        ColdRule::Limit => "超限时间过长",
        ColdRule::Cumulative => "累计超限时间过长，食品须丢弃",
        ColdRule::Unknown => "传感器无数据，情况不明",
    };
    verdict: fn(ColdVerdict) -> Text = |verdict| match verdict {
        ColdVerdict::Safe => "Food is safe",
        ColdVerdict::Discard => "Throw the food away",
        ColdVerdict::Judge => "A person has to judge: readings are missing",
    }, |verdict| match verdict {
        ColdVerdict::Safe => "食品安全",
        ColdVerdict::Discard => "食品须丢弃",
        ColdVerdict::Judge => "读数缺失，须人工判断",
    };
    lasting: Text = "Still going on", "仍在持续";
    peak: fn(&str) -> String = |value| format!("at its worst {value}"), |value| format!("最极端 {value}");
    outside_for: fn(u64) -> String = |minutes| format!("outside for {minutes} min"), |minutes| format!("超限 {minutes} 分钟");
    lots: Text = "Lots", "批次";
    seen_by: fn(&str) -> String = |name| format!("Seen by {name}"), |name| format!("{name} 已确认");
    action_taken: Text = "What did you do about it?", "采取了什么措施？";
    action_hint: Text = "e.g. closed the door, moved the food", "例如：关好柜门，转移食品";
    acknowledge: Text = "I have seen this", "确认已知";
    reports: Text = "Reports", "报告";
    no_reports: Text = "The first report is there after the first day of readings.", "有首日读数后即有报告。";
    print: fn(&str) -> String = |day| format!("Report of {day}, to print"), |day| format!("{day} 报告（可打印）");
    table: fn(&str) -> String = |day| format!("CSV table of {day}"), |day| format!("CSV 表格 {day}");

    stock: Text = "How much there is", "库存估计";
    no_stock: Text = "Nothing is known of its stock. Count it to begin.", "尚无库存信息。请先盘点。";
    sources: Text = "What this rests on", "依据";
    source: fn(Source) -> Text = |source| match source {
        Source::Book => "Book",
        Source::Count => "Count",
        Source::Weight => "Shelf weight",
        Source::Tags => "RFID tags",
    }, |source| match source {
        Source::Book => "账面",
        Source::Count => "盘点",
        Source::Weight => "货架称重",
        Source::Tags => "RFID 标签",
    };
    source_says: fn(&str) -> String = |amount| format!("says {amount}"), |amount| format!("显示 {amount}");
    source_part: fn(&str) -> String = |percent| format!("counts for {percent}"), |percent| format!("权重 {percent}");
    why: Text = "Why", "原因";
    count: Text = "Count", "盘点";
    count_hint: Text = "What you count now is worth more than everything above.", "您现在的盘点结果优先于以上所有依据。";
    amount: fn(&str) -> String = |unit| format!("How much{unit}"), |unit| format!("数量{unit}");
    save_count: Text = "Save count", "保存盘点";
    carry: Text = "Carried goods", "搬运商品";
    carry_from: Text = "From", "从";
    carry_to: Text = "To", "到";
    save_carry: Text = "Save move", "保存搬运";
    where_: Text = "Where", "位置";
    find: Text = "Find", "查找";
    find_label: Text = "Find a product by name or number", "按名称或编号查找商品";
    found: fn(usize, &str) -> String = |count, query| match count {
        0 => format!("Nothing found for “{query}”. Try fewer letters."),
        1 => format!("1 product for “{query}”"),
        count => format!("{count} products for “{query}”"),
    }, |count, query| match count {
        0 => format!("没有找到“{query}”。请减少几个字。"),
        count => format!("“{query}”：找到 {count} 件商品"),
    };
    watched: Text = "Worth a look", "值得关注";

    sign_in: Text = "Sign in", "登录";
    sign_in_hint: Text = "For those who work here.", "仅限本店员工。";
    your_name: Text = "Your name", "您的姓名";
    your_name_hint: Text = "It stands beside what you do.", "会记录在您的操作旁。";
    pin: Text = "PIN of the store", "门店 PIN 码";
    pin_hint: Text = "Six digits. Ask whoever runs the store.", "六位数字。请询问门店负责人。";
    wrong_pin: Text = "That is not the PIN. Check it and try again.", "PIN 码不正确，请核对后重试。";
    wait: fn(u64) -> String = |seconds| format!("Too many wrong PINs. Wait {seconds} s and try again."), |seconds| format!("PIN 码错误次数过多，请等待 {seconds} 秒后重试。");
    no_pin: Text = "There is no PIN yet. Whoever runs the store finds it in “staff.pin” beside the node’s data, six digits on one line.", "尚未设置 PIN 码。请门店负责人在节点数据目录的 “staff.pin” 中写入一行六位数字。";

    did: fn(&str) -> Option<Text> = |what| Some(match what {
        "approved" => "Approved. Its readings count from now on.",
        "retired" => "Retired.",
        "set" => "Saved. The device takes it over when it hears of it.",
        "unchanged" => "Nothing was different, so nothing was sent.",
        "sent" => "Sent. The answer appears below.",
        "seen" => "Noted.",
        "finished" => "Done. Thank you.",
        "dismissed" => "Noted: not needed.",
        "counted" => "Count saved.",
        "moved" => "Move saved.",
        _ => return None,
    }), |what| Some(match what {
        "approved" => "已批准，其读数即刻生效。",
        "retired" => "已停用。",
        "set" => "已保存，设备收到后生效。",
        "unchanged" => "没有变化，未发送。",
        "sent" => "已发送，回应会显示在下方。",
        "seen" => "已记录。",
        "finished" => "已完成，谢谢。",
        "dismissed" => "已记录：无需处理。",
        "counted" => "盘点已保存。",
        "moved" => "搬运已保存。",
        _ => return None,
    });
    not_done: Text = "That was not done", "操作未成功";
    reason: fn(&Reason) -> String = |reason| match reason {
        Reason::Missing => "Fill this in.".into(),
        Reason::NotANumber => "Write a number, such as 6 or 1.5.".into(),
        Reason::NotWhole => "Write a whole number.".into(),
        Reason::NotPieces => "This is counted in whole pieces.".into(),
        Reason::NotThousandths => "Use at most three decimals.".into(),
        Reason::Range(least, most) => format!("Write a number from {least} to {most}."),
        Reason::TooLong(bytes) => format!("Use at most {bytes} bytes: about as many letters, or a third as many Chinese characters."),
        Reason::NotText => "Leave out line breaks and other invisible characters.".into(),
        Reason::NoChoice => "Choose one of the list.".into(),
        Reason::SamePlace => "Choose two different places.".into(),
        Reason::Nothing => "Write more than 0.".into(),
        Reason::Gone => "It is no longer there. Somebody may have been quicker: look again.".into(),
        Reason::Busy => "The node is busy. Try again in a moment.".into(),
        Reason::Stopped => "The node cannot record anything at the moment. It restarts by itself; try again in a minute.".into(),
        Reason::Said(text) => text.clone(),
    }, |reason| match reason {
        Reason::Missing => "请填写此项。".into(),
        Reason::NotANumber => "请填写数字，例如 6 或 1.5。".into(),
        Reason::NotWhole => "请填写整数。".into(),
        Reason::NotPieces => "此商品按整件计数。".into(),
        Reason::NotThousandths => "最多三位小数。".into(),
        Reason::Range(least, most) => format!("请填写 {least} 至 {most} 之间的数字。"),
        Reason::TooLong(bytes) => format!("最多 {bytes} 字节：约同数量的字母，或三分之一数量的汉字。"),
        Reason::NotText => "请去掉换行等不可见字符。".into(),
        Reason::NoChoice => "请从列表中选择。".into(),
        Reason::SamePlace => "请选择两个不同的位置。".into(),
        Reason::Nothing => "请填写大于 0 的数。".into(),
        Reason::Gone => "该项已不存在，可能已有人处理，请刷新查看。".into(),
        Reason::Busy => "节点繁忙，请稍后再试。".into(),
        Reason::Stopped => "节点暂时无法记录，会自动重启，请一分钟后再试。".into(),
        Reason::Said(text) => text.clone(),
    };

    not_found: Text = "There is nothing here", "这里什么都没有";
    not_found_hint: Text = "It may have been retired or renamed. Everything there is can be found from the first page.", "可能已停用或更名。所有内容都可从首页找到。";
    busy: Text = "One moment", "请稍候";
    busy_hint: Text = "The node has much to do. Try again in a few seconds.", "节点当前繁忙，请几秒后再试。";
    failed: Text = "Something went wrong on our side", "系统出错了";
    failed_hint: Text = "It was logged. Try again; if it stays, run “aisle-node doctor” or tell whoever runs the store.", "错误已记录。请重试；若仍不行，请运行 “aisle-node doctor” 或联系门店负责人。";
    refused_hint: Text = "Go back, correct what is named here, and try again.", "请返回，改正下列内容后重试。";
    back: Text = "To the first page", "返回首页";
}
