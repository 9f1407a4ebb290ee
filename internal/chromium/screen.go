// Package chromium looks at pages as a person does: in a real browser, where there is one.
package chromium

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
)

// named names the browser of the tests; with it they must run in it.
const named = "KELPIE_CHROMIUM"

// patience is how long the browser is waited for before it is taken to hang: far longer than a slow machine needs.
const patience = 5 * time.Minute

// find returns where the browser is; "" if this machine has none, and none is demanded.
func find(t *testing.T) string {
	if path := os.Getenv(named); path != "" {
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("%s: %v", named, err)
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

// Screen is a real browser, with what it complained of and whom it asked.
type Screen struct {
	t   *testing.T
	ctx context.Context
	url string

	mu     sync.Mutex
	errors []string
	asked  map[string]bool // hosts
}

// Start starts a browser for pages whose addresses begin with url; nil if there is none.
func Start(t *testing.T, url string) *Screen {
	path := find(t)
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
	s := &Screen{t: t, ctx: ctx, url: url, asked: map[string]bool{}}
	s.must(chromedp.Listen(ctx, s.hear))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	s.must(err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	s.must(err)
	s.Do(chromedp.EmulateViewport(1100, 900))
	return s
}

func (s *Screen) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// hear notes what goes wrong in a page, and what it loads.
func (s *Screen) hear(e any) {
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

// Do does something, in so much time.
func (s *Screen) Do(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.must(chromedp.Do(ctx, actions...))
}

// Open opens a page and waits until its script has run.
func (s *Screen) Open(path string) {
	s.t.Helper()
	s.Do(chromedp.Navigate(s.url + path))
	s.Until(`document.documentElement.dataset.live === "true"`)
}

// JS returns what an expression is worth.
func (s *Screen) JS(expression string) any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	x, err := chromedp.Run(ctx, chromedp.Evaluate[any](expression))
	s.must(err)
	return x
}

// Until waits until an expression is true. While one page goes and another comes it is not.
func (s *Screen) Until(expression string) {
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

// Fits wants a page without a horizontal scroll bar, at the width of a phone.
func (s *Screen) Fits(path string) {
	s.t.Helper()
	s.Do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	s.Open(path)
	if x := s.JS(`document.documentElement.scrollWidth`); x != float64(360) {
		s.t.Errorf("%s is %v wide on a phone: %v", path, x, s.JS(`Array.from(document.querySelectorAll("body *")).filter((e) => e.getBoundingClientRect().right > 361).map((e) => e.tagName + "." + e.className).join(" ")`))
	}
	s.Shoot("phone" + path)
	s.Do(chromedp.EmulateViewport(1100, 900))
}

// Shoot keeps a picture, if KELPIE_SHOTS names a folder.
func (s *Screen) Shoot(name string) {
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

// Paint has pages ask for a scheme of colours, "light" or "dark".
func (s *Screen) Paint(scheme string) {
	s.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	_, err := chromedp.Call(s.ctx, emulation.SetEmulatedMedia, media)
	s.must(err)
}

// Readable wants letters that can be read on their ground, and a ground that is dark in the dark scheme.
func (s *Screen) Readable(path, scheme string) {
	s.t.Helper()
	if pale := s.JS(contrasts); pale != "" {
		s.t.Errorf("%s, %s: too pale to be read: %v", path, scheme, pale)
	}
	ground, _ := s.JS(`getComputedStyle(document.body).backgroundColor`).(string)
	if dark := strings.HasPrefix(ground, "rgb(20,"); dark != (scheme == "dark") {
		s.t.Errorf("%s, %s: the ground is %s", path, scheme, ground)
	}
}

// Quiet wants no complaint, and nobody asked but ourselves.
func (s *Screen) Quiet() {
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
