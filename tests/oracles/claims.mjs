// SPDX-License-Identifier: Apache-2.0
// Claims trees by OpenZeppelin's merkle-tree package, each proof checked by OpenZeppelin's
// MerkleProof contract in a JavaScript EVM.
//   claims.mjs record|check FILE   the vectors of tests/vectors/claims.json
//   claims.mjs verify FILE         a tree of ours: {"root","claims":[{"address","wei","proof"}]}
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { fail, load, record, stream, version } from "./common.mjs";

const { StandardMerkleTree } = load("@openzeppelin/merkle-tree");
const { EVM } = load("@ethereumjs/evm");
const { Interface, getBytes, hexlify } = load("ethers");
const solc = load("solc");
const here = dirname(fileURLToPath(import.meta.url));

function contractCompile() {
    const input = {
        language: "Solidity",
        sources: { "Claims.sol": { content: readFileSync(`${here}/Claims.sol`, "utf8") } },
        settings: {
            evmVersion: "paris",
            outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
        },
    };
    const imported = (path) => ({
        contents: readFileSync(`${process.env.ASSAY_NPM}/node_modules/${path}`, "utf8"),
    });
    const output = JSON.parse(solc.compile(JSON.stringify(input), { import: imported }));
    const errors = (output.errors ?? []).filter((e) => e.severity === "error");
    if (errors.length) fail(errors.map((e) => e.formattedMessage).join("\n"));
    return output.contracts["Claims.sol"].Claims;
}

// Deploys the contract; the result answers whether a claim stands.
async function verifierOpen() {
    const compiled = contractCompile();
    const face = new Interface(compiled.abi);
    const evm = await EVM.create();
    const made = await evm.runCall({
        data: getBytes(`0x${compiled.evm.bytecode.object}`),
        gasLimit: 30000000n,
    });
    if (made.execResult.exceptionError) fail(`deployment: ${made.execResult.exceptionError.error}`);
    return async (root, claim) => {
        const values = [root, claim.proof, claim.address, claim.wei];
        const answer = await evm.runCall({
            to: made.createdAddress,
            data: getBytes(face.encodeFunctionData("verify", values)),
            gasLimit: 30000000n,
        });
        if (answer.execResult.exceptionError) return false;
        return face.decodeFunctionResult("verify", hexlify(answer.execResult.returnValue))[0];
    };
}

// Each claim must stand, and must fall with another amount, account or root.
async function claimsCheck(verify, root, claims) {
    const flipped = (hex) => hex.slice(0, -1) + (hex.endsWith("0") ? "1" : "0");
    for (const claim of claims) {
        const more = { ...claim, wei: (BigInt(claim.wei) + 1n).toString() };
        const other = { ...claim, address: flipped(claim.address) };
        if (!(await verify(root, claim))) fail(`the contract refuses ${JSON.stringify(claim)}`);
        if (await verify(root, more)) fail(`another amount passes for ${claim.address}`);
        if (await verify(root, other)) fail(`another account passes for ${claim.address}`);
        if (await verify(flipped(root), claim)) fail(`another root passes for ${claim.address}`);
    }
}

function treeMake(count) {
    const bytes = stream(`claims of ${count}`);
    const rows = [];
    for (let i = 0; i < count; i++) {
        const nopen = BigInt(hexlify(bytes(8))) >> BigInt(i % 64);
        rows.push([hexlify(bytes(20)), ((nopen || 1n) * 1000000000n).toString()]);
    }
    rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const tree = StandardMerkleTree.of(rows, ["address", "uint256"]);
    return {
        root: tree.root,
        claims: rows.map((row, i) => ({
            address: row[0],
            wei: row[1],
            leaf: tree.leafHash(row),
            proof: tree.getProof(i),
        })),
    };
}

// Claim i of a tree too large for the vectors: its account begins with i, so that they ascend.
function largeMake(count) {
    const rows = [];
    for (let i = 1; i <= count; i++) {
        const nopen = BigInt(i) * BigInt(i);
        rows.push([`0x${i.toString(16).padStart(8, "0")}${"0".repeat(32)}`,
            (nopen * 1000000000n).toString()]);
    }
    const tree = StandardMerkleTree.of(rows, ["address", "uint256"]);
    return { count, root: tree.root };
}

const [mode, path] = process.argv.slice(2);
if (!["record", "check", "verify"].includes(mode) || !path) fail("usage: claims.mjs MODE FILE");
const verify = await verifierOpen();
if (mode === "verify") {
    const { root, claims } = JSON.parse(readFileSync(path, "utf8"));
    await claimsCheck(verify, root, claims);
    console.log(`${claims.length} claims stand under ${root}`);
} else {
    const trees = [1, 2, 3, 4, 5, 7, 8, 13, 33].map(treeMake);
    for (const { root, claims } of trees) await claimsCheck(verify, root, claims);
    const generator = ["@openzeppelin/merkle-tree", "@openzeppelin/contracts", "@ethereumjs/evm",
        "solc"].map(version).join(", ");
    const large = largeMake(5000);
    record(path, { generator, script: "tests/oracles/claims.mjs", trees, large }, mode === "check");
}
