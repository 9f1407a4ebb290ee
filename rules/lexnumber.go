package rules

import (
	"fmt"
	"strconv"
	"strings"
)

// number reads the number at i: as it is, a duration (10m, in milliseconds) or a percent (5%, where the digit touches
// the sign; `a % b` stays the remainder).
func (lx *lexed) number(i int) (n int, text string, err *SrcError) {
	rest := lx.src[i:]
	n = numeralLength(rest)
	if unit := nameLength(rest[n:]); unit > 0 {
		n += unit
		ms, err := ParseDuration(strings.ReplaceAll(rest[:n], "_", ""))
		if err != nil {
			return 0, "", &SrcError{i, n, err.Error(), ""}
		}
		return n, strconv.FormatInt(ms, 10), nil
	}
	plain := strings.ReplaceAll(rest[:n], "_", "")
	switch {
	case n < len(rest) && rest[n] == '%' && plain[len(plain)-1]-'0' < 10 && !isPrefixed(plain):
		return lx.percent(i, n, plain)
	case !strings.ContainsAny(plain, ".eExXoObB"):
		if _, err := strconv.ParseInt(plain, 10, 64); err != nil {
			return n, plain + ".0", nil // beyond int64: the nearest float64
		}
	case isPrefixed(plain):
		if _, err := strconv.ParseInt(plain, 0, 64); err != nil {
			return 0, "", &SrcError{i, n, fmt.Sprintf("%s is no number", rest[:n]), ""}
		}
	}
	if _, err := strconv.ParseFloat(plain, 64); err != nil && !isPrefixed(plain) {
		return 0, "", &SrcError{i, n, fmt.Sprintf("%s is too large for a number", rest[:n]), ""}
	}
	return n, rest[:n], nil
}

// percent reads the percent sign behind the n bytes of a number.
func (lx *lexed) percent(i, n int, plain string) (int, string, *SrcError) {
	value, shifted := plain, "e-2"
	if e := strings.IndexAny(plain, "eE"); e >= 0 {
		exp, _ := strconv.Atoi(plain[e+1:])
		value, shifted = plain[:e], "e"+strconv.Itoa(exp-2)
	}
	f, err := strconv.ParseFloat(value+shifted, 64)
	if err != nil {
		return 0, "", &SrcError{i, n + 1, fmt.Sprintf("%s%% is too large for a number", plain), ""}
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	rest := lx.src[i+n+1:]
	if rest != "" && (nameLength(rest) > 0 || strings.IndexByte("(\"'`", rest[0]) >= 0) {
		return 0, "", &SrcError{i, n + 1, fmt.Sprintf("%s%% is the number %s here", plain, text),
			"for the remainder put a space before the sign: " + plain + " % …"}
	}
	lx.percents = append(lx.percents, i+n+1)
	return n + 1, text, nil
}

// isPrefixed reports whether a number is written in base 16, 8 or 2.
func isPrefixed(s string) bool {
	return len(s) > 1 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0
}

// numeralLength returns how many bytes of s, which begins with a digit or a dot, are a number as expr reads it.
func numeralLength(s string) int {
	run := func(i int, digits string) int {
		for i < len(s) && strings.IndexByte(digits, s[i]) >= 0 {
			i++
		}
		return i
	}
	const decimal = "0123456789_"
	if isPrefixed(s) {
		digits := map[byte]string{'x': "0123456789abcdefABCDEF_", 'o': "01234567_", 'b': "01_"}[s[1]|0x20]
		return run(2, digits)
	}
	i := run(0, decimal)
	if i < len(s) && s[i] == '.' && !strings.HasPrefix(s[i:], "..") {
		i = run(i+1, decimal)
	}
	if i+1 < len(s) && s[i]|0x20 == 'e' {
		k := i + 1
		if s[k] == '+' || s[k] == '-' {
			k++
		}
		if k < len(s) && s[k]-'0' < 10 {
			i = run(k, decimal)
		}
	}
	return i
}
