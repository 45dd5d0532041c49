// SPDX-License-Identifier: Apache-2.0
// Ethereum keystore v3 files by ethers.
//   keystore.mjs record|check FILE      the vectors of tests/vectors/keystore.json
//   keystore.mjs open FILE PASSWORD     opens a keystore of ours; prints {"address","key"}
import { readFileSync } from "node:fs";
import { fail, load, record, stream, version } from "./common.mjs";

const ethers = load("ethers");

// Low N keeps the tests fast; one file has the N that ethers and geth write by default.
const CASES = [
    { name: "low N", password: "correct horse", N: 1024, r: 8, p: 1 },
    { name: "empty password", password: "", N: 1024, r: 8, p: 1 },
    { name: "unicode password", password: "pa\u00dfwort \u{1f511}", N: 2048, r: 8, p: 1 },
    { name: "other r and p", password: "r and p", N: 1024, r: 4, p: 3 },
    { name: "default N", password: "correct horse", N: 131072, r: 8, p: 1 },
];

function keystoreMake({ name, password, N, r, p }) {
    const bytes = stream(`keystore ${name}`);
    const wallet = new ethers.Wallet(ethers.hexlify(bytes(32)));
    const options = { scrypt: { N, r, p }, salt: bytes(32), iv: bytes(16), uuid: bytes(16) };
    const account = { address: wallet.address, privateKey: wallet.privateKey };
    const text = ethers.encryptKeystoreJsonSync(account, password, options);
    return {
        name,
        password,
        address: wallet.address.toLowerCase(),
        key: wallet.privateKey,
        keystore: JSON.parse(text),
    };
}

const [mode, path, password] = process.argv.slice(2);
if (mode === "open" && password !== undefined) {
    const account = ethers.decryptKeystoreJsonSync(readFileSync(path, "utf8"), password);
    const address = account.address.toLowerCase();
    console.log(JSON.stringify({ address, key: account.privateKey }));
} else if (["record", "check"].includes(mode) && path) {
    const keystores = CASES.map(keystoreMake);
    const header = { generator: version("ethers"), script: "tests/oracles/keystore.mjs" };
    record(path, { ...header, keystores }, mode === "check");
} else {
    fail("usage: keystore.mjs record|check FILE, or open FILE PASSWORD");
}
