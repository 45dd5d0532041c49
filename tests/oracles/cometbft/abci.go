// SPDX-License-Identifier: Apache-2.0

// ABCI messages as CometBFT's own types write and read them, against what our codec makes of them.
// abci_tool (tests/consensus/abci) shows ours; both sides write the lines of dump.h.
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/proto/tendermint/crypto"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

const (
	recordedRequests = 150
	recordedReplies  = 150
	freshCount       = 5000
)

type lines struct{ strings.Builder }

func (l *lines) put(name string, value any) {
	switch v := value.(type) {
	case []byte:
		fmt.Fprintf(l, "%s %x\n", name, v)
	case string:
		fmt.Fprintf(l, "%s %x\n", name, v)
	case bool:
		number := 0
		if v {
			number = 1
		}
		fmt.Fprintf(l, "%s %d\n", name, number)
	default:
		fmt.Fprintf(l, "%s %d\n", name, v)
	}
}

func (l *lines) time(t time.Time) {
	l.put("seconds", t.Unix())
	l.put("nanos", t.Nanosecond())
}

// Random values: numbers of every length and sign, runs of bytes that are often short or none.

type source struct{ *rand.Rand }

func (s source) i64() int64 {
	edges := []int64{0, 1, -1, 127, 128, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}
	if s.Intn(3) == 0 {
		return edges[s.Intn(len(edges))]
	}
	return int64(s.Uint64()) >> s.Intn(64)
}

func (s source) bytes() []byte {
	size := s.Intn(40)
	if s.Intn(8) == 0 {
		size = s.Intn(400)
	}
	out := make([]byte, size)
	s.Read(out)
	return out
}

func (s source) text() string { return string(s.bytes()) }

func (s source) count() int {
	if s.Intn(20) == 0 {
		return s.Intn(300)
	}
	return s.Intn(5)
}

func (s source) time() time.Time {
	if s.Intn(6) == 0 {
		return time.Time{} // year 1: negative seconds
	}
	return time.Unix(s.Int63n(253402300800), s.Int63n(1e9)).UTC()
}

func (s source) txs() (out [][]byte) {
	for n := s.count(); n > 0; n-- {
		out = append(out, s.bytes())
	}
	return out
}

func (s source) validator() abci.Validator { return abci.Validator{Address: s.bytes(), Power: s.i64()} }

func (s source) commit() (out abci.CommitInfo) {
	out.Round = int32(s.i64())
	for n := s.count(); n > 0; n-- {
		out.Votes = append(out.Votes, abci.VoteInfo{Validator: s.validator(),
			BlockIdFlag: cmtproto.BlockIDFlag(s.Intn(4))})
	}
	return out
}

func (s source) extendedCommit() (out abci.ExtendedCommitInfo) {
	out.Round = int32(s.i64())
	for n := s.count(); n > 0; n-- {
		out.Votes = append(out.Votes, abci.ExtendedVoteInfo{Validator: s.validator(),
			VoteExtension: s.bytes(), ExtensionSignature: s.bytes(),
			BlockIdFlag: cmtproto.BlockIDFlag(s.Intn(4))})
	}
	return out
}

func (s source) misbehavior() (out []abci.Misbehavior) {
	for n := s.count(); n > 0; n-- {
		out = append(out, abci.Misbehavior{Type: abci.MisbehaviorType(s.Intn(3)),
			Validator: s.validator(), Height: s.i64(), Time: s.time(), TotalVotingPower: s.i64()})
	}
	return out
}

func (s source) params() *cmtproto.ConsensusParams {
	out := &cmtproto.ConsensusParams{}
	if s.Intn(3) > 0 {
		out.Block = &cmtproto.BlockParams{MaxBytes: s.i64(), MaxGas: s.i64()}
	}
	if s.Intn(3) > 0 {
		out.Evidence = &cmtproto.EvidenceParams{MaxAgeNumBlocks: s.i64(),
			MaxAgeDuration: time.Duration(s.i64()), MaxBytes: s.i64()}
	}
	if s.Intn(3) > 0 {
		types := [][]string{{"ed25519"}, {"ed25519", "secp256k1"}, {"secp256k1"}, {}, {""}}
		out.Validator = &cmtproto.ValidatorParams{PubKeyTypes: types[s.Intn(len(types))]}
	}
	if s.Intn(3) > 0 {
		out.Version = &cmtproto.VersionParams{App: s.Uint64() >> s.Intn(64)}
	}
	if s.Intn(3) > 0 {
		out.Abci = &cmtproto.ABCIParams{VoteExtensionsEnableHeight: s.i64()}
	}
	if s.Intn(3) == 0 { // a field that we do not know
		out.Authority = &cmtproto.AuthorityParams{Authority: s.text()}
	}
	return out
}

func (s source) updates() (out []abci.ValidatorUpdate) {
	for n := s.count(); n > 0; n-- {
		update := abci.ValidatorUpdate{Power: s.i64()}
		switch s.Intn(4) {
		case 0:
			update.PubKey.Sum = &crypto.PublicKey_Secp256K1{Secp256K1: s.bytes()}
		case 1, 2:
			update.PubKey.Sum = &crypto.PublicKey_Ed25519{Ed25519: s.bytes()}
		}
		out = append(out, update)
	}
	return out
}

func randomRequest(s source, turn int) *abci.Request {
	switch turn % 18 {
	case 0:
		return abci.ToRequestEcho(s.text())
	case 1:
		return abci.ToRequestFlush()
	case 2:
		return abci.ToRequestInfo(&abci.RequestInfo{Version: s.text(), AbciVersion: s.text(),
			BlockVersion: s.Uint64() >> s.Intn(64), P2PVersion: s.Uint64() >> s.Intn(64)})
	case 3:
		params := s.params()
		if s.Intn(5) == 0 {
			params = nil
		}
		return abci.ToRequestInitChain(&abci.RequestInitChain{Time: s.time(), ChainId: s.text(),
			ConsensusParams: params, Validators: s.updates(), AppStateBytes: s.bytes(),
			InitialHeight: s.i64()})
	case 4:
		return abci.ToRequestQuery(&abci.RequestQuery{Data: s.bytes(), Path: s.text(),
			Height: s.i64(), Prove: s.Intn(2) == 1})
	case 5:
		return abci.ToRequestCheckTx(&abci.RequestCheckTx{Tx: s.bytes(),
			Type: abci.CheckTxType(s.Intn(2))})
	case 6:
		return abci.ToRequestCommit()
	case 7:
		return abci.ToRequestListSnapshots(&abci.RequestListSnapshots{})
	case 8:
		request := &abci.RequestOfferSnapshot{AppHash: s.bytes()}
		if s.Intn(5) > 0 {
			request.Snapshot = &abci.Snapshot{Height: s.Uint64() >> s.Intn(64), Format: s.Uint32(),
				Chunks: s.Uint32() >> s.Intn(32), Hash: s.bytes(), Metadata: s.bytes()}
		}
		return abci.ToRequestOfferSnapshot(request)
	case 9:
		return abci.ToRequestLoadSnapshotChunk(&abci.RequestLoadSnapshotChunk{
			Height: s.Uint64() >> s.Intn(64), Format: s.Uint32() >> s.Intn(32), Chunk: s.Uint32()})
	case 10:
		return abci.ToRequestApplySnapshotChunk(&abci.RequestApplySnapshotChunk{
			Index: s.Uint32() >> s.Intn(32), Chunk: s.bytes(), Sender: s.text()})
	case 11:
		return abci.ToRequestVerifyVoteExtension(&abci.RequestVerifyVoteExtension{Hash: s.bytes(),
			ValidatorAddress: s.bytes(), Height: s.i64(), VoteExtension: s.bytes()})
	case 12:
		return &abci.Request{Value: &abci.Request_InsertTx{
			InsertTx: &abci.RequestInsertTx{Tx: s.bytes()}}}
	case 13:
		return &abci.Request{Value: &abci.Request_ReapTxs{
			ReapTxs: &abci.RequestReapTxs{MaxBytes: s.Uint64(), MaxGas: s.Uint64() >> s.Intn(64)}}}
	}
	return randomBlock(s, turn)
}

func randomBlock(s source, turn int) *abci.Request {
	switch turn % 18 {
	case 14:
		return abci.ToRequestPrepareProposal(&abci.RequestPrepareProposal{MaxTxBytes: s.i64(),
			Txs: s.txs(), LocalLastCommit: s.extendedCommit(), Misbehavior: s.misbehavior(),
			Height: s.i64(), Time: s.time(), NextValidatorsHash: s.bytes(),
			ProposerAddress: s.bytes()})
	case 15:
		return abci.ToRequestProcessProposal(&abci.RequestProcessProposal{Txs: s.txs(),
			ProposedLastCommit: s.commit(), Misbehavior: s.misbehavior(), Hash: s.bytes(),
			Height: s.i64(), Time: s.time(), NextValidatorsHash: s.bytes(),
			ProposerAddress: s.bytes()})
	case 16:
		return abci.ToRequestExtendVote(&abci.RequestExtendVote{Txs: s.txs(),
			ProposedLastCommit: s.commit(), Misbehavior: s.misbehavior(), Hash: s.bytes(),
			Height: s.i64(), Time: s.time(), NextValidatorsHash: s.bytes(),
			ProposerAddress: s.bytes()})
	default:
		return abci.ToRequestFinalizeBlock(&abci.RequestFinalizeBlock{Txs: s.txs(),
			DecidedLastCommit: s.commit(), Misbehavior: s.misbehavior(), Hash: s.bytes(),
			Height: s.i64(), Time: s.time(), NextValidatorsHash: s.bytes(),
			ProposerAddress: s.bytes()})
	}
}

func (l *lines) params(p *cmtproto.ConsensusParams) {
	if p == nil {
		p = &cmtproto.ConsensusParams{}
	}
	block, evidence, version, ext := p.Block, p.Evidence, p.Version, p.Abci
	l.put("has_block", block != nil)
	l.put("has_evidence", evidence != nil)
	l.put("has_validator", p.Validator != nil)
	l.put("has_version", version != nil)
	l.put("has_abci", ext != nil)
	l.put("block_max_bytes", block.GetMaxBytes())
	l.put("block_max_gas", block.GetMaxGas())
	l.put("evidence_max_blocks", evidence.GetMaxAgeNumBlocks())
	l.put("evidence_max_seconds", int64(evidence.GetMaxAgeDuration()/time.Second))
	l.put("evidence_max_nanos", int64(evidence.GetMaxAgeDuration()%time.Second))
	l.put("evidence_max_bytes", evidence.GetMaxBytes())
	types := p.Validator.GetPubKeyTypes()
	l.put("only_ed25519", len(types) == 1 && types[0] == "ed25519")
	l.put("app_version", version.GetApp())
	l.put("vote_extensions_height", ext.GetVoteExtensionsEnableHeight())
}

func (l *lines) validators(updates []abci.ValidatorUpdate) {
	l.put("validators", len(updates))
	for _, update := range updates {
		switch key := update.PubKey.Sum.(type) {
		case *crypto.PublicKey_Ed25519:
			l.put("key_type", 1)
			l.put("key", key.Ed25519)
		case *crypto.PublicKey_Secp256K1:
			l.put("key_type", 2)
			l.put("key", key.Secp256K1)
		default:
			l.put("key_type", 0)
			l.put("key", "")
		}
		l.put("power", update.Power)
	}
}

// What the four requests about a block share, as dump_block has it.
func (l *lines) block(maxBytes int64, txs [][]byte, commit abci.CommitInfo,
	reports []abci.Misbehavior, hash []byte, height int64, at time.Time, next, proposer []byte) {
	l.put("max_tx_bytes", maxBytes)
	l.put("txs", len(txs))
	for _, tx := range txs {
		l.put("tx", tx)
	}
	l.put("round", commit.Round)
	l.put("votes", len(commit.Votes))
	for _, vote := range commit.Votes {
		l.put("address", vote.Validator.Address)
		l.put("power", vote.Validator.Power)
		l.put("flag", int32(vote.BlockIdFlag))
	}
	l.put("misbehaviors", len(reports))
	for _, report := range reports {
		l.put("type", int32(report.Type))
		l.put("address", report.Validator.Address)
		l.put("power", report.Validator.Power)
		l.put("height", report.Height)
		l.time(report.Time)
		l.put("total_power", report.TotalVotingPower)
	}
	l.put("hash", hash)
	l.put("height", height)
	l.time(at)
	l.put("next_validators_hash", next)
	l.put("proposer", proposer)
}

func (l *lines) requestBlock(request *abci.Request) {
	switch r := request.Value.(type) {
	case *abci.Request_PrepareProposal:
		b := r.PrepareProposal
		commit := abci.CommitInfo{Round: b.LocalLastCommit.Round}
		for _, vote := range b.LocalLastCommit.Votes {
			commit.Votes = append(commit.Votes, abci.VoteInfo{Validator: vote.Validator,
				BlockIdFlag: vote.BlockIdFlag})
		}
		l.WriteString("request PrepareProposal\n")
		l.block(b.MaxTxBytes, b.Txs, commit, b.Misbehavior, nil, b.Height, b.Time,
			b.NextValidatorsHash, b.ProposerAddress)
	case *abci.Request_ProcessProposal:
		b := r.ProcessProposal
		l.WriteString("request ProcessProposal\n")
		l.block(0, b.Txs, b.ProposedLastCommit, b.Misbehavior, b.Hash, b.Height, b.Time,
			b.NextValidatorsHash, b.ProposerAddress)
	case *abci.Request_ExtendVote:
		b := r.ExtendVote
		l.WriteString("request ExtendVote\n")
		l.block(0, b.Txs, b.ProposedLastCommit, b.Misbehavior, b.Hash, b.Height, b.Time,
			b.NextValidatorsHash, b.ProposerAddress)
	case *abci.Request_FinalizeBlock:
		b := r.FinalizeBlock
		l.WriteString("request FinalizeBlock\n")
		l.block(0, b.Txs, b.DecidedLastCommit, b.Misbehavior, b.Hash, b.Height, b.Time,
			b.NextValidatorsHash, b.ProposerAddress)
	default:
		must(fmt.Errorf("no request to show: %T", r))
	}
}

func (l *lines) requestSnapshot(request *abci.Request) {
	switch r := request.Value.(type) {
	case *abci.Request_ListSnapshots:
		l.WriteString("request ListSnapshots\n")
	case *abci.Request_OfferSnapshot:
		snapshot := r.OfferSnapshot.Snapshot
		l.WriteString("request OfferSnapshot\n")
		l.put("height", snapshot.GetHeight())
		l.put("format", snapshot.GetFormat())
		l.put("chunks", snapshot.GetChunks())
		l.put("hash", snapshot.GetHash())
		l.put("metadata", snapshot.GetMetadata())
		l.put("app_hash", r.OfferSnapshot.AppHash)
	case *abci.Request_LoadSnapshotChunk:
		l.WriteString("request LoadSnapshotChunk\n")
		l.put("height", r.LoadSnapshotChunk.Height)
		l.put("format", r.LoadSnapshotChunk.Format)
		l.put("chunk", r.LoadSnapshotChunk.Chunk)
	case *abci.Request_ApplySnapshotChunk:
		l.WriteString("request ApplySnapshotChunk\n")
		l.put("index", r.ApplySnapshotChunk.Index)
		l.put("chunk", r.ApplySnapshotChunk.Chunk)
		l.put("sender", r.ApplySnapshotChunk.Sender)
	default:
		l.requestBlock(request)
	}
}

func requestLines(request *abci.Request) string {
	l := &lines{}
	switch r := request.Value.(type) {
	case *abci.Request_Echo:
		l.WriteString("request Echo\n")
		l.put("message", r.Echo.Message)
	case *abci.Request_Flush:
		l.WriteString("request Flush\n")
	case *abci.Request_Commit:
		l.WriteString("request Commit\n")
	case *abci.Request_Info:
		l.WriteString("request Info\n")
		l.put("version", r.Info.Version)
		l.put("block_version", r.Info.BlockVersion)
		l.put("p2p_version", r.Info.P2PVersion)
		l.put("abci_version", r.Info.AbciVersion)
	case *abci.Request_InitChain:
		l.WriteString("request InitChain\n")
		l.time(r.InitChain.Time)
		l.put("chain_id", r.InitChain.ChainId)
		l.params(r.InitChain.ConsensusParams)
		l.validators(r.InitChain.Validators)
		l.put("app_state", r.InitChain.AppStateBytes)
		l.put("initial_height", r.InitChain.InitialHeight)
	case *abci.Request_Query:
		l.WriteString("request Query\n")
		l.put("data", r.Query.Data)
		l.put("path", r.Query.Path)
		l.put("height", r.Query.Height)
		l.put("prove", r.Query.Prove)
	case *abci.Request_CheckTx:
		l.WriteString("request CheckTx\n")
		l.put("tx", r.CheckTx.Tx)
		l.put("recheck", r.CheckTx.Type == abci.CheckTxType_Recheck)
	case *abci.Request_InsertTx:
		l.WriteString("request InsertTx\n")
		l.put("tx", r.InsertTx.Tx)
		l.put("recheck", false)
	case *abci.Request_ReapTxs:
		l.WriteString("request ReapTxs\n")
		l.put("max_bytes", r.ReapTxs.MaxBytes)
		l.put("max_gas", r.ReapTxs.MaxGas)
	case *abci.Request_VerifyVoteExtension:
		v := r.VerifyVoteExtension
		l.WriteString("request VerifyVoteExtension\n")
		l.put("hash", v.Hash)
		l.put("validator", v.ValidatorAddress)
		l.put("height", v.Height)
		l.put("extension", v.VoteExtension)
	default:
		l.requestSnapshot(request)
	}
	return l.String()
}

func (l *lines) events(events []abci.Event) {
	l.put("events", len(events))
	for _, event := range events {
		l.put("type", event.Type)
		l.put("attributes", len(event.Attributes))
		for _, attribute := range event.Attributes {
			l.put("key", attribute.Key)
			l.put("value", attribute.Value)
			l.put("index", attribute.Index)
		}
	}
}

func (l *lines) result(code uint32, data []byte, log, info string, wanted, used int64,
	events []abci.Event, codespace string) {
	l.put("code", code)
	l.put("data", data)
	l.put("log", log)
	l.put("info", info)
	l.put("gas_wanted", wanted)
	l.put("gas_used", used)
	l.events(events)
	l.put("codespace", codespace)
}

func (l *lines) txs(txs [][]byte) {
	l.put("txs", len(txs))
	for _, tx := range txs {
		l.put("entry", tx)
	}
}

func (l *lines) replySnapshot(response *abci.Response) {
	switch r := response.Value.(type) {
	case *abci.Response_ListSnapshots:
		l.WriteString("reply ListSnapshots\n")
		l.put("snapshots", len(r.ListSnapshots.Snapshots))
		for _, snapshot := range r.ListSnapshots.Snapshots {
			l.put("height", snapshot.Height)
			l.put("format", snapshot.Format)
			l.put("chunks", snapshot.Chunks)
			l.put("hash", snapshot.Hash)
			l.put("metadata", snapshot.Metadata)
		}
	case *abci.Response_OfferSnapshot:
		l.WriteString("reply OfferSnapshot\n")
		l.put("result", int32(r.OfferSnapshot.Result))
	case *abci.Response_LoadSnapshotChunk:
		l.WriteString("reply LoadSnapshotChunk\n")
		l.put("chunk", r.LoadSnapshotChunk.Chunk)
	case *abci.Response_ApplySnapshotChunk:
		l.WriteString("reply ApplySnapshotChunk\n")
		l.put("result", int32(r.ApplySnapshotChunk.Result))
		l.put("refetch", len(r.ApplySnapshotChunk.RefetchChunks))
		for _, chunk := range r.ApplySnapshotChunk.RefetchChunks {
			l.put("chunk", chunk)
		}
		l.put("senders", len(r.ApplySnapshotChunk.RejectSenders))
		for _, sender := range r.ApplySnapshotChunk.RejectSenders {
			l.put("entry", sender)
		}
	default:
		must(fmt.Errorf("no response to show: %T", r))
	}
}

func (l *lines) replyBlock(response *abci.Response) {
	switch r := response.Value.(type) {
	case *abci.Response_Commit:
		l.WriteString("reply Commit\n")
		l.put("retain_height", r.Commit.RetainHeight)
	case *abci.Response_PrepareProposal:
		l.WriteString("reply PrepareProposal\n")
		l.txs(r.PrepareProposal.Txs)
	case *abci.Response_ReapTxs:
		l.WriteString("reply ReapTxs\n")
		l.txs(r.ReapTxs.Txs)
	case *abci.Response_ProcessProposal:
		l.WriteString("reply ProcessProposal\n")
		l.put("status", int32(r.ProcessProposal.Status))
	case *abci.Response_VerifyVoteExtension:
		l.WriteString("reply VerifyVoteExtension\n")
		l.put("status", int32(r.VerifyVoteExtension.Status))
	case *abci.Response_ExtendVote:
		l.WriteString("reply ExtendVote\n")
		l.put("extension", r.ExtendVote.VoteExtension)
	case *abci.Response_FinalizeBlock:
		l.WriteString("reply FinalizeBlock\n")
		l.events(r.FinalizeBlock.Events)
		l.put("results", len(r.FinalizeBlock.TxResults))
		for _, x := range r.FinalizeBlock.TxResults {
			l.result(x.Code, x.Data, x.Log, x.Info, x.GasWanted, x.GasUsed, x.Events, x.Codespace)
		}
		l.validators(r.FinalizeBlock.ValidatorUpdates)
		l.put("app_hash", r.FinalizeBlock.AppHash)
	default:
		l.replySnapshot(response)
	}
}

func replyLines(response *abci.Response) string {
	l := &lines{}
	switch r := response.Value.(type) {
	case *abci.Response_Echo:
		l.WriteString("reply Echo\n")
		l.put("message", r.Echo.Message)
	case *abci.Response_Flush:
		l.WriteString("reply Flush\n")
	case *abci.Response_Info:
		l.WriteString("reply Info\n")
		l.put("data", r.Info.Data)
		l.put("version", r.Info.Version)
		l.put("app_version", r.Info.AppVersion)
		l.put("height", r.Info.LastBlockHeight)
		l.put("app_hash", r.Info.LastBlockAppHash)
	case *abci.Response_InitChain:
		l.WriteString("reply InitChain\n")
		l.validators(r.InitChain.Validators)
		l.put("app_hash", r.InitChain.AppHash)
	case *abci.Response_Query:
		q := r.Query
		l.WriteString("reply Query\n")
		l.put("code", q.Code)
		l.put("log", q.Log)
		l.put("info", q.Info)
		l.put("index", q.Index)
		l.put("key", q.Key)
		l.put("value", q.Value)
		l.put("height", q.Height)
		l.put("codespace", q.Codespace)
	case *abci.Response_CheckTx:
		x := r.CheckTx
		l.WriteString("reply CheckTx\n")
		l.result(x.Code, x.Data, x.Log, x.Info, x.GasWanted, x.GasUsed, x.Events, x.Codespace)
	case *abci.Response_InsertTx:
		l.WriteString("reply InsertTx\n")
		l.put("code", r.InsertTx.Code)
	default:
		l.replyBlock(response)
	}
	return l.String()
}

// The frame's content without its length, which WriteMessage puts before it.
func framed(request *abci.Request) []byte {
	out := &bytes.Buffer{}
	must(abci.WriteMessage(request, out))
	return out.Bytes()
}

func toolRun(tool string, input []byte, args ...string) []string {
	command := exec.Command(tool, args...)
	command.Stdin, command.Stderr = bytes.NewReader(input), os.Stderr
	output, err := command.Output()
	must(err)
	blocks := strings.Split(string(output), ".\n")
	return blocks[:len(blocks)-1]
}

func differ(what string, turn int, seed uint64, theirs, ours string) {
	if theirs == ours {
		return
	}
	a, b := strings.Split(theirs, "\n"), strings.Split(ours, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			must(fmt.Errorf("%s %d of seed %d, line %d:\n  CometBFT %s\n  Assay    %s", what, turn,
				seed, i, a[i], strings.Join(b[min(i, len(b)):min(i+1, len(b))], "")))
		}
	}
	must(fmt.Errorf("%s %d of seed %d has more lines", what, turn, seed))
}

type recorded struct {
	Frame string `json:"frame"`
	Lines string `json:"lines,omitempty"`
}

func abciRequests(seed uint64, count int) (frames [][]byte, texts []string) {
	s := source{rand.New(rand.NewSource(int64(seed)))}
	for turn := 0; turn < count; turn++ {
		request := randomRequest(s, turn)
		frames = append(frames, framed(request))
		texts = append(texts, requestLines(request))
	}
	return frames, texts
}

// Our replies, each read by CometBFT, shown by it, and written by it again as the same bytes.
func abciReplies(tool string, seed uint64, count int) (frames []string) {
	for turn, block := range toolRun(tool, nil, "replies", number(seed), strconv.Itoa(count)) {
		head, ours, _ := strings.Cut(block, "\n")
		frame, err := hex.DecodeString(strings.TrimPrefix(head, "frame "))
		must(err)
		response := &abci.Response{}
		must(abci.ReadMessage(bytes.NewReader(frame), response))
		differ("reply", turn, seed, replyLines(response), ours)
		again := &bytes.Buffer{}
		must(abci.WriteMessage(response, again))
		if !bytes.Equal(again.Bytes(), frame) {
			must(fmt.Errorf("reply %d of seed %d:\n  CometBFT %x\n  Assay    %x", turn, seed,
				again.Bytes(), frame))
		}
		frames = append(frames, hex.EncodeToString(frame))
	}
	if len(frames) != count {
		must(fmt.Errorf("%d replies of %d", len(frames), count))
	}
	return frames
}

func abciVectors(tool string) []byte {
	frames, texts := abciRequests(1, recordedRequests)
	requests := []recorded{}
	for i := range frames {
		requests = append(requests, recorded{hex.EncodeToString(frames[i]), texts[i]})
	}
	out, err := json.MarshalIndent(text{"source": "cometbft v0.39.4, tests/oracles/cometbft",
		"requests": requests, "reply_seed": "1",
		"replies": abciReplies(tool, 1, recordedReplies)}, "", " ")
	must(err)
	return append(out, '\n')
}

// abci record FILE TOOL | abci check FILE TOOL | abci fresh TOOL
func abciRun(args []string) {
	switch {
	case len(args) == 3 && args[0] == "record":
		must(os.WriteFile(args[1], abciVectors(args[2]), 0o644))
	case len(args) == 3 && args[0] == "check":
		have, err := os.ReadFile(args[1])
		must(err)
		if !bytes.Equal(have, abciVectors(args[2])) {
			must(fmt.Errorf("%s is not what CometBFT makes now", args[1]))
		}
		fmt.Println("requests and replies as recorded")
	case len(args) == 2 && args[0] == "fresh":
		seed := uint64(time.Now().UnixNano())
		frames, texts := abciRequests(seed, freshCount)
		ours := toolRun(args[1], bytes.Join(frames, nil), "requests")
		if len(ours) != freshCount {
			must(fmt.Errorf("%d requests of %d", len(ours), freshCount))
		}
		for turn := range texts {
			differ("request", turn, seed, texts[turn], ours[turn])
		}
		abciReplies(args[1], seed, freshCount)
		fmt.Printf("%d requests and %d replies of seed %d: the same\n", freshCount, freshCount, seed)
	default:
		must(fmt.Errorf("usage: cometbft abci record|check FILE TOOL | abci fresh TOOL"))
	}
}
