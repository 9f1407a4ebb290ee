// Package docs runs what the documentation shows. It has tests only.
//
// A fenced block says by its first line what is done with it:
//
//	```yaml rules            rules, with or without tests: they must be without error, and their tests pass
//	```text error            what is said about the rules above, which are wrong
//	```jsonl events ARGS     events for the rules above; ARGS as for `kelpie features`: --order --disorder --lateness --drain
//	```jsonl rows            the rows of those events, in order; of each the members named are compared
//	```jsonl alerts          the alerts of those events, in order of opening; of each the members named are compared
//	```jsonl opened          in an example's README: the alerts of its events.jsonl, when the stream has ended
//	```yaml receiver         a receiver's settings, which must be without error
//	```yaml config           a configuration, which must be without error
//	```http request          a request to a service that has seen those above it on the page
//	```http answer           its answer: status and JSON
//	```sh steps              in examples/kafka: commands that cmd/kelpie runs beside a real broker
//	```json alert            in the README: an alert, each member of which is explained
//
// Other blocks are grammar, pictures or bytes, and are not run.
package docs
