package server_test

import (
	"cmp"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/net/html"

	"kelpie/server"
)

// browser is what a browser without scripts does: it follows redirects, keeps cookies, and says that it wants pages.
type browser struct {
	t      *testing.T
	url    string
	client *http.Client
}

func newBrowser(t *testing.T, url string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, url, &http.Client{Jar: jar, Transport: http.DefaultTransport}}
}

// page is what a browser was given.
type page struct {
	status int
	path   string // after redirects, with its query
	header http.Header
	root   *html.Node
}

func (b *browser) do(r *http.Request) *page {
	b.t.Helper()
	r.Header.Set("Accept", "text/html")
	a, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &page{status: a.StatusCode, path: a.Request.URL.RequestURI(), header: a.Header}
	if p.root, err = html.Parse(strings.NewReader(string(text))); err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *browser) open(path string) *page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

// send sends a form as a page of an origin does; "" is a program that says nothing of it.
func (b *browser) send(path string, fields url.Values) *page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.url+path, strings.NewReader(fields.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.url)
	return b.do(r)
}

// press sends the form of a page whose action is path, as it stands there, with other fields filled in.
func (b *browser) press(p *page, action string, fill ...string) *page {
	b.t.Helper()
	for form := range p.all("form") {
		fields := url.Values{}
		if !aims(form, action, fields) {
			continue
		}
		for n := range form.Descendants() {
			if n.Data == "input" {
				fields.Set(attr(n, "name"), attr(n, "value"))
			}
		}
		for i := 0; i < len(fill); i += 2 {
			fields.Set(fill[i], fill[i+1])
		}
		return b.send(action, fields)
	}
	b.t.Fatalf("%s has no form for %s:\n%s", p.path, action, p.text())
	return nil
}

// aims reports whether a form sends to action by one of its buttons, the first one that does, and adds what that one says.
func aims(form *html.Node, action string, fields url.Values) bool {
	for n := range form.Descendants() {
		if n.Data != "button" || has(n, "disabled") || cmp.Or(attr(n, "formaction"), attr(form, "action")) != action {
			continue
		}
		if name := attr(n, "name"); name != "" {
			fields.Set(name, attr(n, "value"))
		}
		return true
	}
	return false
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func (p *page) all(tag string) func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range p.root.Descendants() {
			if n.Type == html.ElementNode && n.Data == tag && !yield(n) {
				return
			}
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text returns what can be read, with one blank between words.
func (p *page) text() string { return textOf(p.root) }

func textOf(n *html.Node) string {
	var b strings.Builder
	for x := range n.Descendants() {
		if x.Type == html.TextNode {
			b.WriteString(x.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (p *page) wants(t *testing.T, status int, words ...string) {
	t.Helper()
	text := p.text()
	if p.status != status {
		t.Errorf("%s: %d, want %d: %s", p.path, p.status, status, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q: %s", p.path, w, text)
		}
	}
}

// opened opens a house with an alert for each customer, and returns a browser of its console.
func opened(t *testing.T, h *house, customers ...string) *browser {
	t.Helper()
	h.open()
	h.bursts(customers...)
	return newBrowser(t, h.url)
}

// TestConsoleTellsAnAlert walks through the life of an alert by the forms alone.
func TestConsoleTellsAnAlert(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	b := opened(t, h, "ann")
	id := h.alerts("").Alerts[0].ID
	path := "/alerts/" + id
	list := b.open("/")
	list.wants(t, 200, "1 alert needs someone", "burst", "customer_id ann", "orders 2", "Acknowledge", "events")
	b.press(list, path+"/acknowledge").wants(t, 200, "Acknowledged. Others see", "Somebody takes care of every open alert", "acknowledged by console")
	p := b.open(path)
	p.wants(t, 200, "burst", "orders 2", "True positive", "count over 10m", "delivered", "2 events in its windows", `"customer_id":"ann"`)
	p = b.press(p, path+"/silence", "comment", "looked at it")
	p.wants(t, 200, "Silenced.", "silenced by")
	b.open("/").wants(t, 200, "No open alerts", "Silenced, or only watched 1")
	p = b.press(p, path+"/label", "comment", "a thief")
	p.wants(t, 200, "verdict true positive: console", "“a thief”")
	b.press(p, path+"/resolve").wants(t, 200, "Resolved by hand.", "somebody resolved it (console")
	b.open("/").wants(t, 200, "No open alerts", "Resolved last", "somebody resolved it")
	got := h.alerts("").Alerts[0]
	if got.State != "resolved" || got.Acknowledged == nil || got.ResolvedBy.By != "console" || got.Verdict.Word != "true_positive" {
		t.Errorf("%+v", got)
	}
	b.send(path+"/acknowledge", url.Values{}).wants(t, 409, "Too late")
	b.send(path+"/label", url.Values{"verdict": {"perhaps"}}).wants(t, 400, "verdict")
	b.open("/alerts/ffff").wants(t, 404, "there is no alert")
}

// TestConsoleSendsAgain has a message sent again that was given up, and no other.
func TestConsoleSendsAgain(t *testing.T) {
	h, g := newHouse(t, vfs.NewMem()), &gate{}
	h.groups = g.team()
	b := opened(t, h, "ann")
	path := "/alerts/" + h.alerts("").Alerts[0].ID
	var p *page
	h.until("given up", func() bool {
		p = b.open(path)
		return strings.Contains(p.text(), "given up after 1 attempt: no such channel Send again to team/hook")
	})
	g.lift()
	b.press(p, path+"/redeliver").wants(t, 200, "It is on its way again.")
	h.until("delivered", func() bool {
		p = b.open(path)
		return strings.Contains(p.text(), "to team/hook: delivered") && strings.Contains(p.text(), "2 attempts")
	})
	if strings.Contains(p.text(), "Send again") {
		t.Errorf("what was delivered can be sent again: %s", p.text())
	}
	b.send(path+"/redeliver", url.Values{"receiver": {"nobody"}}).wants(t, 404, "Nothing to send again")
}

// TestConsoleSilences adds a silence, and ends it.
func TestConsoleSilences(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	b := opened(t, h)
	p := b.open("/silences")
	p.wants(t, 200, "Nothing is silenced")
	b.press(p, "/silences", "match", "rule=", "for", "1h").wants(t, 422, "this would silence everything")
	b.press(p, "/silences", "match", "rule", "for", "1h").wants(t, 422, "is no matcher")
	b.press(p, "/silences", "match", "rule=burst", "for", "tomorrow").wants(t, 422, "Write a duration")
	p = b.press(p, "/silences", "match", "rule=burst", "for", "2h", "comment", "release")
	p.wants(t, 200, "Silenced.", `rule="burst"`, "left, until", "console: “release”")
	for form := range p.all("form") {
		if action := attr(form, "action"); strings.HasSuffix(action, "/expire") {
			b.press(p, action).wants(t, 200, "The silence has ended", "Nothing is silenced", "Over 1", "ended by console")
			b.press(p, action).wants(t, 409, "over already")
		}
	}
	b.open("/rules").wants(t, 200, "burst medium ok 0", "Evaluated")
}

// TestConsoleEscapes shows what events bring as text, whatever it is.
func TestConsoleEscapes(t *testing.T) {
	hostile := []string{
		`<script src=//evil.example></script>`, `"><img src=x onerror=alert(1)>`, `'); alert(1); //`, `javascript:alert(1)`,
		"a\u202eb", `</li></ul></main><form action=//evil.example><button>`, `{{.Form}}`, `&lt;b&gt;`,
	}
	h := newHouse(t, vfs.NewMem())
	h.rules = "rules:\n  burst: {event: OrderCreated, by: customer_id, let: {orders: count over 10m, who: last(customer_id) over 10m}, when: orders > 1, alert: 'by {{ customer_id }}'}\n"
	b := opened(t, h, hostile...)
	pages := []string{"/", "/rules", "/silences", "/silences?match=" + url.QueryEscape(hostile[1]), "/alerts/" + url.PathEscape(hostile[1])}
	for _, a := range h.alerts("").Alerts {
		pages = append(pages, "/alerts/"+a.ID)
	}
	list := b.open("/").text()
	for _, x := range hostile {
		if x = strings.ReplaceAll(x, "\u202e", ""); !strings.Contains(strings.ReplaceAll(list, "\u202e", ""), "by "+x) {
			t.Errorf("the list does not show %q", x)
		}
	}
	for _, path := range pages {
		p := b.open(path)
		for n := range p.root.Descendants() {
			if n.Type == html.ElementNode {
				ours(t, path, n)
			}
		}
	}
}

// ours reports an element or attribute that can come from a value only.
func ours(t *testing.T, path string, n *html.Node) {
	t.Helper()
	if n.Data == "script" && (attr(n, "src") != "/console/console.js" || n.FirstChild != nil) || n.Data == "style" {
		t.Errorf("%s has <%s %v>", path, n.Data, n.Attr)
	}
	for _, a := range n.Attr {
		link := slices.Contains([]string{"src", "href", "action", "formaction"}, a.Key)
		if strings.HasPrefix(a.Key, "on") || a.Key == "style" || link && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "//") {
			t.Errorf("%s has <%s %s=%q>", path, n.Data, a.Key, a.Val)
		}
	}
}

// TestConsoleLogin logs in, acts, and logs out.
func TestConsoleLogin(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	b := opened(t, h, "ann")
	id := h.alerts("").Alerts[0].ID
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	h.spec.Tokens = tokens
	h.start()
	h.until("running", func() bool {
		return h.post("[]", "Authorization", "Bearer "+ingestToken).status == http.StatusOK
	})
	b.url = h.url
	path := "/alerts/" + id
	p := b.open(path)
	if want := "/login?next=" + url.QueryEscape(path); p.path != want || strings.Contains(p.text(), "burst") {
		t.Errorf("led to %s, want %s", p.path, want)
	}
	b.press(p, "/login", "token", "wrong-0123456789abc").wants(t, 403, "This token is not known")
	b.press(p, "/login", "token", ingestToken).wants(t, 403, "may not see anything")
	b.press(p, "/login", "token", readToken).wants(t, 200, "wall", "Your token may see this, and not act")
	b.send(path+"/acknowledge", url.Values{}).wants(t, 403, "the scope operate is needed")
	b.press(b.open(path), "/logout").wants(t, 200, "You are logged out")
	p = b.press(b.open("/login?next="+path), "/login", "token", operateToken)
	p.wants(t, 200, "ann", "Acknowledge")
	b.send(path+"/acknowledge", url.Values{}).wants(t, 403, "the page was made before you logged in")
	b.send(path+"/acknowledge", url.Values{"form": {"AAAA"}}).wants(t, 403, "the page was made before you logged in")
	b.press(p, path+"/acknowledge").wants(t, 200, "acknowledged ann,")
	if r := b.open("/v1/alerts"); r.status != 200 {
		t.Errorf("a session reads the API: %d", r.status)
	}
	if r := b.send("/v1/alerts/"+id+"/resolve", url.Values{}); r.status != 401 {
		t.Errorf("a session acts by the API: %d", r.status)
	}
	evil, err := http.NewRequest(http.MethodPost, h.url+path+"/resolve", strings.NewReader("form=x"))
	if err != nil {
		t.Fatal(err)
	}
	evil.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	evil.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(evil).wants(t, 403, "a page of another site")
	b.press(p, "/logout").wants(t, 200, "You are logged out")
	if p := b.open("/"); !strings.HasPrefix(p.path, "/login") {
		t.Errorf("logged out, and at %s", p.path)
	}
}

// TestConsoleCookie wants a cookie that no script and no other site can use, and that is worth nothing after its time.
func TestConsoleCookie(t *testing.T) {
	for _, base := range []string{"", "https://kelpie.example.com"} {
		now := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
		spec := server.DefaultSpec()
		spec.Tokens, spec.URL = tokens, base
		s, err := server.New(server.Options{Spec: spec, Service: nobody{nil}, Log: emptyLog{}, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		in := askBody(s, "POST", "/login", "token="+readToken+"&next=//evil.example", "")
		cookies := in.Cookies()
		if in.StatusCode != 303 || in.Header.Get("Location") != "/" || len(cookies) != 1 {
			t.Fatalf("%s, to %q, with %v", in.Status, in.Header.Get("Location"), cookies)
		}
		c := cookies[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 26 || c.Secure != (base != "") || strings.HasPrefix(c.Name, "__Host-") != c.Secure {
			t.Errorf("%v", c)
		}
		in2 := askBody(s, "POST", "/login", "token="+readToken, "")
		if again := in2.Cookies()[0]; again.Value == c.Value {
			t.Error("two sessions have one id")
		}
		known := func() bool { return askBody(s, "GET", "/login", "", c.Name+"="+c.Value).StatusCode == 303 }
		if now = now.Add(12*time.Hour - time.Second); !known() {
			t.Error("a session is over early")
		}
		if now = now.Add(time.Second); known() {
			t.Error("a session does not end")
		}
		for _, bad := range []string{"", "x", c.Value[:25], strings.ToLower(c.Value)} {
			if askBody(s, "GET", "/login", "", c.Name+"="+bad).StatusCode == 303 {
				t.Errorf("%q is a session", bad)
			}
		}
	}
}

// TestConsoleArrives follows a link of another site: the cookie comes only when our own page asks.
func TestConsoleArrives(t *testing.T) {
	s := newServer(t, func(spec *server.Spec) { spec.Tokens = tokens })
	r := askBody(s, "GET", "/login?next=/alerts/1", "", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
	b, err := io.ReadAll(r.Body)
	if err != nil || !strings.Contains(string(b), `<meta http-equiv="refresh" content="0;url=/alerts/1">`) || strings.Contains(string(b), "password") {
		t.Errorf("%v %s", err, b)
	}
}
