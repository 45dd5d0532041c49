# SPDX-License-Identifier: Apache-2.0
"""CometBFT's side of the ABCI socket, as far as tests beside this file need it: one connection that
asks and is answered (E-2, E-5). Messages are {field: value} of ints, bytes, texts, messages and
lists of these."""
import base64
import hashlib
import json
import socket
from pathlib import Path

REQUESTS = {"flush": 2, "info": 3, "init_chain": 5, "check_tx": 8, "commit": 11,
            "offer_snapshot": 13, "load_snapshot_chunk": 14, "apply_snapshot_chunk": 15,
            "prepare_proposal": 16, "process_proposal": 17, "finalize_block": 20}
EXCEPTION = 1


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def message(fields):
    out = bytearray()
    for number, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int):
                out += varint(number << 3) + varint(one % 2**64)
                continue
            data = message(one) if isinstance(one, dict) else (
                one.encode() if isinstance(one, str) else one)
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return bytes(out)


class Abci:
    def __init__(self, path, genesis):
        """genesis: CometBFT's, as `assay export --to-cometbft` wrote it."""
        self.genesis = json.loads(Path(genesis).read_text())
        self.keys = [base64.b64decode(one["pub_key"]["value"]) for one in self.validators()]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def number(self):
        value, shift = 0, 0
        while True:
            byte = self.file.read(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def ask(self, kind, fields=None):
        """Returns: the response's number in the oneof, and its bytes."""
        request = message({REQUESTS[kind]: fields or {}})
        flush = message({REQUESTS["flush"]: {}})
        self.socket.sendall(b"".join(varint(len(m)) + m for m in (request, flush)))
        size = self.number()
        data = self.file.read(size)
        number, at = data[0] >> 3, 1
        if number > 15:  # a second byte of the tag
            number, at = (data[0] & 0x7F | data[1] << 7) >> 3, 2
        while data[at] >= 0x80:
            at += 1
        if number != EXCEPTION:
            assert self.file.read(self.number()) == b"\x1a\x00", "no answer to Flush"
        return number, data[at + 1:]

    def good(self, kind, fields=None):
        number, data = self.ask(kind, fields)
        assert number == REQUESTS[kind] + 1, (kind, number, data)
        return data

    def validators(self):
        return self.genesis["validators"]

    def init_fields(self):
        """InitChain of this genesis."""
        validators = [{1: {1: key}, 2: int(one["power"])}
                      for key, one in zip(self.keys, self.validators())]
        params = self.genesis["consensus_params"]
        block, evidence = params["block"], params["evidence"]
        duration = divmod(int(evidence["max_age_duration"]), 10**9)
        return {1: {1: 1700000000}, 2: self.genesis["chain_id"],
                3: {1: {1: int(block["max_bytes"]), 2: int(block["max_gas"])},
                    2: {1: int(evidence["max_age_num_blocks"]),
                        2: dict(zip((1, 2), duration)), 3: int(evidence["max_bytes"])},
                    3: {1: params["validator"]["pub_key_types"]},
                    4: {1: int(params["version"]["app"])},
                    5: {1: int(params["abci"]["vote_extensions_enable_height"])}},
                4: validators, 6: int(self.genesis["initial_height"])}

    def init(self):
        self.good("init_chain", self.init_fields())

    def finalize(self, height, txs=(), commit_round=None):
        """commit_round: of the commit of the block before, by the first validator; None: none."""
        own = hashlib.sha256(self.keys[0]).digest()[:20]
        commit = {} if commit_round is None else {2: {1: commit_round,
                                                      2: [{1: {1: own, 3: 1}, 3: 2}]}}
        self.good("finalize_block", {1: list(txs), **commit, 5: height, 6: {1: 1700000000 + height},
                                     8: own})

    def blocks(self, first, last):
        for height in range(first, last + 1):
            self.finalize(height)
            self.good("commit")
