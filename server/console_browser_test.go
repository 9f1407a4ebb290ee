package server_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/internal/chromium"
)

// screen is the browser of the console's tests.
type screen struct {
	*chromium.Screen
	t *testing.T
}

// TestConsoleInABrowser looks at the console as a person does, where there is a browser; without one, what it is made of
// has to keep to the same: nothing inline, nothing from elsewhere.
func TestConsoleInABrowser(t *testing.T) {
	h, g := newHouse(t, vfs.NewMem()), &gate{}
	h.groups = g.team()
	b := opened(t, h, "ann")
	s := screen{chromium.Start(t, h.url), t}
	if s.Screen == nil {
		for _, path := range []string{"/", "/rules", "/silences"} {
			for n := range b.open(path).root.Descendants() {
				ours(t, path, n)
			}
		}
		return
	}
	s.Open("/")
	s.Shoot("alerts")
	s.live(h)
	s.byKeyboard(h)
	s.comments(h)
	s.sendsAgain(h, g)
	s.looks(h)
	s.Quiet()
}

// live opens an alert while the page is looked at.
func (s screen) live(h *house) {
	if title := s.JS(`document.title`); title != "(1) open alert · Kelpie" {
		s.t.Errorf("the title is %v", title)
	}
	h.bursts("bob")
	s.Until(`document.querySelectorAll("li.card").length === 2`)
	s.Until(`document.title.startsWith("(2)")`)
	s.Until(`document.getElementById("said").textContent.includes("bob")`)
}

// byKeyboard acknowledges an alert, and opens it, without a mouse.
func (s screen) byKeyboard(h *house) {
	s.Do(chromedp.KeyEvent("?"))
	s.Until(`document.getElementById("keys").open`)
	s.Do(chromedp.KeyEvent(kb.Escape))
	s.Until(`!document.getElementById("keys").open`)
	s.Do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"))
	focused := `document.activeElement.closest("[data-key]").dataset.key`
	id, _ := s.JS(focused).(string)
	if id != h.alerts("").Alerts[1].ID {
		s.t.Errorf("the focus is at %s", id)
	}
	s.Do(chromedp.KeyEvent("a"))
	s.Until(`document.querySelector(".calm [data-key='` + id + `']") !== null`)
	if a := h.alerts("").Alerts[1]; a.Acknowledged == nil {
		s.t.Errorf("not acknowledged: %+v", a)
	}
	if s.JS(focused) != id {
		s.t.Error("the focus has left the alert")
	}
	s.Do(chromedp.KeyEvent(kb.Enter))
	s.Until(`document.querySelector("html[data-live] article.whole")?.dataset.key === "` + id + `"`)
	s.Do(chromedp.KeyEvent("r"))
	s.Until(`document.activeElement.dataset.act === "resolve"`)
	s.Do(chromedp.KeyEvent(kb.Enter))
	s.Until(`document.querySelector("article.over") !== null`)
	s.Do(chromedp.KeyEvent("2"))
	s.Until(`document.querySelector("html[data-live] table.rules") !== null`)
}

// comments writes why, and acknowledges with it: Enter in the field does nothing, and what is written stays when the page
// changes meanwhile.
func (s screen) comments(h *house) {
	id := h.alerts("key=bob").Alerts[0].ID
	s.Open("/alerts/" + id)
	s.Do(chromedp.KeyEvent("c"))
	s.Until(`document.activeElement.id === "comment"`)
	s.JS(`document.getElementById("comment").value = ""`) // chromedp sends the letter of a key that a page has kept for itself
	s.Do(chromedp.KeyEvent("a test of bob's"), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Escape))
	s.Until(`document.activeElement.id !== "comment"`)
	if a := h.alerts("key=bob").Alerts[0]; a.Acknowledged != nil || a.Verdict != nil {
		s.t.Errorf("Enter in the comment does something: %+v", a)
	}
	h.ask("POST", "/v1/alerts/"+id+"/label", `{"by":"eve","verdict":"true_positive"}`, nil)
	s.Until(`document.querySelector("[data-act=true]").getAttribute("aria-pressed") === "true"`)
	s.Do(chromedp.KeyEvent("a"))
	s.Until(`document.querySelector("[data-act=acknowledge]") === null`)
	if a := h.alerts("key=bob").Alerts[0]; a.Acknowledged == nil || a.Acknowledged.Comment != "a test of bob's" {
		s.t.Errorf("acknowledged %+v", a.Acknowledged)
	}
	if left := s.JS(`document.getElementById("comment").value`); left != "" {
		s.t.Errorf("the next comment begins with %q", left)
	}
}

// sendsAgain has a message sent again that was given up, by the keyboard.
func (s screen) sendsAgain(h *house, g *gate) {
	again := `document.querySelector("[data-act='again-team/hook']")`
	s.Open("/alerts/" + h.alerts("key=ann").Alerts[0].ID)
	s.Until(again + ` !== null`)
	g.lift()
	s.JS(again + `.focus()`)
	s.Do(chromedp.KeyEvent(kb.Enter))
	s.Until(again + ` === null && !document.querySelector("section .bad")`)
}

// looks wants every page to fit a phone, and to be dark at night with letters that can be read.
func (s screen) looks(h *house) {
	h.bursts(strings.Repeat("a-very-long-customer-", 20), "<b>bold</b>")
	for _, path := range []string{"/", "/rules", "/silences", "/alerts/" + h.alerts("").Alerts[0].ID, "/alerts/" + h.alerts("").Alerts[1].ID} {
		s.Fits(path)
	}
	for _, scheme := range []string{"light", "dark"} {
		s.Paint(scheme)
		for _, path := range []string{"/", "/rules", "/silences", "/alerts/" + h.alerts("").Alerts[1].ID} {
			s.Open(path)
			s.Shoot(scheme + path)
			s.Readable(path, scheme)
		}
	}
}
