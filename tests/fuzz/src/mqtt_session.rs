//! Courses of events for the broker's session machine: clients, commits that come late or not at all, power cuts.

/// Plays a course in a made-up world.
///
/// # Panics
/// When a promise is broken: a message that was acknowledged is lost, one of QoS 2 comes twice, an identifier is used twice at
/// once, or a replay makes another state.
pub fn mqtt_session(input: &[u8]) {
    // A course is quadratic in its power cuts, each of which replays it from the beginning.
    const BYTES_MAX: usize = 4_096;
    aisle_broker::simulation::run(input.get(..BYTES_MAX).unwrap_or(input));
}

/// One client that subscribes, one that publishes; acknowledgements, a power cut in between.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let connect = |client: u8| [0, client | 0x60, 0, 0, 2];
    let subscribe = |client: u8, filter: u8| [15, client, filter, 0, 0];
    let publish = |client: u8, qos: u8, topic: u8| [6, client, qos, topic, 0];
    let (commit, acknowledge, release) = ([31, 1, 0, 0, 0], [18, 1, 0, 3, 0], [13, 0, 0, 0, 0]);
    let (power_cut, checkpoint, wait) = ([31, 0, 1, 1, 0], [30, 0, 0, 0, 0], [29, 100, 0, 0, 0]);
    let course = |qos: u8, between: [u8; 5]| {
        let events = [
            connect(0),
            connect(1),
            commit,
            subscribe(1, 2),
            commit,
            publish(0, qos, 1),
            publish(0, qos, 2),
            commit,
            acknowledge,
            between,
            connect(1),
            connect(0),
            commit,
            release,
            acknowledge,
            commit,
        ];
        std::iter::once(0).chain(events.concat()).collect()
    };
    vec![course(1, power_cut), course(2, power_cut), course(2, checkpoint), course(2, wait)]
}
