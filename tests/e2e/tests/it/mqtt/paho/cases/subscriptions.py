"""What a subscription may ask for."""

from client import V311, connected, unique


def overlapping_subscriptions_deliver_with_the_highest_qos(broker, version):
    base = unique("overlap")
    client = connected(broker, version=version)
    assert client.subscribe(base + "/#", qos=2) == [2]
    assert client.subscribe(base + "/+", qos=1) == [1]
    client.publish(base + "/C", b"overlapping", 2)
    # Once for all of them, or once for each: both are allowed.
    came = sorted(message.qos for message in client.rest())
    assert came in ([2], [1, 2]), came


def a_filter_that_is_not_allowed_is_refused(broker, version):
    # The broker of this case lets clients subscribe below `open` only.
    client = connected(broker, version=version)
    # Not authorised, or no reason given, as always in 3.1.1.
    refused = {0x80} if version == V311 else {0x80, 0x87}
    # Both versions are tried at once.
    topic = "open/" + unique("a")
    granted, closed, below, everything = client.subscribe(topic, "closed/a", "open/b/#", "#", qos=1)
    assert granted == below == 1, (granted, below)
    assert closed in refused and everything in refused, (closed, everything)
    client.publish(topic, b"open", 1)
    assert client.only()[0].payload == b"open"


def a_client_need_not_hear_itself(broker):
    topic, client, other = unique("no-local"), connected(broker), connected(broker)
    client.subscribe(topic, qos=2, noLocal=True)
    other.subscribe(topic, qos=2, noLocal=True)
    client.publish(topic, b"of the one", 1)
    assert other.only()[0].payload == b"of the one"
    client.hears_nothing()


def the_retain_flag_stays_on_for_who_asked(broker):
    topic, bridge, screen = unique("as-published"), connected(broker), connected(broker)
    bridge.subscribe(topic, qos=2, retainAsPublished=True)
    screen.subscribe(topic, qos=2, retainAsPublished=False)
    bridge.publish(topic, b"passing", 1, retain=False)
    bridge.publish(topic, b"retained", 1, retain=True)
    assert [message.retain for message in bridge.only(2)] == [False, True]
    assert [message.retain for message in screen.only(2)] == [False, False]


def retained_messages_come_as_the_subscription_says(broker):
    base = unique("handling")
    sender = connected(broker)
    for qos in range(3):
        sender.publish(f"{base}/{qos}", f"qos {qos}", qos, retain=True)

    def answers(handling):
        client = connected(broker)
        counts = []
        for _ in range(2):
            client.subscribe(base + "/+", qos=2, retainHandling=handling)
            counts.append(len(client.rest()))
        client.disconnect()
        return counts

    assert answers(0) == [3, 3], "always"
    assert answers(1) == [3, 0], "when it is new"
    assert answers(2) == [0, 0], "never"


def a_message_names_every_subscription_that_it_came_by(broker):
    topic, one, two = unique("identified"), connected(broker), connected(broker)
    one.subscribe(topic, qos=2, identifier=456_789)
    two.subscribe(topic, qos=2, identifier=2)
    two.subscribe(topic + "/#", qos=2, identifier=3)
    two.publish(topic, b"whose?", 1)
    [message] = one.only()
    assert message.properties.SubscriptionIdentifier == [456_789], message.properties
    [message] = two.only()
    assert sorted(message.properties.SubscriptionIdentifier) == [2, 3], message.properties


def a_subscription_made_again_takes_the_place_of_the_first(broker):
    topic, client = unique("anew"), connected(broker)
    client.subscribe(topic, qos=2, identifier=1)
    client.subscribe(topic, qos=1, identifier=2)
    client.publish(topic, b"once", 2)
    [message] = client.only()
    assert (message.qos, message.properties.SubscriptionIdentifier) == (1, [2]), message.properties


def a_message_to_a_group_comes_to_one_of_it(broker):
    topic = unique("shared")
    members = [connected(broker) for _ in range(3)]
    for member in members:
        assert member.subscribe(f"$share/group/{topic}", qos=2) == [2]
    alone = connected(broker)
    alone.subscribe(f"$share/another/{topic}", qos=2)
    listener = connected(broker)
    listener.subscribe(topic, qos=2)
    for number in range(30):
        alone.publish(topic, f"{number}", 1)
    everything = [f"{number}".encode() for number in range(30)]
    assert [message.payload for message in listener.only(30)] == everything
    assert [message.payload for message in alone.rest()] == everything, "each group gets all"
    shares = [[message.payload for message in member.rest()] for member in members]
    assert sorted(sum(shares, [])) == sorted(everything), shares
    assert all(shares), "everybody gets a share"


def a_group_goes_on_without_a_member_that_left(broker):
    topic = unique("left-group")
    stays, leaves, sender = connected(broker), connected(broker), connected(broker)
    for member in (stays, leaves):
        member.subscribe(f"$share/group/{topic}", qos=1)
    leaves.unsubscribe(f"$share/group/{topic}")
    for number in range(9):
        sender.publish(topic, f"{number}", 1)
    stays.only(9)
    leaves.hears_nothing()


def retained_messages_do_not_come_to_a_group(broker):
    topic, client = unique("shared-retained"), connected(broker)
    client.publish(topic, b"retained", 1, retain=True)
    client.subscribe(f"$share/group/{topic}", qos=1)
    client.hears_nothing()
