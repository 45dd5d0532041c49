// SPDX-License-Identifier: Apache-2.0

// CometBFT's own checker of the order of ABCI calls, from its end-to-end tests.
//
//	check FILE          every line of FILE, one start of an application, is accepted; and refused
//	                    once a call that it needs is missing
//	relay SOCKET TO     between CometBFT and an application, until killed: prints each call
//
// A line is "clean" or "recovery", then the calls of that start, by their names in the grammar.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/test/e2e/pkg/grammar"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The calls of a start that logs may name; the checker itself passes over the first two.
var requests = map[string]*abci.Request{
	"info":                  abci.ToInfoRequest(&abci.InfoRequest{}),
	"check_tx":              abci.ToCheckTxRequest(&abci.CheckTxRequest{}),
	"init_chain":            abci.ToInitChainRequest(&abci.InitChainRequest{}),
	"prepare_proposal":      abci.ToPrepareProposalRequest(&abci.PrepareProposalRequest{}),
	"process_proposal":      abci.ToProcessProposalRequest(&abci.ProcessProposalRequest{}),
	"extend_vote":           abci.ToExtendVoteRequest(&abci.ExtendVoteRequest{}),
	"verify_vote_extension": abci.ToVerifyVoteExtensionRequest(&abci.VerifyVoteExtensionRequest{}),
	"finalize_block":        abci.ToFinalizeBlockRequest(&abci.FinalizeBlockRequest{}),
	"commit":                abci.ToCommitRequest(),
	"offer_snapshot":        abci.ToOfferSnapshotRequest(&abci.OfferSnapshotRequest{}),
	"apply_snapshot_chunk":  abci.ToApplySnapshotChunkRequest(&abci.ApplySnapshotChunkRequest{}),
}

func verify(calls []string, clean bool) error {
	list := []*abci.Request{}
	for _, name := range calls {
		request, known := requests[name]
		if !known {
			return fmt.Errorf("no call %q", name)
		}
		list = append(list, request)
	}
	if len(list) == 0 {
		return nil // it died before its first call
	}
	_, err := grammar.NewGrammarChecker(grammar.DefaultConfig()).Verify(list, clean)
	return err
}

// The last commit's place: the checker looks at nothing after it. -1: there is none.
func lastCommit(calls []string) int {
	for i := len(calls) - 1; i >= 0; i-- {
		if calls[i] == "commit" {
			return i
		}
	}
	return -1
}

// Leaves out each call in turn that no start can do without, and wants a refusal. Returns: how many.
func planted(calls []string, clean bool) (int, error) {
	count, last := 0, lastCommit(calls)
	for i := 0; i <= last; i++ {
		needed := calls[i] == "finalize_block" || calls[i] == "commit" && i < last ||
			calls[i] == "init_chain" && clean
		if !needed {
			continue
		}
		fewer := append(append([]string{}, calls[:i]...), calls[i+1:]...)
		if verify(fewer, clean) == nil {
			return count, fmt.Errorf("accepted without call %d, %s", i, calls[i])
		}
		count++
	}
	return count, nil
}

func check(path string) {
	file, err := os.Open(path)
	must(err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	starts, heights, refused := map[string]int{}, 0, 0
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || words[0] != "clean" && words[0] != "recovery" {
			must(fmt.Errorf("%s: %q is no start", path, lines.Text()))
		}
		clean, calls := words[0] == "clean", words[1:]
		if err := verify(calls, clean); err != nil {
			must(fmt.Errorf("refused: %s: %w", lines.Text(), err))
		}
		count, err := planted(calls, clean)
		if err != nil {
			must(fmt.Errorf("%s: %w", lines.Text(), err))
		}
		starts[words[0]]++
		refused += count
		heights += strings.Count(lines.Text(), " commit")
	}
	must(lines.Err())
	if starts["clean"] == 0 || starts["recovery"] == 0 || refused == 0 {
		must(fmt.Errorf("%s: %d clean starts, %d recoveries, %d calls left out", path, starts["clean"],
			starts["recovery"], refused))
	}
	fmt.Printf("%d clean starts, %d recoveries, %d heights; refused without one call: %d\n",
		starts["clean"], starts["recovery"], heights, refused)
}

// The name of a request, as the checker itself has it: what its text starts with.
func nameOf(request *abci.Request) string {
	name, _, _ := strings.Cut(request.String(), ":")
	return name
}

func relay(socket, to string) {
	listener, err := net.Listen("unix", socket)
	must(err)
	var lock sync.Mutex
	for {
		engine, err := listener.Accept()
		must(err)
		application, err := net.Dial("unix", to)
		must(err)
		go func() {
			_, _ = io.Copy(engine, application)
			engine.Close()
		}()
		go func() {
			defer application.Close()
			both := io.TeeReader(bufio.NewReader(engine), application)
			for {
				request := &abci.Request{}
				if err := abci.ReadMessage(both, request); err != nil {
					if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
						fmt.Fprintln(os.Stderr, err)
					}
					return
				}
				if name := nameOf(request); requests[name] != nil {
					lock.Lock()
					fmt.Print(" ", name)
					lock.Unlock()
				}
			}
		}()
	}
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "check":
		check(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "relay":
		relay(os.Args[2], os.Args[3])
	default:
		must(fmt.Errorf("usage: grammar check FILE | relay SOCKET TO"))
	}
}
