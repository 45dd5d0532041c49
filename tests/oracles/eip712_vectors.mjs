// SPDX-License-Identifier: Apache-2.0
// For every kind of transaction and for requests: messages that ethers hashed, signed and
// recovered. The types are written out here from spec/protocol.md and not taken from the program,
// so that both sides have to agree.
//   eip712_vectors.mjs record|check FILE [SEED]   tests/vectors/eip712.json has seed 1
import { fail, load, record as fileRecord, stream, version } from "./common.mjs";

const { TypedDataEncoder, Wallet, verifyTypedData } = load("ethers");

const [mode, path, seed = "1"] = process.argv.slice(2);
if (!["record", "check"].includes(mode) || !path)
    fail("usage: eip712_vectors.mjs MODE FILE [SEED]");
const next = stream(`eip712 ${seed}`);

function bytes(size) {
    const parts = [];
    for (let have = 0; have < size; have += 32) parts.push(next(32));
    return Buffer.concat(parts).subarray(0, size);
}

const hex = (data) => "0x" + Buffer.from(data).toString("hex");
const below = (limit) => Number(BigInt(hex(bytes(6))) % BigInt(limit));

const HEAD = "address signer,address principal,uint8 lane,uint64 nonce";
const TYPES = {
    Transfer: "address to,uint64 amount",
    Bond: "uint8 role,uint64 amount",
    Unbond: "uint8 role,uint64 amount",
    AuthorizeAgent: "address agent,uint32 scopes,uint64 expiry,uint64 limit",
    RevokeAgent: "address agent",
    CommitDataset: "bytes32 commitment",
    RegisterDataset: "bytes32 root,bytes32 salt,uint64 chunkCount,uint64 byteCount," +
        "string license,string name,string uri,bytes32 fingerprintRoot",
    RetireDataset: "bytes32 dataset",
    RegisterModel: "bytes32 root,uint64 byteCount,uint32 royaltyPpm,string name,string uri",
    RegisterAdapter: "bytes32 base,bytes32 root,uint64 byteCount,uint32 royaltyPpm,string name," +
        "string uri,SourceRow[] sources",
    DeclareRoots: "bytes32[] roots",
    RegisterChain: "bytes32 tip,uint64 length",
    OpenSession: "address provider,uint64 deposit,uint64 priceIn,uint64 priceOut,uint64 expiry",
    CloseSession: "bytes32 session",
    SubmitBatch: "bytes32 root,uint32 count,uint64 feeTotal,uint32 receiptBytes,string uri," +
        "SessionRow[] sessions,ModelRow[] models,DatasetRow[] datasets",
    VerdictCommit: "bytes32 batch,uint32 sample,uint8 round,bytes32 commitment",
    VerdictReveal: "bytes32 batch,uint32 sample,uint8 round,bytes32 salt,uint8 verdict," +
        "bytes32 probe",
    PostEvidence: "bytes32 batch,uint32 sample,uint16 part,uint16 partCount,bytes data",
    Withdraw: "address recipient,uint64 amount",
    Beacon: "bytes32 preimage",
    RegisterValidator: "bytes32 ed25519,bytes proof",
};
const ROWS = {
    SourceRow: "bytes32 dataset,uint32 weightPpm",
    SessionRow: "bytes32 session,uint64 firstSequence,uint32 count,uint64 feeSum",
    ModelRow: "bytes32 model,bytes32 adapter,uint64 feeSum",
    DatasetRow: "bytes32 dataset,uint128 weight",
};
const REQUEST = "bytes32 session,uint64 sequence,address provider,bytes32 model,bytes32 adapter," +
    "bytes32 promptDigest,uint32 promptCount,uint32 maxTokens,uint32 temperatureMilli," +
    "uint32 topK,uint32 topPPpm,uint64 seed,uint64 maxFee,bytes32 corpus";
const LANE_1 = new Set(["VerdictCommit", "VerdictReveal", "PostEvidence"]);

// Limits where a field's type does not give them: [least, most]; of texts and lists, their sizes.
const LIMITS = {
    "AuthorizeAgent.scopes": [1, 127],
    "Bond.role": [1, 3],
    "Unbond.role": [1, 3],
    "RegisterModel.byteCount": [1, 1n << 44n],
    "RegisterAdapter.byteCount": [1, 1n << 44n],
    "RegisterModel.royaltyPpm": [0, 1000000],
    "RegisterAdapter.royaltyPpm": [0, 1000000],
    "SubmitBatch.count": [1, 65536],
    "SessionRow.count": [1, 65536],
    "SubmitBatch.uri": [1, 256],
    "SubmitBatch.sessions": [1, 24],
    "SubmitBatch.models": [1, 24],
    "SubmitBatch.datasets": [0, 24],
    "RegisterAdapter.sources": [0, 32],
    "DeclareRoots.roots": [0, 256],
    "PostEvidence.part": [0, 0],
    "PostEvidence.data": [1, 1000],
    "RegisterValidator.proof": [64, 64],
    "VerdictReveal.verdict": [0, 6],
    "Request.temperatureMilli": [0, 100000],
    "Request.topPPpm": [1, 1000000],
    "Request.seed": [0, 0xffffffffffffffffn],
    "Request.topK": [0, 0xffffffff],
    license: [1, 64], name: [1, 64], uri: [0, 256],
    limit: [0, 0xffffffffffffffffn],
    nonce: [0, 0xffffffffffffffffn],
    priceIn: [0, 0xffffffffffffffffn],
    priceOut: [0, 0xffffffffffffffffn],
    maxFee: [0, 0xffffffffffffffffn],
    sample: [0, 0xffffffff],
    round: [0, 255],
    weight: [0, (1n << 128n) - 1n],
};

const members = (text) => text.split(",").map((member) => {
    const [type, name] = member.split(" ");
    return { name, type };
});

function sizeOf(how, [least, most]) {
    if (how === "least") return Number(least);
    if (how === "most") return Number(most);
    return Number(least) + below(Number(most) - Number(least) + 1);
}

function text(how, limits) {
    const pieces = ["a", "Z", "0", "/", " ", "\"", "\\", "é", "ß", "Ω", "中", "🦉"];
    const most = sizeOf(how, limits);
    let out = "";
    for (let piece = ""; Buffer.byteLength(out + piece) <= most;) {
        out += piece;
        piece = pieces[below(how === "most" ? 7 : pieces.length)];
        if (Buffer.byteLength(out) === most) break;
    }
    return out || "x".repeat(Number(limits[0]));
}

function number(type, how, limits) {
    const [least, most] = (limits ?? [1, (1n << BigInt(type.slice(4))) - 1n]).map(BigInt);
    if (how === "least") return least;
    if (how === "most") return most;
    return least + BigInt(hex(bytes(17))) % (most - least + 1n);
}

function value(struct, { name, type }, how) {
    const limits = LIMITS[`${struct}.${name}`] ?? LIMITS[name];
    if (type === "address") return hex(how === "most" ? Buffer.alloc(20, 0xff) : bytes(20));
    if (type === "bytes32") return hex(how === "least" ? Buffer.alloc(32) : bytes(32));
    if (type === "string") return text(how, limits);
    if (type === "bytes") return hex(bytes(sizeOf(how, limits)));
    if (type.endsWith("[]")) {
        const count = sizeOf(how, limits), inner = type.slice(0, -2);
        const list = Array.from({ length: count }, () => inner === "bytes32" ? hex(bytes(32))
            : record(inner, ROWS[inner], "any"));
        const key = (row) => typeof row === "string" ? row : Object.values(row)[0];
        list.sort((a, b) => key(a) < key(b) ? -1 : 1);
        if (inner === "SourceRow" && count) {
            for (const row of list) row.weightPpm = String(Math.floor(1000000 / count));
            list[0].weightPpm = String(1000000 - (count - 1) * Math.floor(1000000 / count));
        }
        return list;
    }
    return String(number(type, how, limits));
}

function record(struct, types, how) {
    const out = {};
    for (const member of members(types)) out[member.name] = value(struct, member, how);
    return out;
}

// The document that wallets take: integers up to 32 bits as numbers, wider ones as decimal text.
function typedValue(type, value) {
    if (type === "bytes32[]") return value;
    if (type.endsWith("[]")) return value.map((row) => typedMessage(ROWS[type.slice(0, -2)], row));
    return /^uint(8|16|32)$/.test(type) ? Number(value) : value;
}

function typedMessage(types, message) {
    return Object.fromEntries(members(types).map(({ name, type }) =>
        [name, typedValue(type, message[name])]));
}

// firstSequence to first_sequence: the names of the JSON form.
const snake = (name) => name.replace(/[A-Z]/g, (c) => "_" + c.toLowerCase());
const plain = (value) => Array.isArray(value) ? value.map(plain)
    : typeof value === "object"
        ? Object.fromEntries(Object.entries(value).map(([k, v]) => [snake(k), plain(v)])) : value;

function typesFor(primary, fields) {
    const types = { [primary]: members(fields) };
    for (const { type } of members(fields))
        if (ROWS[type.slice(0, -2)]) types[type.slice(0, -2)] = members(ROWS[type.slice(0, -2)]);
    return types;
}

function hashed(domain, primary, fields, message, wallet) {
    const types = typesFor(primary, fields);
    const digest = TypedDataEncoder.hash(domain, types, message);
    const signature = wallet ? wallet.signingKey.sign(digest).serialized : null;
    if (wallet && verifyTypedData(domain, types, message, signature) !== wallet.address)
        throw new Error("ethers does not recover its own signature");
    const out = { type: TypedDataEncoder.from(types).encodeType(primary), digest };
    return { types, signature, out };
}

const DOMAIN_TYPE = [["name", "string"], ["version", "string"], ["chainId", "uint256"],
    ["salt", "bytes32"]].map(([name, type]) => ({ name, type }));

function typedDocument(domain, primary, fields, types, message) {
    return { types: { EIP712Domain: DOMAIN_TYPE, ...types }, primaryType: primary, domain,
        message: typedMessage(fields, message) };
}

function transaction(primary, how, chainId, genesis) {
    const domain = { name: "Assay", version: "1", chainId, salt: genesis };
    const wallet = primary === "Beacon" ? null : new Wallet(hex(bytes(32)));
    const signer = (wallet?.address ?? hex(bytes(20))).toLowerCase();
    const lane = LANE_1.has(primary) ? "1" : "0";
    const nonce = primary === "Beacon" ? "0" : String(number("uint64", how));
    const principal = how === "any" && wallet ? hex(bytes(20)) : signer;
    const body = record(primary, TYPES[primary], how);
    const fields = `${HEAD},${TYPES[primary]}`;
    const message = { signer, principal, lane, nonce, ...body };
    const { types, signature, out } = hashed(domain, primary, fields, message, wallet);
    const kind = snake(primary[0].toLowerCase() + primary.slice(1));
    out.json = { kind, chain_id: chainId, signer, principal, nonce, ...plain(body), genesis };
    if (wallet) Object.assign(out.json, { signature });
    if (wallet) out.key = wallet.privateKey;
    if (how === "any" && domain.chainId === "1") out.typed = typedDocument(domain, primary, fields,
        types, message);
    return out;
}

function request(how, chainId, genesis) {
    const domain = { name: "Assay", version: "1", chainId, salt: genesis };
    const wallet = new Wallet(hex(bytes(32)));
    const message = record("Request", REQUEST, how);
    message.corpus = hex(Buffer.alloc(32));
    const { types, signature, out } = hashed(domain, "Request", REQUEST, message, wallet);
    Object.assign(out, { json: { ...plain(message), signature }, key: wallet.privateKey,
        signer: wallet.address.toLowerCase(), chain_id: chainId, genesis });
    if (chainId === "1") out.typed = typedDocument(domain, "Request", REQUEST, types, message);
    return out;
}

const RUNS = [["any", "1"], ["any", "9007199254740993"], ["least", "0"],
    ["most", "18446744073709551615"]];
const transactions = [], requests = [];
for (const primary of Object.keys(TYPES))
    for (const [how, chainId] of RUNS) transactions.push(transaction(primary, how, chainId,
        hex(bytes(32))));
for (const [how, chainId] of RUNS) requests.push(request(how, chainId, hex(bytes(32))));
const answers = { generator: version("ethers"), script: "tests/oracles/eip712_vectors.mjs", seed,
    transactions, requests };
fileRecord(path, answers, mode === "check");
