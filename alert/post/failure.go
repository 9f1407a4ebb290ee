package post

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kelpie/alert"
)

// Failure makes an error of an answer that is none of success, with what it means for another try.
func (c *Client) Failure(a *Answer) *alert.DeliveryError {
	text := fmt.Sprintf("the answer is %d", a.Status)
	if name := http.StatusText(a.Status); name != "" {
		text += " " + name
	}
	if a.Status/100 == 3 {
		text += ", a redirect, and none is followed"
	}
	if said := c.Excerpt(a.Body); said != "" {
		text += ": " + said
	}
	return &alert.DeliveryError{
		Err: &hidden{text, nil}, Code: a.Status, Final: Refuses(a.Status), After: RetryAfter(a.Header, c.o.Now()),
	}
}

// Refuses reports whether a status says that the server refuses this request for good: 4xx, but for those that ask for
// patience (408, 409, 421, 425, 429) and those that say of the receiver, not of the request, that something is not set
// up (401, 403, 404, 405, 407): once somebody mends that, another try delivers. 410 says that nobody will.
func Refuses(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusConflict, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status/100 == 4
}

// longestExcerpt is how much of an answer an error shows, runes.
const longestExcerpt = 200

// Excerpt returns the beginning of an answer in one printable line, for an error. Secrets are masked.
func (c *Client) Excerpt(body []byte) string {
	text := c.mask(string(body[:min(len(body), 4<<10)]))
	words := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "\uFFFD"))), " ")
	if r := []rune(words); len(r) > longestExcerpt {
		return string(r[:longestExcerpt]) + "…"
	}
	return words
}

// longestPause bounds what a server may ask for.
const longestPause = 24 * time.Hour

// RetryAfter returns how long a server asks to be left alone, in seconds or until a date; 0 if it does not.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, longestPause)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longestPause)
	}
	return 0
}
