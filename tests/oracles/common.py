# SPDX-License-Identifier: Apache-2.0
"""What the Python oracles share: vectors that are written, or made afresh and compared."""
import json
import sys
from pathlib import Path


def rows(head, lists):
    """JSON of the values of head, then of lists with a line for each item."""
    out = [f'"{name}": {json.dumps(value)}' for name, value in head.items()]
    for name, items in lists.items():
        lines = ",\n".join(json.dumps(item, separators=(",", ":")) for item in items)
        out.append(f'"{name}": [\n{lines}\n]')
    return "{" + ",\n".join(out) + "}\n"


def packed(value):
    return json.dumps(value, separators=(",", ":")) + "\n"


def spread(value, indent=0):
    return json.dumps(value, indent=indent) + "\n"


def differs(recorded, fresh):
    return None if recorded == fresh else "differs from a fresh run"


def main(make, problem=differs):
    """make() gives the file, as text or bytes; problem(recorded, fresh) says what is wrong."""
    if len(sys.argv) != 3 or sys.argv[1] not in ("record", "check"):
        sys.exit(f"usage: {Path(sys.argv[0]).name} record|check FILE")
    check, path, fresh = sys.argv[1] == "check", Path(sys.argv[2]), make()
    fresh = fresh.encode() if isinstance(fresh, str) else fresh
    if not check:
        path.write_bytes(fresh)
    elif found := problem(path.read_bytes(), fresh):
        sys.exit(f"{path}: {found}")
    print("compared" if check else "wrote", f"{path}, {len(fresh)} bytes")
