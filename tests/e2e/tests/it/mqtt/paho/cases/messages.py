"""What a message carries."""

from client import connected, unique

USER = [("a", "2"), ("c", "3"), ("a", "again")]


def _comes_back_with(broker, **named):
    topic, client = unique("carried"), connected(broker)
    client.subscribe(topic, qos=2)
    for qos in range(3):
        client.publish(topic, b"", qos, **named)
    came = client.only(3)
    assert {message.qos for message in came} == {0, 1, 2}
    return [message.properties for message in came]


def user_properties_are_passed_on_in_order(broker):
    for properties in _comes_back_with(broker, UserProperty=USER):
        assert properties.UserProperty == USER, properties


def the_format_and_the_type_of_a_payload_are_passed_on(broker):
    for properties in _comes_back_with(broker, PayloadFormatIndicator=1, ContentType="My name"):
        assert properties.PayloadFormatIndicator == 1, properties
        assert properties.ContentType == "My name", properties


def a_request_finds_its_answer(broker):
    requests, responses = unique("requests"), unique("responses")
    asking, answering = connected(broker), connected(broker)
    asking.subscribe(responses, qos=2)
    answering.subscribe(requests, qos=2)
    asking.publish(requests, b"request", 1, ResponseTopic=responses, CorrelationData=b"334\x00")
    [request] = answering.only()
    assert request.properties.ResponseTopic == responses, request.properties
    assert request.properties.CorrelationData == b"334\x00", request.properties
    answering.publish(
        request.properties.ResponseTopic, b"response", 1, CorrelationData=request.properties.CorrelationData
    )
    [response] = asking.only()
    assert (response.payload, response.properties.CorrelationData) == (b"response", b"334\x00")


def a_message_that_nobody_wants_is_taken_all_the_same(broker):
    client = connected(broker)
    for qos in (1, 2):
        assert client.publish(unique("nobody"), b"hello", qos) in (0x00, 0x10)
