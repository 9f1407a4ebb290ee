package webhook

import (
	"fmt"
	"strings"
	"testing"

	"kelpie/alert/post"
	"kelpie/secret"
)

// TestValidate wants each mistake to name its setting and no secret.
func TestValidate(t *testing.T) {
	f := func(want string, change func(s *Spec)) {
		t.Helper()
		s := Spec{URL: secret.New("https://hook.example/hush"), Secrets: []secret.Value{secret.New(newSecret)}, Headers: map[string]secret.Value{"X-Team": secret.New("fraud")}}
		change(&s)
		got := fmt.Sprint(s.Validate())
		if want == "" && got != "<nil>" || !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
		if strings.Contains(got, "hush") {
			t.Errorf("a secret is told: %s", got)
		}
	}
	f("", func(*Spec) {})
	f("url: ", func(s *Spec) { s.URL = secret.Value{} })
	f("url: ", func(s *Spec) { s.URL = secret.New("ftp://hush.example") })
	f("url: ", func(s *Spec) { s.URL = secret.New("https://hu%zzsh") })
	f("secrets.0: must begin", func(s *Spec) { s.Secrets[0] = secret.New("hush") })
	f("secrets.0: must be whsec_", func(s *Spec) { s.Secrets[0] = secret.New("whsec_hush!") })
	f("secrets.0: must be 24", func(s *Spec) { s.Secrets[0] = secret.New("whsec_aHVzaA==") })
	f("headers.X Y: is no name", func(s *Spec) { s.Headers = map[string]secret.Value{"X Y": secret.New("hush")} })
	f("headers.X: has characters", func(s *Spec) { s.Headers = map[string]secret.Value{"X": secret.New("hush\r\nY: 1")} })
	f("headers.Webhook-Id: ", func(s *Spec) { s.Headers = map[string]secret.Value{"Webhook-Id": secret.New("hush")} })
	f("headers.content-type: ", func(s *Spec) { s.Headers = map[string]secret.Value{"content-type": secret.New("hush")} })
	f("max_body: ", func(s *Spec) { s.MaxBody = 1 })
	f("body: ", func(s *Spec) { s.Body = "{{" })
	f("timeout: ", func(s *Spec) { s.Timeout = -1 })
	f("proxy: ", func(s *Spec) { s.Proxy = secret.New("hush") })
	if _, err := New(Spec{URL: secret.New("https://hook.example"), Spec: post.Spec{TLS: post.TLS{CA: "testdata/no-such"}}}, post.Options{}); err == nil || !strings.Contains(err.Error(), "tls.ca") {
		t.Errorf("a file that is not there: %v", err)
	}
	s := Spec{}
	if got := len(s.Paths()); got != 3 {
		t.Errorf("%d paths", got)
	}
}
