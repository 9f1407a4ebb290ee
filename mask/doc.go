// Package mask hides the personal fields of events that a configuration declares wherever people and other systems are
// told of them. Inside, in the log, the state and the fold, everything is as it came: what is masked is what leaves.
//
// In place of a value stands a token: masked- and ten letters and digits, which a hash with a secret key makes of the
// value. So two customers stay two, one customer is the same one in every message, and nobody who sees a token can find
// the value by trying. The key is made with the data folder's first masks and is kept there, readable by its owner alone.
package mask
