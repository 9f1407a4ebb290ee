#!/bin/sh
# Checks rules that somebody wants to change: they are right, their tests pass, and over the history they do not cost what
# nobody would pay. Writes report.md, for a comment, and report.html, with charts. Exit codes are Kelpie's: 0 all is well,
# 1 the answer is no, 2 a call or a file is wrong.
#
#   RULES     folder of the rules, in a git repository (rules)
#   HISTORY   events of the past: a file, or several with spaces between them (history.jsonl.zst)
#   LABELS    what is known of them, a CSV file; not set: nothing
#   BASE      with which rules they are compared: a branch, a tag or a commit (origin/main)
#   FAIL_IF   what is too much ('alerts/day > 50')
#   OUT       folder of the reports (.)
set -eu
rules=${RULES:-rules}
history=${HISTORY:-history.jsonl.zst}
out=${OUT:-.}

kelpie check "$rules"
kelpie test "$rules"

set --
for file in $history; do
	set -- "$@" --events "$file"
done
if [ -n "${LABELS:-}" ]; then
	set -- "$@" --labels "$LABELS"
fi
kelpie backtest -r "$rules" "$@" --against "git:${BASE:-origin/main}" --fail-if "${FAIL_IF:-alerts/day > 50}" \
	--report "$out/report.md" --report "$out/report.html"
