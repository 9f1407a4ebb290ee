// Package cards makes up card payments in which some are fraud, and the confirmations that follow days later.
//
// It exists so that rules about fraud can be tried, backtested and tuned without data of anybody. The same Config gives
// the same bytes: there is no clock and no randomness but the seed's.
//
// # What is simulated
//
// The scheme is the one of the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot, Bontempi, 2022, chapter 3), so
// that rules written here make sense on its data. Customers and terminals lie on a map, a customer pays at terminals
// nearby, each customer has a usual amount and a usual number of payments a day. Three kinds of fraud are planted:
//
//	1  any payment of more than 220
//	2  a terminal turns bad: each payment at it for 28 days
//	3  a card is stolen: one in three of a customer's payments for 14 days, at five times their amount
//
// A fraud is confirmed ConfirmAfter later by an event of its own, FraudConfirmed: what is not confirmed by then was none.
package cards
