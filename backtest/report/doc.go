// Package report says what a backtest came to, for people: text for a terminal, Markdown for a comment, and one HTML file
// that needs no network.
//
// All of them come from the same [backtest.Result]: first it becomes a page, sections of sentences, tables and charts, and
// then the page gets a form. A section, a column or a chart is there only if it has something to say. The same result
// gives the same bytes.
package report
