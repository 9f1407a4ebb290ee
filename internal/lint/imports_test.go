package lint

import (
	"go/parser"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors says how high each package stands. A package imports lower floors only.
var floors = map[string]int{
	"event":           0,
	"folder":          0,
	"rules/yaml":      0,
	"secret":          0,
	"examples/orders": 0, // rules as they are, embedded

	"window":        1,
	"detector":      1,
	"rules":         1,
	"ids":           1,
	"state":         1,
	"journal":       1,
	"mask":          1,
	"traffic":       1,
	"traffic/cards": 1,

	"backtest/score": 1, // labels against hits: pure

	"source":       2,
	"source/kafka": 3,
	"alert":        2,

	"engine":   3,
	"evidence": 3,

	"backtest":      4,
	"engine/whynot": 4,
	"verify":        4,
	"server":        4,
	"topics":        4,

	"config":           5,
	"engine/ruletest":  5,
	"backtest/compare": 5,
	"backtest/explain": 5,
	"backtest/figure":  5,
	"backtest/report":  5,

	"cmd/kelpie": 6,
	"bench":      6,
}

// notifiers tell the world. The programs import them, and the configuration for their settings, and nothing else can:
// a backtest pages nobody.
var notifiers = []string{"alert/alertmanager", "alert/email", "alert/file", "alert/kafka", "alert/stdout", "alert/pagerduty", "alert/slack", "alert/webhook"}

// programs hand notifiers to package alert.
var programs = []string{"cmd/kelpie", "bench"}

// trade is what notifiers are made of. It stands between package alert and them, and nothing else imports it but the
// programs, which hand it to them.
var trade = []string{"alert/post", "alert/words"}

// helpers are for tests: they are imported by tests, by each other, and by what measures. Each stands on the floor of what it helps to
// test, or above it.
var helpers = map[string]int{
	"alert/alerttest":                     3,
	"alert/alertmanager/alertmanagertest": 4,
	"alert/email/emailtest":               4,
	"alert/slack/slacktest":               4,
	"alert/pagerduty/pagerdutytest":       4,
	"source/sourcetest":                   3,
	"source/kafka/kafkatest":              4,
	"engine/oracle":                       3,
	"internal/chromium":                   6,
	"internal/docs":                       6,
	"internal/lint":                       6,
}

// floor returns where a package stands.
func floor(pkg string) (n int, known bool) {
	switch {
	case slices.Contains(trade, pkg):
		return floors["alert"] + 1, true
	case slices.Contains(notifiers, pkg):
		return floors["alert"] + 2, true
	}
	if n, ok := helpers[pkg]; ok {
		return n, true
	}
	n, known = floors[pkg]
	return n, known
}

// TestImports holds the architecture: imports point down.
func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t, parser.ImportsOnly) {
		if seen[s.pkg] = true; s.pkg == "." {
			t.Errorf("%s: the root folder holds no package", s.name)
			continue
		}
		if _, known := floor(s.pkg); !known {
			t.Errorf("%s: package %s is not in the table of floors", s.name, s.pkg)
			continue
		}
		for _, i := range s.file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if pkg, ours := strings.CutPrefix(path, module+"/"); ours {
				if why := mayImport(s, pkg); why != "" {
					t.Errorf("%s: %s imports %s: %s", s.at(i), s.pkg, pkg, why)
				}
			}
		}
	}
	for pkg := range floors {
		if !seen[pkg] {
			t.Errorf("package %s is in the table of floors and does not exist", pkg)
		}
	}
}

// mayImport says why a file may not import a package of ours; "" if it may. Tests may use helpers, and packages of
// their own floor.
func mayImport(s *source, pkg string) string {
	from, _ := floor(s.pkg)
	to, known := floor(pkg)
	_, helper := helpers[pkg]
	_, helps := helpers[s.pkg]
	switch {
	case !known:
		return "it is not in the table of floors"
	case pkg == s.pkg && s.test:
		return ""
	case helper && !s.test && !helps && s.pkg != "bench":
		return "it is for tests"
	case helper:
		return ""
	case slices.Contains(notifiers, pkg) && !slices.Contains(programs, s.pkg) && s.pkg != "config" && !(s.test && strings.HasPrefix(s.pkg, "alert")):
		return "only programs and config import a notifier"
	case slices.Contains(trade, pkg) && !slices.Contains(programs, s.pkg) && !strings.HasPrefix(s.pkg, "alert/"):
		return "only notifiers and programs import what they are made of"
	case to > from, to == from && !s.test:
		return "imports point down: floor " + strconv.Itoa(from) + " to floor " + strconv.Itoa(to)
	}
	return ""
}

// TestMayImport tries the rule itself.
func TestMayImport(t *testing.T) {
	f := func(file, pkg string, allowed bool) {
		t.Helper()
		dir := file[:strings.LastIndexByte(file, '/')]
		s := &source{name: file, pkg: dir, test: strings.HasSuffix(file, "_test.go")}
		if why := mayImport(s, pkg); (why == "") != allowed {
			t.Errorf("%s imports %s: %q", file, pkg, why)
		}
	}
	f("engine/fold.go", "event", true)
	f("engine/fold.go", "state", true)
	f("engine/fold.go", "alert/stdout", false)
	f("engine/fold.go", "engine/oracle", false)
	f("bench/kafka.go", "source/kafka/kafkatest", true)
	f("engine/laws_test.go", "engine/oracle", true)
	f("engine/laws_test.go", "alert/file", false)
	f("engine/laws_test.go", "config", false)
	f("state/store.go", "rules", false)
	f("state/store_test.go", "traffic", true)
	f("event/decoder.go", "window", false)
	f("rules/load.go", "rules/yaml", true)
	f("alert/worker.go", "alert/file", false)
	f("alert/file/file.go", "alert", true)
	f("alert/file/file_test.go", "alert/alerttest", true)
	f("cmd/kelpie/run.go", "alert/file", true)
	f("cmd/kelpie/run.go", "engine/oracle", false)
	f("config/config.go", "unheard/of", false)
	f("config/config.go", "alert/file", true)
	f("server/server.go", "alert/file", false)
	f("alert/webhook/webhook.go", "alert/post", true)
	f("alert/webhook/webhook.go", "alert/file", false)
	f("engine/ruletest/run.go", "alert/post", false)
}
