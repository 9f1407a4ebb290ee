// Package server is the way in and out by HTTP: events are posted to it, and people and programs ask it.
//
// What is true of it: an event is acknowledged when it is durable in the log, never before; a client that does not get an
// answer may send the same events again, and those that have an id are appended once. Nothing that a client does holds
// the server: what it may send, how slowly, and how much of it at once is bounded, and what is beyond is refused in words.
//
// Every route stands in one table with the scope that its caller's token must have (Server.Routes). What was not asked
// for in the right way is answered with problem details (RFC 9457).
package server
