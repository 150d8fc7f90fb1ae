"""A hook of schemathesis: each request with a good `Idempotency-Key` has one of its own.

The reader makes up one good key and sends it with everything, so the hub would answer each request but the first that the key came with another one (422),
and nothing behind that would be looked at. Keys that are none stay as they are: they have to be refused.
"""

import itertools

import schemathesis

HEADER = "Idempotency-Key"
NUMBERS = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get(HEADER)
    if isinstance(key, str) and 16 <= len(key) <= 128:
        case.headers[HEADER] = f"{next(NUMBERS):016}"
