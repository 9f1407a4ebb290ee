package rules

// didYouMean returns "did you mean x?" for the candidate that is nearest to what was written, or "" if none is near.
func didYouMean(written string, candidates []string) string {
	best, least := "", max(1, len(written)/3)+1
	for _, c := range candidates {
		if d := editDistance(written, c, least); d < least {
			best, least = c, d
		}
	}
	if best == "" || written == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// editDistance counts the letters to change, add, drop or swap with the next one to get from a to b; it may stop at limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 || len(b) > 64 {
		return limit
	}
	var rows [3][65]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur, prev, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
