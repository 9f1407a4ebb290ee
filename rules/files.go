package rules

// Files returns the rule files that paths name, each once, in the order in which Load reads them. The error is Errors.
func Files(paths []string) ([]string, error) {
	files, err := findFiles(paths)
	if err != nil {
		return nil, Errors{err}
	}
	return files, nil
}
