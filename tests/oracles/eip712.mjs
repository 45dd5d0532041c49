// SPDX-License-Identifier: Apache-2.0
// EIP-712 digests, signatures and addresses by ethers, for typed-data documents of ours.
//   eip712.mjs FILE KEY [OUT]   FILE: a typed-data document {types, primaryType, domain, message},
//                               a list of them, or {"documents":[{"name","typed"}]}
// Writes {"generator","address","results":[{"name","type","digest","domain","struct","signature",
// "recovered"}]} to OUT, or prints it. The signature is r || s || v with v 27 or 28, low s.
import { readFileSync } from "node:fs";
import { fail, load, record, version } from "./common.mjs";

const { TypedDataEncoder, Wallet, verifyTypedData } = load("ethers");

function result(wallet, name, typed) {
    const { EIP712Domain: domainFields, ...types } = typed.types;
    // ethers derives the domain's fields from its values: ours must be the same list.
    const { types: own } = TypedDataEncoder.getPayload(typed.domain, types, typed.message);
    if (domainFields && JSON.stringify(domainFields) !== JSON.stringify(own.EIP712Domain))
        fail(`${name}: EIP712Domain differs from what ethers derives`);
    const encoder = TypedDataEncoder.from(types);
    if (encoder.primaryType !== typed.primaryType)
        fail(`${name}: primaryType is ${typed.primaryType}, ethers finds ${encoder.primaryType}`);
    const digest = TypedDataEncoder.hash(typed.domain, types, typed.message);
    const signature = wallet.signingKey.sign(digest).serialized;
    return {
        name,
        type: encoder.encodeType(typed.primaryType),
        digest,
        domain: TypedDataEncoder.hashDomain(typed.domain),
        struct: encoder.hash(typed.message),
        signature,
        recovered: verifyTypedData(typed.domain, types, typed.message, signature).toLowerCase(),
    };
}

const [path, key, out] = process.argv.slice(2);
if (!path || !key) fail("usage: eip712.mjs FILE KEY [OUT]");
const input = JSON.parse(readFileSync(path, "utf8"));
const list = input.documents ?? (Array.isArray(input) ? input : [input]);
const wallet = new Wallet(key);
const results = list.map((entry, i) => {
    const typed = entry.typed ?? entry;
    return result(wallet, entry.name ?? `${i} ${typed.primaryType}`, typed);
});
const value = { generator: version("ethers"), address: wallet.address.toLowerCase(), results };
if (out) record(out, value, false);
else console.log(JSON.stringify(value, null, 1));
