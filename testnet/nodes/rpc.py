# SPDX-License-Identifier: Apache-2.0
"""The two servers of a node, asked: CometBFT's RPC and Assay's API. Everything is read afresh."""
import base64
import http.client
import json
import urllib.error
import urllib.request

AWAY = (OSError, http.client.HTTPException, json.JSONDecodeError)


class Away(Exception):
    """The node does not answer, or not with what was asked for."""


def get(url, seconds=5, body=None):
    """A JSON document. Away: no answer; also an error status without JSON."""
    try:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=seconds) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        try:
            return json.loads(error.read())
        except AWAY as inner:
            raise Away(f"{url}: {inner}") from inner
    except AWAY as error:
        raise Away(f"{url}: {error}") from error


class Comet:
    """CometBFT's RPC at a URL."""

    def __init__(self, url):
        self.url = url

    def ask(self, path, seconds=5):
        answer = get(f"{self.url}/{path}", seconds)
        if "result" not in answer:
            raise Away(f"{self.url}/{path}: {answer.get('error')}")
        return answer["result"]

    def height(self):
        return int(self.ask("status")["sync_info"]["latest_block_height"])

    def first(self):
        """The first block it has, 0 for none yet."""
        return int(self.ask("status")["sync_info"]["earliest_block_height"])

    def block(self, height):
        return self.ask(f"block?height={height}")["block"]

    def validators(self, height):
        """How many may vote on that block."""
        return int(self.ask(f"validators?height={height}")["total"])

    def app_hash_after(self, height):
        """What this node's own application answered to FinalizeBlock, 64 hexadecimal digits."""
        return base64.b64decode(self.ask(f"block_results?height={height}")["app_hash"] or "").hex()

    def codes(self, height):
        """The result code of each of a block's transactions."""
        results = self.ask(f"block_results?height={height}")["txs_results"] or []
        return [int(result.get("code") or 0) for result in results]
