package cards

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

// WriteLabels writes frauds as CSV under the header id,fraud,scenario,known: what `kelpie backtest --labels` reads.
// Payments that are not listed are genuine.
func WriteLabels(w io.Writer, frauds []Fraud) error {
	b := bufio.NewWriter(w)
	b.WriteString("id,fraud,scenario,known\n")
	for _, f := range frauds {
		fmt.Fprintf(b, "%s,1,%d,%s\n", f.ID, f.Scenario, time.UnixMilli(f.Known).UTC().Format(time.RFC3339))
	}
	return b.Flush()
}
