// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/light"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

func unhex(digits string) []byte {
	out, err := hex.DecodeString(digits)
	must(err)
	return out
}

// A chain as tests/consensus/test_cometbft.c writes it: protobuf messages of ours in hex.
type ours struct {
	ChainID string `json:"chain_id"`
	Key     string
	Power   int64
	Blocks  []struct{ Header, Commit string }
}

// Every header and commit of ours decodes, and each follows the one before as a light client sees it.
func verify(path string) {
	file, err := os.ReadFile(path)
	must(err)
	var chain ours
	must(json.Unmarshal(file, &chain))
	set := types.NewValidatorSet([]*types.Validator{types.NewValidator(ed25519.PubKey(unhex(chain.Key)), chain.Power)})
	var last *types.SignedHeader
	for _, block := range chain.Blocks {
		var header cmtproto.Header
		var commit cmtproto.Commit
		must(header.Unmarshal(unhex(block.Header)))
		must(commit.Unmarshal(unhex(block.Commit)))
		signed, err := types.SignedHeaderFromProto(&cmtproto.SignedHeader{Header: &header, Commit: &commit})
		must(err)
		must(signed.ValidateBasic(chain.ChainID))
		must(set.VerifyCommit(chain.ChainID, signed.Commit.BlockID, signed.Height, signed.Commit))
		if last != nil {
			must(light.VerifyAdjacent(last, signed, set, 24*time.Hour, signed.Time.Add(time.Minute), time.Second))
		}
		last = signed
	}
	if last == nil {
		must(fmt.Errorf("%s holds no block", path))
	}
	fmt.Printf("%d blocks verified\n", len(chain.Blocks))
}
