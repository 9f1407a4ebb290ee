package yaml

import (
	"strconv"
	"strings"
	"unicode"
)

// Quote writes a text as a scalar in one line that is read back as the same text: in single quotes, or in double
// quotes if it holds single quotes or what these cannot show.
func Quote(s string) string {
	if !strings.ContainsFunc(s, unshowable) && (!strings.Contains(s, "'") || strings.ContainsAny(s, `"\`)) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unshowable(r):
			b.WriteString(`\U`)
			for shift := 28; shift >= 0; shift -= 4 {
				b.WriteByte(hex[r>>shift&15])
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func unshowable(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff
}

// Text writes a text as a scalar in one line: plain where that is read back as the same text, otherwise quoted.
// In a flow collection fewer texts can be plain.
func Text(s string, flow bool) string {
	if plainSafe(s, flow) {
		return s
	}
	return Quote(s)
}

// plainSafe reports whether s can be written without quotes and mean the same text to every reader of YAML.
func plainSafe(s string, flow bool) bool {
	if s == "" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, unshowable) {
		return false
	}
	if strings.IndexByte("!&*|>%@`\"'#,[]{}", s[0]) >= 0 || strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return false
	}
	if strings.IndexByte("?:-", s[0]) >= 0 && (len(s) == 1 || s[1] == ' ') {
		return false
	}
	if resolves(s) {
		return false
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") {
		return false
	}
	return !flow || !strings.ContainsAny(s, ",[]{}") && !strings.HasPrefix(s, "-")
}

// resolves reports whether some reader of YAML takes a plain s for something else than a text: a number, a bool or null.
func resolves(s string) bool {
	switch strings.ToLower(s) {
	case "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", "-.inf", "+.inf", ".nan":
		return true
	}
	t := strings.TrimLeft(s, "+-.")
	if t == "" || t[0] < '0' || t[0] > '9' {
		return false
	}
	_, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return err == nil || len(t) > 2 && t[0] == '0' && strings.IndexByte("xXoOb", t[1]) >= 0
}
