package slack

import (
	"net/url"
	"regexp"
	"strings"

	"kelpie/alert/words"
)

// Slack reads &, < and > in every text, and in its own markup also * _ ~ and the backtick. What events hold stands in
// objects of type plain_text, where no markup is read; the three characters are escaped there as well.

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escaped makes a text of at most max units, as Slack counts the escaped form. It may have line breaks.
func escaped(text string, max int) string {
	text = words.Lines(text, max)
	for {
		e := entities.Replace(text)
		over := words.Units(e) - max
		if over <= 0 {
			return e
		}
		text = words.Lines(text, words.Units(text)-(over+4)/5) // an entity has at most 5 characters
	}
}

var lookalikes = strings.NewReplacer("*", "∗", "_", "＿", "~", "∼", "`", "ˋ", "@", "＠")

// unmarked makes a text for where markup may be read (notifications on a phone, and messages without blocks): its
// characters of markup become others that look like them.
func unmarked(text string, max int) string {
	return escaped(lookalikes.Replace(words.Lines(text, max)), max)
}

// plainID are the ids of alerts that may stand in a button and in markup.
var plainID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// link writes a link in markup; "" for what is no address of the web.
func link(address, text string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	safe := strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "&", "&amp;").Replace(u.String())
	if len(safe) > 1000 || strings.ContainsAny(safe, " \n\r\t") {
		return ""
	}
	return "<" + safe + "|" + text + ">"
}
