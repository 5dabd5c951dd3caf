#!/usr/bin/env python3
"""A client of noclobber's protocol, with Python's standard library alone.

    python3 client.py follow --cursor start          each change once, as a line of JSON; Ctrl-C ends it
    python3 client.py set project 1 status=active    a guarded save

Without --url and --token it asks the demo. The cursor is kept in --state.
"""

import argparse
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


def ask(options, method, path, body=None):
    """One request: its status, its headers and its JSON."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {options.token}"}
    request = urllib.request.Request(options.url + path, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, json.loads(answer.read() or "{}")
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.loads(error.read() or "{}")


def ask_until_answered(options, *request, **more):
    """The same again after an outage, and where the answer is 429 or 5xx."""
    while True:
        try:
            status, headers, answer = ask(options, *request, **more)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            status, headers, answer = 503, {}, {"detail": str(error)}
        if status != 429 and status < 500:
            return status, answer
        print(f"{status}: {answer.get('detail')}; trying again", file=sys.stderr)
        time.sleep(float(headers.get("Retry-After", 2)))


def follow(options):
    """Everything that was committed after the cursor, exactly once."""
    state = pathlib.Path(options.state)
    cursor = state.read_text() if state.exists() else options.cursor
    while True:
        query = {"wait": "25", **({"cursor": cursor} if cursor else {})}
        status, answer = ask_until_answered(options, "GET", f"/changes?{urllib.parse.urlencode(query)}")
        if status != 200:
            sys.exit(f"{status} {answer.get('code')}: {answer.get('detail')}")
        if answer.get("reset"):
            print("Changes were missed: read everything anew here.", file=sys.stderr)
        for change in answer["data"]:
            print(json.dumps(change), flush=True)
        cursor = answer["cursor"]
        state.write_text(cursor)


def save(options):
    """Saves on the version that was read; again on a newer one, as long as nobody changed the same fields."""
    path = f"/records/{options.type}/{urllib.parse.quote(options.id, safe='')}"
    changes = dict(pair.split("=", 1) for pair in options.changes)
    status, answer = ask_until_answered(options, "GET", path)
    version = answer["data"]["version"] if status == 200 else None
    while version is not None:
        # One id for one write: if its answer was lost, the repeated write gets it, and nothing is done twice.
        body = {"client_version": version, "changes": changes, "mutation_id": str(uuid.uuid4())}
        status, answer = ask_until_answered(options, "PATCH", path, body=body)
        changed = answer.get("changed_fields")
        if answer.get("code") != "stale_record" or changed is None or set(changed) & set(changes):
            break
        version = answer["current_version"]
    if status != 200:
        sys.exit(f"Not saved, {status} {answer.get('code')}: {answer.get('detail')}")
    print(json.dumps(answer["data"]))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--url", default="http://localhost:3000/api/v1")
parser.add_argument("--token", default="demo:alice")
commands = parser.add_subparsers(required=True)
following = commands.add_parser("follow")
following.add_argument("--cursor")
following.add_argument("--state", default="cursor.txt")
following.set_defaults(run=follow)
saving = commands.add_parser("set")
saving.add_argument("type")
saving.add_argument("id")
saving.add_argument("changes", nargs="+")
saving.set_defaults(run=save)
arguments = parser.parse_args()
arguments.run(arguments)
