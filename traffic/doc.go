// Package traffic generates the events of a made-up web shop, with attacks planted in them.
//
// It exists so that a demo, a benchmark and an example need no data of anybody. The same Config gives the same bytes:
// there is no clock and no randomness but the seed's.
//
// # The shop
//
// Customers (c0 is the keenest of them, by Zipf's law) send HttpRequest events to a dozen services, place orders
// (OrderCreated), pay them some minutes later (OrderPaid), and have a credit limit that is set before their first order
// and reviewed now and then (CreditLimitChanged). Traffic follows a curve of the day. An event is one line of JSON of
// about 450 bytes; amounts have two decimals.
//
// # What is planted is what is found
//
// An attack is one that a founding rule must find: order-burst, volume-10x, over-credit-limit, error-rate. Everything
// else stays below their thresholds by construction: a customer leaves minutes between orders and never orders beyond
// the limit, services fail rarely, regions grow slowly. So comparing the labels of what was planted with the alerts that
// opened says something. The profile of Bench gives these promises up for a load that is heavier on state.
//
// # Two times
//
// Events come in the order of a clock, Now. An event's own time, EventTime, is that clock's, but for the share of
// events that Disorder makes up to its bound older.
package traffic
