package event

// Equal is == of the rule language: numbers by value (a Decimal as the nearest float64, which is what an
// expression sees), other kinds by kind and value; different types are not equal. Objects are equal if they have
// equal members in any order. Missing is for the caller to handle; here it equals only itself.
func Equal(a, b Value) bool {
	switch {
	case a.IsNumber() && b.IsNumber():
		return equalNumbers(a, b)
	case a.Kind != b.Kind:
		return false
	case a.Kind == String:
		return a.S == b.S
	case a.Kind == Bool:
		return a.N == b.N
	case a.Kind == Object:
		return a.S == b.S || equalObjects(a.S, b.S)
	case a.Kind == List:
		return a.S == b.S || equalLists(a.S, b.S)
	}
	return true
}

func equalNumbers(a, b Value) bool {
	if a.Kind == b.Kind && a.N == b.N && a.Scale == b.Scale {
		return true
	}
	if a.Kind == Decimal {
		a = FloatValue(decimalFloat(a.N, a.Scale))
	}
	if b.Kind == Decimal {
		b = FloatValue(decimalFloat(b.N, b.Scale))
	}
	return a.Kind == b.Kind && a.N == b.N
}

func equalObjects(a, b string) bool {
	members := map[string]string{}
	eachMember(b, func(key, value string) bool {
		members[textOf(key)] = value
		return true
	})
	n, equal := 0, true
	eachMember(a, func(key, value string) bool {
		n++
		other, ok := members[textOf(key)]
		equal = ok && equalText(value, other)
		return equal
	})
	return equal && n == len(members)
}

func equalLists(a, b string) bool {
	var elements []string
	eachElement(b, func(value string) bool {
		elements = append(elements, value)
		return true
	})
	n, equal := 0, true
	eachElement(a, func(value string) bool {
		equal = n < len(elements) && equalText(value, elements[n])
		n++
		return equal
	})
	return equal && n == len(elements)
}

// equalText compares two JSON values. Inside of objects and lists null equals null.
func equalText(a, b string) bool {
	return a == b || Equal(valueOf(a), valueOf(b)) && (a == "null") == (b == "null")
}
