package event

// EachElement calls f with each element of a list until f says false; null is missing. It calls nothing if v is no list.
func EachElement(v Value, f func(Value) bool) {
	if v.Kind == List {
		eachElement(v.S, func(text string) bool { return f(valueOf(text)) })
	}
}

// EachMember calls f with each member of an object, in order, until f says false; null is missing. It calls nothing if v
// is no object.
func EachMember(v Value, f func(name string, v Value) bool) {
	if v.Kind == Object {
		eachMember(v.S, func(key, text string) bool { return f(textOf(key), valueOf(text)) })
	}
}

// Member returns the member of that name of an object, missing if there is none or v is no object.
func Member(v Value, name string) (member Value) {
	if v.Kind == Object {
		eachMember(v.S, func(key, text string) bool {
			if textOf(key) != name {
				return true
			}
			member = valueOf(text)
			return false
		})
	}
	return member
}
