// SPDX-License-Identifier: Apache-2.0
// State proofs checked by the verifier of cosmos/ics23 under its SMT rules.
//   ics23.mjs check FILE   every proof of tests/vectors/smt.json, and that bent ones fail
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fail, load, version } from "./common.mjs";

const { ics23 } = load("@confio/ics23");
const { smtSpec, verifyExistence } = load("@confio/ics23/build/proofs.js");
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const sha256 = (data) => Uint8Array.from(createHash("sha256").update(data).digest());

// This version of the verifier takes keys hashed.
function existence(proof) {
    if (!proof) return undefined;
    const key = sha256(bytes(proof.key));
    const depth = proof.siblings.length;
    const path = proof.siblings.map((sibling, i) => {
        const level = depth - 1 - i;
        const right = (key[level >> 3] >> (7 - (level & 7))) & 1;
        const prefix = right ? `01${sibling}` : "01";
        return { hash: ics23.HashOp.SHA256, prefix: bytes(prefix),
            suffix: bytes(right ? "" : sibling) };
    });
    return { key, value: bytes(proof.value), leaf: smtSpec.leafSpec, path };
}

// For an absent key its neighbours' proofs: the npm verifier knows no empty branches, so whether
// they are neighbours is left to smt_vectors.py.
function verify(one, root) {
    for (const proof of one.proofs.map(existence)) {
        if (proof) verifyExistence(proof, smtSpec, root, proof.key, proof.value);
    }
    if (one.value === null) return;
    const [key, value] = [sha256(bytes(one.key)), bytes(one.value)];
    verifyExistence(existence(one.proofs[0]), smtSpec, root, key, value);
}

function refused(one, root) {
    try {
        verify(one, root);
    } catch {
        return true;
    }
    return false;
}

const [mode, path] = process.argv.slice(2);
if (mode !== "check" || !path) fail("usage: ics23.mjs check FILE");
const { cases } = JSON.parse(readFileSync(path, "utf8"));
for (const one of cases) {
    const root = bytes(one.root);
    verify(one, root);
    const bent = { ...one, key: `${one.key}00` };
    if (one.value !== null && !refused(bent, root)) fail(`${one.name}: another key passes`);
    root[7] ^= 1;
    if (!refused(one, root)) fail(`${one.name}: another root passes`);
}
console.log(`${cases.length} proofs stand before ${version("@confio/ics23")}`);
