// SPDX-License-Identifier: Apache-2.0

// What CometBFT itself makes of headers, votes, commits and blocks.
//
//	record FILE [SEED]  writes vectors; the same seed gives the same file
//	check FILE          makes them again from the file's own seed and compares
//	verify FILE         takes a chain that Assay made and verifies it as a light client does
//	light ...           what the light client says of pairs of light blocks (light.go)
//	follow ...          the light client over HTTP against a node of ours (follow.go)
//	abci ...            ABCI messages (abci.go)
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"strconv"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/crypto/merkle"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"
)

const (
	appVersion    = 1
	partSize      = int(types.BlockPartSizeBytes)
	blockSizeMax  = 80 << 20
	headerCount   = 40
	patternFactor = 131
)

type text = map[string]any

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(value uint64) string { return strconv.FormatUint(value, 10) }

func digest(random *rand.Rand) []byte {
	out := make([]byte, 32)
	random.Read(out)
	return out
}

// Times, heights and names at their limits first, then anything.
func moment(random *rand.Rand, turn int) time.Time {
	edges := []time.Time{
		time.Unix(0, 0), time.Unix(1, 0), time.Unix(0, 1), time.Unix(1700000000, 999999999),
		time.Unix(1700000000, 0), time.Unix(math.MaxInt32, 127), time.Unix(253402300799, 128),
	}
	if turn < len(edges) {
		return edges[turn].UTC()
	}
	return time.Unix(random.Int63n(1<<36), random.Int63n(1e9)).UTC()
}

func height(random *rand.Rand, turn int) int64 {
	edges := []int64{1, 2, 127, 128, math.MaxInt32, math.MaxInt64}
	if turn < len(edges) {
		return edges[turn]
	}
	return 1 + random.Int63n(1<<uint(1+random.Intn(62)))
}

func chainName(random *rand.Rand, turn int) string {
	if turn == 0 {
		return "a"
	}
	if turn == 1 {
		return "assay-9223372036854775807-and-on-to-fifty-letters!"[:types.MaxChainIDLen]
	}
	return "assay-" + number(uint64(random.Int63n(1<<uint(1+random.Intn(62)))))
}

func blockID(random *rand.Rand) types.BlockID {
	return types.BlockID{Hash: digest(random), PartSetHeader: types.PartSetHeader{
		Total: 1 + uint32(random.Intn(1<<uint(1+random.Intn(10)))), Hash: digest(random)}}
}

func blockIDText(id types.BlockID) any {
	if id.IsZero() {
		return nil
	}
	return text{"hash": hex.EncodeToString(id.Hash), "part_count": number(uint64(id.PartSetHeader.Total)),
		"part_root": hex.EncodeToString(id.PartSetHeader.Hash)}
}

func timeText(at time.Time) text {
	return text{"seconds": number(uint64(at.Unix())), "nanos": number(uint64(at.Nanosecond()))}
}

func headerText(header *types.Header) text {
	return text{"chain_id": header.ChainID, "height": number(uint64(header.Height)),
		"time": timeText(header.Time), "last_block": blockIDText(header.LastBlockID),
		"last_commit_hash":     header.LastCommitHash.String(),
		"data_hash":            header.DataHash.String(),
		"validators_hash":      header.ValidatorsHash.String(),
		"next_validators_hash": header.NextValidatorsHash.String(),
		"consensus_hash":       header.ConsensusHash.String(),
		"app_hash":             header.AppHash.String(),
		"last_results_hash":    header.LastResultsHash.String(),
		"evidence_hash":        header.EvidenceHash.String(),
		"proposer":             header.ProposerAddress.String(),
		"hash":                 header.Hash().String()}
}

func headers(random *rand.Rand) []text {
	list := []text{}
	for turn := 0; turn < headerCount; turn++ {
		header := types.Header{
			Version: cmtversion.Consensus{Block: version.BlockProtocol, App: appVersion},
			ChainID: chainName(random, turn), Height: height(random, turn), Time: moment(random, turn),
			LastCommitHash: digest(random), DataHash: digest(random), ValidatorsHash: digest(random),
			NextValidatorsHash: digest(random), ConsensusHash: digest(random), AppHash: digest(random),
			LastResultsHash: digest(random), EvidenceHash: digest(random),
			ProposerAddress: digest(random)[:20],
		}
		if header.Height > 1 {
			header.LastBlockID = blockID(random)
		}
		object := headerText(&header)
		proto, err := header.ToProto().Marshal()
		must(err)
		object["proto"] = hex.EncodeToString(proto)
		list = append(list, object)
	}
	return list
}

func newKey(seed []byte) ed25519.PrivKey { return ed25519.GenPrivKeyFromSecret(seed) }

// The 32 bytes that RFC 8032 calls the secret key.
func seedOf(key ed25519.PrivKey) []byte { return key[:32] }

func setOf(key ed25519.PrivKey, power int64) *types.ValidatorSet {
	return types.NewValidatorSet([]*types.Validator{types.NewValidator(key.PubKey(), power)})
}

func validators(random *rand.Rand) []text {
	list := []text{}
	for _, power := range []int64{1, 100, 127, 128, 1 << 32, types.MaxTotalVotingPower} {
		key := newKey(digest(random))
		list = append(list, text{"key": hex.EncodeToString(key.PubKey().Bytes()), "power": number(uint64(power)),
			"address": key.PubKey().Address().String(), "hash": hex.EncodeToString(setOf(key, power).Hash())})
	}
	return list
}

func commitOf(chain string, at int64, id types.BlockID, when time.Time, key ed25519.PrivKey) (*types.Commit, []byte) {
	vote := types.Vote{Type: cmtproto.PrecommitType, Height: at, BlockID: id, Timestamp: when,
		ValidatorAddress: key.PubKey().Address()}
	signed := types.VoteSignBytes(chain, vote.ToProto())
	signature, err := key.Sign(signed)
	must(err)
	return &types.Commit{Height: at, BlockID: id, Signatures: []types.CommitSig{{
		BlockIDFlag: types.BlockIDFlagCommit, ValidatorAddress: vote.ValidatorAddress, Timestamp: when,
		Signature: signature}}}, signed
}

func commitText(commit *types.Commit) text {
	proto, err := commit.ToProto().Marshal()
	must(err)
	object := text{"height": number(uint64(commit.Height)), "block": blockIDText(commit.BlockID),
		"hash": commit.Hash().String(), "proto": hex.EncodeToString(proto)}
	if len(commit.Signatures) == 1 {
		object["time"] = timeText(commit.Signatures[0].Timestamp)
		object["validator"] = commit.Signatures[0].ValidatorAddress.String()
		object["signature"] = hex.EncodeToString(commit.Signatures[0].Signature)
	}
	return object
}

func commits(random *rand.Rand) []text {
	list := []text{}
	for turn := 0; turn < headerCount; turn++ {
		chain, key, id := chainName(random, turn), newKey(digest(random)), blockID(random)
		at := height(random, turn)
		commit, signed := commitOf(chain, at, id, moment(random, turn), key)
		must(setOf(key, 100).VerifyCommit(chain, id, at, commit))
		object := commitText(commit)
		object["chain_id"] = chain
		object["seed"] = hex.EncodeToString(seedOf(key))
		object["sign_bytes"] = hex.EncodeToString(signed)
		list = append(list, object)
	}
	return list
}

// A transaction that both sides can make from two numbers.
func pattern(fill, size int) types.Tx {
	tx := make([]byte, size)
	for i := range tx {
		tx[i] = byte(i*patternFactor + fill + i>>8)
	}
	return tx
}

func results(random *rand.Rand, count int) ([]*abci.ExecTxResult, []text) {
	list, object := []*abci.ExecTxResult{}, []text{}
	for i := 0; i < count; i++ {
		result := &abci.ExecTxResult{Code: uint32(random.Intn(3) * random.Intn(300)), Log: "in no hash"}
		if random.Intn(2) == 1 {
			result.Data = digest(random)[:1+random.Intn(32)]
		}
		list = append(list, result)
		object = append(object, text{"code": number(uint64(result.Code)), "data": hex.EncodeToString(result.Data)})
	}
	return list, object
}

// Sizes of transactions per block; a negative last one is chosen so that the block ends where a part does.
var blockSizes = [][]int{{}, {}, {1}, {200, 200, 200}, {127, 128, 16383, 16384, 70000}, {65536, 65536, -1},
	{300000}, {}}

// A chain of one validator, every block signed and verified by CometBFT.
func blocks(random *rand.Rand) text {
	key, chain := newKey(digest(random)), "assay-7001"
	set := setOf(key, 100)
	params := types.DefaultConsensusParams()
	params.Block.MaxBytes, params.Block.MaxGas = blockSizeMax, -1
	lastCommit, lastID := &types.Commit{}, types.BlockID{}
	lastResults := types.NewResults(nil).Hash()
	when, list := time.Unix(1700000000, 5).UTC(), []text{}
	for turn, sizes := range blockSizes {
		at := int64(turn + 1)
		when = when.Add(time.Duration(1 + random.Int63n(int64(time.Hour))))
		appHash := digest(random)
		fill := func(txs types.Txs) (*types.Block, *types.PartSet) {
			block := types.MakeBlock(at, txs, lastCommit, nil)
			block.Header.Populate(cmtversion.Consensus{Block: version.BlockProtocol, App: appVersion}, chain,
				when, lastID, set.Hash(), set.Hash(), params.Hash(), appHash, lastResults,
				key.PubKey().Address())
			must(block.ValidateBasic())
			parts, err := block.MakePartSet(types.BlockPartSizeBytes)
			must(err)
			return block, parts
		}
		txs, txTexts := types.Txs{}, []text{}
		for i, size := range sizes {
			if size < 0 {
				_, parts := fill(append(txs, pattern(i, partSize)))
				size = 2*partSize - int(parts.ByteSize())%partSize
			}
			txs = append(txs, pattern(i, size))
			txTexts = append(txTexts, text{"fill": number(uint64(i)), "size": number(uint64(size))})
		}
		block, parts := fill(txs)
		id := types.BlockID{Hash: block.Hash(), PartSetHeader: parts.Header()}
		commit, _ := commitOf(chain, at, id, when, key)
		must(set.VerifyCommit(chain, id, at, commit))
		resultList, resultTexts := results(random, len(txs))
		list = append(list, text{"header": headerText(&block.Header), "txs": txTexts, "size": number(uint64(parts.ByteSize())),
			"commit": commitText(commit), "results": resultTexts})
		lastCommit, lastID, lastResults = commit, id, types.NewResults(resultList).Hash()
	}
	return text{"chain_id": chain, "seed": hex.EncodeToString(seedOf(key)), "power": "100", "genesis_seconds": "1700000000",
		"first_commit": commitText(&types.Commit{}), "empty_root": hex.EncodeToString(merkle.HashFromByteSlices(nil)),
		"last_results_hash": hex.EncodeToString(lastResults), "blocks": list}
}

func vectors(seed uint64) []byte {
	sum := sha256.Sum256([]byte(number(seed)))
	random := rand.New(rand.NewSource(int64(binary.BigEndian.Uint64(sum[:]))))
	document := text{"generator": "github.com/cometbft/cometbft " + version.TMCoreSemVer + ", tests/oracles/cometbft",
		"seed": number(seed), "headers": headers(random), "validators": validators(random),
		"commits": commits(random), "chain": blocks(random)}
	out, err := json.MarshalIndent(document, "", " ")
	must(err)
	return append(out, '\n')
}

func check(path string) {
	recorded, err := os.ReadFile(path)
	must(err)
	var document struct{ Seed string }
	must(json.Unmarshal(recorded, &document))
	seed, err := strconv.ParseUint(document.Seed, 10, 64)
	must(err)
	if !bytes.Equal(recorded, vectors(seed)) {
		must(fmt.Errorf("%s is not what CometBFT makes of seed %d", path, seed))
	}
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "record":
		must(os.WriteFile(os.Args[2], vectors(1), 0o644))
	case len(os.Args) == 4 && os.Args[1] == "record":
		seed, err := strconv.ParseUint(os.Args[3], 10, 64)
		must(err)
		must(os.WriteFile(os.Args[2], vectors(seed), 0o644))
	case len(os.Args) == 3 && os.Args[1] == "check":
		check(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "verify":
		verify(os.Args[2])
	case len(os.Args) > 2 && os.Args[1] == "light":
		lightRun(os.Args[2:])
	case len(os.Args) > 2 && os.Args[1] == "follow":
		follow(os.Args[2:])
	case len(os.Args) > 2 && os.Args[1] == "abci":
		abciRun(os.Args[2:])
	default:
		must(fmt.Errorf("usage: cometbft record FILE [SEED] | check FILE | verify FILE | light ... | follow ... | abci ..."))
	}
}
