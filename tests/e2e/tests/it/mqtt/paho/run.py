"""Runs one case against a broker: `run.py CASE HOST PORT`; `run.py --list` names all of them.

A case is a public function of a module in `cases` and fails by raising. It takes the broker's address; one that holds for
both protocol versions takes the version too, and runs in both at once.
"""

import faulthandler
import importlib
import inspect
import pkgutil
import sys
import threading
import traceback

import cases
from client import V5, V311

CASE_SECONDS_MAX = 30
VERSIONS = {"MQTT 3.1.1": V311, "MQTT 5": V5}


def all_cases():
    """name -> function."""
    found = {}
    for module in pkgutil.iter_modules(cases.__path__):
        loaded = importlib.import_module(f"cases.{module.name}")
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            if function.__module__ == loaded.__name__ and not name.startswith("_"):
                assert name not in found, f"two cases are named {name}"
                found[name] = function
    return found


def run(case, broker):
    """Runs a case in every version that it holds for; returns the versions in which it failed."""
    failed = []

    def guarded(version, *arguments):
        try:
            case(broker, *arguments)
        except BaseException:
            failed.append(version)
            print(f"in {version}:\n{traceback.format_exc()}", file=sys.stderr)

    if "version" not in inspect.signature(case).parameters:
        guarded("MQTT 5")
        return failed
    threads = [threading.Thread(target=guarded, args=version) for version in VERSIONS.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(sorted(all_cases())))
        return 0
    name, host, port = arguments
    faulthandler.dump_traceback_later(CASE_SECONDS_MAX, exit=True)
    return len(run(all_cases()[name], (host, int(port))))


sys.exit(main(sys.argv[1:]))
