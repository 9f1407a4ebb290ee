// Command bench measures Kelpie and prints a table: what was reached, how that compares to the yardstick, and to the
// goals.
//
//	go run ./bench                      # everything, some minutes
//	go run ./bench -quick               # to see whether it works
//	go run ./bench -run 'fold|durable'  # some of the studies
//	go run ./bench -write               # put the table into bench/README.md
//
// # How it measures
//
// A study runs in a process of its own, so that memory and the heap are its own. It makes its events before anything is
// timed (package traffic, the same bytes every time), maps them into memory, and takes several samples; of those the
// median is shown, with the lowest and the highest. What is compared with each other is run in turn.
//
// Machines differ, and so does one machine from hour to hour. So before and after each sample the yardstick is timed,
// in the same process and on the same events: json.Valid, on one core. A figure is also shown as a multiple of the
// yardstick's rate.
//
// # What it measures
//
// The product's own code: source batches of 4 MiB go to engine.Engine.Step, and commits are gathered, written and noted
// as engine.Service does it. Where the log takes part, engine.Service itself runs. studies.go lists the studies; each
// stands in a file of its own.
package main
