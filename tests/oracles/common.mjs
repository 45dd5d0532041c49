// SPDX-License-Identifier: Apache-2.0
// What the npm oracles share: packages from outside the tree, and vectors written or compared.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

// Loads a package from the folder that tests/oracles/npm made.
export const load = createRequire(`${process.env.ASSAY_NPM}/load.js`);

// The installed version of a package, for the vectors' "generator".
export function version(name) {
    const path = `${process.env.ASSAY_NPM}/node_modules/${name}/package.json`;
    return `${name} ${JSON.parse(readFileSync(path)).version}`;
}

export function fail(message) {
    console.error(message);
    process.exit(1);
}

// Writes the vectors to path, or with check compares them with what stands there.
export function record(path, value, check) {
    const text = JSON.stringify(value, null, 1) + "\n";
    if (!check) writeFileSync(path, text);
    else if (readFileSync(path, "utf8") !== text) fail(`${path} differs from a fresh run`);
    console.log(`${check ? "compared" : "wrote"} ${path}, ${text.length} bytes`);
}

// A counter-based stream of bytes, so that every run makes the same inputs.
export function stream(seed) {
    const { keccak256, toUtf8Bytes, getBytes } = load("ethers");
    let count = 0;
    return (size) => getBytes(keccak256(toUtf8Bytes(`${seed} ${count++}`))).slice(0, size);
}
