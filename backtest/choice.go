package backtest

// Choice is which point of a sweep is worth a look.
type Choice struct {
	Budget string  `json:"budget,omitempty"` // what a point has to keep to
	Within int     `json:"within"`           // how many points keep to it, all without a budget
	By     string  `json:"by"`               // the figure of which the best has most
	Best   *Chosen `json:"best,omitempty"`   // absent: no point keeps to the budget
	Knee   *Chosen `json:"knee,omitempty"`   // absent: the curve has none
	Curve  string  `json:"curve,omitempty"`  // over what the knee is: "recall over alerts/day"
}

// Chosen is a point of a sweep.
type Chosen struct {
	Variant string    `json:"variant"` // its name
	Params  []Setting `json:"params"`
	Said    string    `json:"said"` // the figures by which it was chosen
}

// Verdict is what a condition came to for which a backtest fails.
type Verdict struct {
	Condition string `json:"condition"`
	Holds     bool   `json:"holds"` // the backtest fails
	Said      string `json:"said"`  // the figures that the condition reads
}

// Swept returns the figures by which a point of a sweep is looked at: where all its params are of one rule those of this
// rule, for the others do not change; else those of all rules, and rule is "".
func (v *VariantResult) Swept() (rule string, f *Figures) {
	for _, s := range v.Params {
		if s.Rule != v.Params[0].Rule {
			return "", &v.Total
		}
	}
	for i := range v.Rules {
		if len(v.Params) > 0 && v.Rules[i].Rule == v.Params[0].Rule {
			return v.Rules[i].Rule, &v.Rules[i].Figures
		}
	}
	return "", &v.Total
}
