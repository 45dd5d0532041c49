#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets in a home's config.toml, which `cometbft init` wrote, what a cluster needs, so that lines of
CometBFT with different defaults behave alike. usage: configure.py HOME SECTION.KEY=VALUE…
A key that this CometBFT does not know is an error: nothing is set that has no effect."""
import json
import re
import sys
from pathlib import Path

SETTINGS = {
    "rpc.max_body_bytes": 4 << 20,
    "p2p.pex": False,
    "p2p.addr_book_strict": False,
    "p2p.allow_duplicate_ip": True,
    "p2p.flush_throttle_timeout": "5ms",
    "p2p.send_rate": 20 << 20,
    "p2p.recv_rate": 20 << 20,
    # Without it a peer that was away for minutes is dialled after as many.
    "p2p.persistent_peers_max_dial_period": "2s",
    "mempool.type": "flood",
    "mempool.recheck": True,
    "mempool.size": 30000,
    "mempool.max_txs_bytes": 64 << 20,
    "mempool.max_tx_bytes": 1 << 20,
    "mempool.cache_size": 60000,
    # A transaction that was refused once, for a nonce ahead of its time say, may come again.
    "mempool.keep-invalid-txs-in-cache": False,
    "consensus.timeout_propose": "1s",
    "consensus.timeout_propose_delta": "500ms",
    "consensus.timeout_prevote": "500ms",
    "consensus.timeout_prevote_delta": "250ms",
    "consensus.timeout_precommit": "500ms",
    "consensus.timeout_precommit_delta": "250ms",
    "consensus.skip_timeout_commit": False,
    "consensus.create_empty_blocks": True,
    "consensus.peer_gossip_sleep_duration": "10ms",
    "storage.discard_abci_responses": False,  # each node's own app hashes are compared
    "tx_index.indexer": "null",
    "instrumentation.prometheus": False,
}


def replace(text, settings):
    """The file with the settings in it; comments and everything else stay."""
    lines, section, left = [], "", dict(settings)
    for line in text.split("\n"):
        head = re.match(r"\[([\w.]+)\]", line)
        assignment = re.match(r"([\w-]+)\s*=", line)
        if head:
            section = head[1] + "."
        name = section + assignment[1] if assignment else None
        if name in left:
            line = f"{assignment[1]} = {json.dumps(left.pop(name))}"
        lines.append(line)
    if left:
        sys.exit(f"configure.py: this CometBFT has no {', '.join(left)}")
    return "\n".join(lines)


def configure(home, settings):
    path = Path(home) / "config/config.toml"
    path.write_text(replace(path.read_text(), settings))


def main():
    given = dict(word.split("=", 1) for word in sys.argv[2:])
    configure(sys.argv[1],
              SETTINGS | {name.removeprefix("top."): value for name, value in given.items()})


if __name__ == "__main__":
    main()
