// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// What a distributor on an EVM chain does with a claim: OpenZeppelin's check, nothing of ours.
contract Claims {
    function verify(bytes32 root, bytes32[] calldata proof, address account, uint256 amount)
        external
        pure
        returns (bool)
    {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(account, amount))));
        return MerkleProof.verifyCalldata(proof, root, leaf);
    }
}
