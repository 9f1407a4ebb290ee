package server_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// chromium names the browser of the tests; with it they must run in it.
const chromium = "KELPIE_CHROMIUM"

// patience is how long the browser is waited for before it is taken to hang: far longer than a slow machine needs.
const patience = 5 * time.Minute

// findChromium returns where the browser is; "" if this machine has none, and none is demanded.
func findChromium(t *testing.T) string {
	if path := os.Getenv(chromium); path != "" {
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("%s: %v", chromium, err)
		}
		return path
	}
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// screen is a real browser, with what it complained of and whom it asked.
type screen struct {
	t   *testing.T
	ctx context.Context
	url string

	mu     sync.Mutex
	errors []string
	asked  map[string]bool // hosts
}

// openScreen starts a browser; nil if there is none.
func openScreen(t *testing.T, url string) *screen {
	path := findChromium(t)
	if path == "" {
		return nil
	}
	o := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(patience))
	all, end := chromedp.NewExecAllocator(context.Background(), o...)
	ctx, stop := chromedp.NewContext(all)
	t.Cleanup(func() {
		stop()
		end()
	})
	s := &screen{t: t, ctx: ctx, url: url, asked: map[string]bool{}}
	s.must(chromedp.Listen(ctx, s.hear))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	s.must(err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	s.must(err)
	s.do(chromedp.EmulateViewport(1100, 900))
	return s
}

func (s *screen) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// hear notes what goes wrong in a page, and what it loads.
func (s *screen) hear(e any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := e.(type) {
	case *runtime.EventExceptionThrown:
		s.errors = append(s.errors, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			s.errors = append(s.errors, fmt.Sprint(e.Args))
		}
	case *log.EventEntryAdded:
		s.errors = append(s.errors, e.Entry.Text+" "+e.Entry.URL)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil {
			s.asked[u.Scheme+"://"+u.Host] = true
		}
	}
}

// do does something, in so much time.
func (s *screen) do(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.must(chromedp.Do(ctx, actions...))
}

// open opens a page and waits until its script has run.
func (s *screen) open(path string) {
	s.t.Helper()
	s.do(chromedp.Navigate(s.url + path))
	s.until(`document.documentElement.dataset.live === "true"`)
}

// js returns what an expression is worth.
func (s *screen) js(expression string) any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	x, err := chromedp.Run(ctx, chromedp.Evaluate[any](expression))
	s.must(err)
	return x
}

// until waits until an expression is true. While one page goes and another comes it is not.
func (s *screen) until(expression string) {
	s.t.Helper()
	tick, over := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		x, err := chromedp.Run(s.ctx, chromedp.Evaluate[bool](expression))
		if err == nil && x {
			return
		}
		select {
		case <-tick.C:
		case <-over:
			s.t.Fatalf("it is never so: %s: %v", expression, err)
		}
	}
}

// fits wants a page without a horizontal scroll bar, at the width of a phone.
func (s *screen) fits(path string) {
	s.t.Helper()
	s.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	s.open(path)
	if x := s.js(`document.documentElement.scrollWidth`); x != float64(360) {
		s.t.Errorf("%s is %v wide on a phone: %v", path, x, s.js(`Array.from(document.querySelectorAll("body *")).filter((e) => e.getBoundingClientRect().right > 361).map((e) => e.tagName + "." + e.className).join(" ")`))
	}
	s.shoot("phone" + path)
	s.do(chromedp.EmulateViewport(1100, 900))
}

// shoot keeps a picture, if KELPIE_SHOTS names a folder.
func (s *screen) shoot(name string) {
	s.t.Helper()
	dir := os.Getenv("KELPIE_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(s.ctx, chromedp.FullScreenshot(100))
	s.must(err)
	name, _, _ = strings.Cut(strings.Trim(strings.ReplaceAll(name, "/", "-"), "-"), "?")
	s.must(os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// quiet wants no complaint, and nobody asked but ourselves.
func (s *screen) quiet() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.errors {
		s.t.Errorf("the browser complains: %s", e)
	}
	for host := range s.asked {
		if host != s.url && !strings.HasPrefix(host, "about:") && !strings.HasPrefix(host, "data:") {
			s.t.Errorf("the browser asked %s", host)
		}
	}
}

// TestConsoleInABrowser looks at the console as a person does, where there is a browser; without one, what it is made of
// has to keep to the same: nothing inline, nothing from elsewhere.
func TestConsoleInABrowser(t *testing.T) {
	h, g := newHouse(t, vfs.NewMem()), &gate{}
	h.groups = g.team()
	b := opened(t, h, "ann")
	s := openScreen(t, h.url)
	if s == nil {
		for _, path := range []string{"/", "/rules", "/silences"} {
			for n := range b.open(path).root.Descendants() {
				ours(t, path, n)
			}
		}
		return
	}
	s.open("/")
	s.shoot("alerts")
	s.live(h)
	s.byKeyboard(h)
	s.comments(h)
	s.sendsAgain(h, g)
	s.looks(h)
	s.quiet()
}

// live opens an alert while the page is looked at.
func (s *screen) live(h *house) {
	if title := s.js(`document.title`); title != "(1) open alert · Kelpie" {
		s.t.Errorf("the title is %v", title)
	}
	h.bursts("bob")
	s.until(`document.querySelectorAll("li.card").length === 2`)
	s.until(`document.title.startsWith("(2)")`)
	s.until(`document.getElementById("said").textContent.includes("bob")`)
}

// byKeyboard acknowledges an alert, and opens it, without a mouse.
func (s *screen) byKeyboard(h *house) {
	s.do(chromedp.KeyEvent("?"))
	s.until(`document.getElementById("keys").open`)
	s.do(chromedp.KeyEvent(kb.Escape))
	s.until(`!document.getElementById("keys").open`)
	s.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"))
	focused := `document.activeElement.closest("[data-key]").dataset.key`
	id, _ := s.js(focused).(string)
	if id != h.alerts("").Alerts[1].ID {
		s.t.Errorf("the focus is at %s", id)
	}
	s.do(chromedp.KeyEvent("a"))
	s.until(`document.querySelector(".calm [data-key='` + id + `']") !== null`)
	if a := h.alerts("").Alerts[1]; a.Acknowledged == nil {
		s.t.Errorf("not acknowledged: %+v", a)
	}
	if s.js(focused) != id {
		s.t.Error("the focus has left the alert")
	}
	s.do(chromedp.KeyEvent(kb.Enter))
	s.until(`document.querySelector("html[data-live] article.whole")?.dataset.key === "` + id + `"`)
	s.do(chromedp.KeyEvent("r"))
	s.until(`document.activeElement.dataset.act === "resolve"`)
	s.do(chromedp.KeyEvent(kb.Enter))
	s.until(`document.querySelector("article.over") !== null`)
	s.do(chromedp.KeyEvent("2"))
	s.until(`document.querySelector("html[data-live] table.rules") !== null`)
}

// comments writes why, and acknowledges with it: Enter in the field does nothing, and what is written stays when the page
// changes meanwhile.
func (s *screen) comments(h *house) {
	id := h.alerts("key=bob").Alerts[0].ID
	s.open("/alerts/" + id)
	s.do(chromedp.KeyEvent("c"))
	s.until(`document.activeElement.id === "comment"`)
	s.js(`document.getElementById("comment").value = ""`) // chromedp sends the letter of a key that a page has kept for itself
	s.do(chromedp.KeyEvent("a test of bob's"), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Escape))
	s.until(`document.activeElement.id !== "comment"`)
	if a := h.alerts("key=bob").Alerts[0]; a.Acknowledged != nil || a.Verdict != nil {
		s.t.Errorf("Enter in the comment does something: %+v", a)
	}
	h.ask("POST", "/v1/alerts/"+id+"/label", `{"by":"eve","verdict":"true_positive"}`, nil)
	s.until(`document.querySelector("[data-act=true]").getAttribute("aria-pressed") === "true"`)
	s.do(chromedp.KeyEvent("a"))
	s.until(`document.querySelector("[data-act=acknowledge]") === null`)
	if a := h.alerts("key=bob").Alerts[0]; a.Acknowledged == nil || a.Acknowledged.Comment != "a test of bob's" {
		s.t.Errorf("acknowledged %+v", a.Acknowledged)
	}
	if left := s.js(`document.getElementById("comment").value`); left != "" {
		s.t.Errorf("the next comment begins with %q", left)
	}
}

// sendsAgain has a message sent again that was given up, by the keyboard.
func (s *screen) sendsAgain(h *house, g *gate) {
	again := `document.querySelector("[data-act='again-team/hook']")`
	s.open("/alerts/" + h.alerts("key=ann").Alerts[0].ID)
	s.until(again + ` !== null`)
	g.lift()
	s.js(again + `.focus()`)
	s.do(chromedp.KeyEvent(kb.Enter))
	s.until(again + ` === null && !document.querySelector("section .bad")`)
}

// looks wants every page to fit a phone, and to be dark at night with letters that can be read.
func (s *screen) looks(h *house) {
	h.bursts(strings.Repeat("a-very-long-customer-", 20), "<b>bold</b>")
	for _, path := range []string{"/", "/rules", "/silences", "/alerts/" + h.alerts("").Alerts[0].ID, "/alerts/" + h.alerts("").Alerts[1].ID} {
		s.fits(path)
	}
	for _, scheme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		_, err := chromedp.Call(s.ctx, emulation.SetEmulatedMedia, media)
		s.must(err)
		for _, path := range []string{"/", "/rules", "/silences", "/alerts/" + h.alerts("").Alerts[1].ID} {
			s.open(path)
			s.shoot(scheme + path)
			if pale := s.js(contrasts); pale != "" {
				s.t.Errorf("%s, %s: too pale to be read: %v", path, scheme, pale)
			}
		}
		ground, _ := s.js(`getComputedStyle(document.body).backgroundColor`).(string)
		if dark := strings.HasPrefix(ground, "rgb(20,"); dark != (scheme == "dark") {
			s.t.Errorf("%s: the ground is %s", scheme, ground)
		}
	}
}

// contrasts names the elements whose text has a contrast below 4.5 (WCAG 2.2, AA) to what is behind it.
const contrasts = `(() => {
  const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const lum = (c) => { const [r, g, b] = c.slice(0, 3).map((x) => { x /= 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  const pale = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest(".unseen, .skip")) continue;
    const a = lum(parse(getComputedStyle(e).color)), b = lum(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) pale.push(e.tagName + "." + e.className + " " + ratio.toFixed(2));
  }
  return pale.join(", ");
})()`
