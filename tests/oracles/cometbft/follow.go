// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/light/provider"
	"github.com/cometbft/cometbft/light/provider/http"
	"github.com/cometbft/cometbft/light/store/db"
)

// CometBFT's light client over HTTP against a node of ours, as anybody would run it: from a trusted
// header to the last one and to one in between, with WITNESS to compare with or the node as its own.
// Prints both hashes; a height to come is known as such.
//
//	follow URL CHAIN HEIGHT HASH [WITNESS]
func follow(arguments []string) {
	if len(arguments) != 4 && len(arguments) != 5 {
		must(fmt.Errorf("usage: cometbft follow URL CHAIN HEIGHT HASH [WITNESS]"))
	}
	url, chain := arguments[0], arguments[1]
	height, err := strconv.ParseInt(arguments[2], 10, 64)
	must(err)
	hash, err := hex.DecodeString(arguments[3])
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	source, err := http.New(chain, url)
	must(err)
	other := url
	if len(arguments) == 5 {
		other = arguments[4]
	}
	witness, err := http.New(chain, other)
	must(err)
	client, err := light.NewClient(ctx, chain, light.TrustOptions{Period: 24 * time.Hour, Height: height, Hash: hash},
		source, []provider.Provider{witness}, db.New(dbm.NewMemDB(), chain), light.Logger(log.NewNopLogger()))
	must(err)
	last, err := client.Update(ctx, time.Now())
	must(err)
	if last == nil {
		must(fmt.Errorf("nothing above height %d", height))
	}
	between, err := client.VerifyLightBlockAtHeight(ctx, (height+last.Height)/2, time.Now())
	must(err)
	if _, err = source.LightBlock(ctx, last.Height+1000000); err != provider.ErrHeightTooHigh {
		must(fmt.Errorf("a height to come: %v", err))
	}
	fmt.Printf("%d %s\n%d %s\n", between.Height, between.Hash(), last.Height, last.Hash())
}
