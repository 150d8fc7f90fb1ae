//! What a process holds in memory, as Linux counts it.

use aisle_harness::node::NodeUnderTest;
use std::fs;

/// The most memory that a node had since it was started or [`forget_peak`] was called, in KiB.
pub(crate) fn peak_kib(node: &NodeUnderTest) -> u64 {
    let pid = node.pid().expect("it runs");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Has the peak begin anew at what the node holds now.
pub(crate) fn forget_peak(node: &NodeUnderTest) {
    let pid = node.pid().expect("it runs");
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the process is ours");
}
