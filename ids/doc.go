// Package ids remembers the ids of the events that came last, so that an event that comes again is known.
package ids
